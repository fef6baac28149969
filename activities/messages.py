"""Message templates rendered for one account: Jinja2 in a sandbox, then Markdown to HTML."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import cast

from jinja2 import StrictUndefined, Template, TemplateError, Undefined, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt

from activities.contracts import JsonTree
from activities.failures import TemplateFailed
from playbook_dsl.expressions.operations import add, subtract
from playbook_dsl.expressions.template import print_value
from playbook_dsl.values import Duration, Money, Value, from_json

MAX_MESSAGE_CHARACTERS = 200_000
_MAX_RANGE = 1_000


class Missing(StrictUndefined):
    """A fact this account does not have, or a field of such. It may be asked for (`if`, `default`), not printed: a mail says no "None"."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # Jinja2 declares what raises as raising only
        return False

    def __eq__(self, other: object) -> bool:  # type: ignore[override]  # see above
        return isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:  # type: ignore[override]  # see above
        return not isinstance(other, Undefined)

    def __hash__(self) -> int:  # type: ignore[override]  # see above
        return 0


class _Environment(ImmutableSandboxedEnvironment):
    """Reads records by their fields only, says which fact is missing, and calculates as expressions do."""

    intercepted_binops = frozenset({"+", "-"})

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, Missing):
            return obj
        if isinstance(obj, Mapping):
            return self._field(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        if isinstance(obj, Missing):
            return obj
        if isinstance(obj, Mapping) and isinstance(argument, str):
            return self._field(obj, argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Add and subtract amounts, dates and spans as expressions do."""
        do = {"+": add, "-": subtract}[operator]
        if isinstance(left, Money | Duration | date) or isinstance(right, Money | Duration | date):
            env: dict[str, Value] = {"$zone": cast(Value, context.get("$zone"))}
            found = do(cast(Value, left), cast(Value, right), env)
            return Missing(f"{operator} does not fit the two values beside it") if found is None else found
        return super().call_binop(context, operator, left, right)

    def _field(self, record: Mapping[object, object], name: str) -> object:
        if name not in record:
            # A step that has not run, or a field that an event came without. Names that can never be are refused before publishing.
            return Missing(f'there is no field "{name}"')
        found = record[name]
        return Missing(f'this account has no "{name}"') if found is None else found


@pass_context
def _finalize(context: Context, value: object) -> object:
    """Print values as they print in every other text of a playbook."""
    if isinstance(value, str | Undefined):
        return value
    return print_value(cast(Value, value), {"$zone": context.get("$zone")})


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _MAX_RANGE:
        raise TemplateFailed(f"a template may count to {_MAX_RANGE} at most")
    return numbers


_ENVIRONMENT = _Environment(undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True)
_ENVIRONMENT.globals = {"range": _range}
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable("table")


@lru_cache(maxsize=512)
def _template(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def render(name: str, source: str, context: Mapping[str, JsonTree]) -> str:
    """Render a template source with values in their JSON form.

    Raises:
        TemplateFailed: it reads what this account does not have, is broken, or grows beyond 200,000 characters.
    """
    values = {root: _root(root, from_json(tree)) for root, tree in context.items()}
    account = context.get("account")
    values["$zone"] = account.get("zone") if isinstance(account, dict) else None
    try:
        return _joined(name, _template(source).generate(values))
    except TemplateFailed as problem:
        raise TemplateFailed(f'the template "{name}" cannot be rendered: {problem}') from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise TemplateFailed(f'the template "{name}" cannot be rendered for this account: {error}') from error


def markdown_to_html(text: str) -> str:
    """Give the HTML of a Markdown text. HTML inside it is shown as text, and links may not run scripts."""
    return f"<!doctype html>\n<html><body>\n{_MARKDOWN.render(text)}</body></html>\n"


def _joined(name: str, pieces: Iterable[str]) -> str:
    parts: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_MESSAGE_CHARACTERS:
            raise TemplateFailed(f"it is longer than {MAX_MESSAGE_CHARACTERS:,} characters")
        parts.append(piece)
    return "".join(parts)


def _root(root: str, value: Value) -> object:
    return Missing(f'this account has no "{root}"') if value is None else value
