"""What rules and triggers look at, so that somebody who asks why can be shown the values of now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from enrollment.rules import Scope, evaluate, holds
from playbook_dsl.enrollment import Trigger
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.template import print_value
from playbook_dsl.expressions.tree import Call, Node, children, path_of
from playbook_dsl.values import Value

_NOT_FACTS: Final = frozenset({"event", "inputs", "trigger", "tables", "now", "today"})
_OF_THE_ACCOUNT: Final = frozenset({"in_play", "open_tasks"})
_LONGEST: Final = 200


@dataclass(frozen=True)
class Fact:
    """A fact that was looked at, in words. `value` is None when it is not known."""

    path: str
    value: str | None


@dataclass(frozen=True)
class Facts:
    """The facts of an account that may be shown: `plain` by path are those that are one value, and not sealed."""

    scope: Scope
    plain: frozenset[str]

    def of(self, source: str | None) -> tuple[Fact, ...]:
        """Give every fact that an expression looks at, each once, with its value of now."""
        return tuple(self.fact(path) for path in dict.fromkeys(looked_at(source))) if source else ()

    def holds(self, condition: str) -> bool:
        """Say whether a condition holds now."""
        return holds(condition, self.scope)

    def fact(self, path: str) -> Fact:
        """Give a fact with its value of now. A sealed one is only known to be there or not."""
        value = evaluate(path, self.scope)
        if value is None or value == []:
            return Fact(path, None)
        if isinstance(value, list) and path not in self.plain:
            return Fact(path, f"{len(value)} of them")
        if path not in self.plain and not path.endswith(")"):
            return Fact(path, "is there; it is sealed and not shown")
        return Fact(path, words_of(value, self.scope))


def words_of(value: Value, scope: Scope) -> str:
    """Give a value as it is shown."""
    text = print_value(value, scope)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def looked_at(source: str) -> Iterator[str]:
    """Give the facts that an expression looks at, as they are written, and calls that ask about the account (`in_play('x')`)."""
    tree = read(source).tree
    if tree is not None:
        yield from _looked_at(tree, source)


def _looked_at(node: Node, source: str) -> Iterator[str]:
    path = path_of(node)
    if path is not None:
        if path[0] not in _NOT_FACTS and len(path) > 1:
            yield ".".join(path)
        return
    if isinstance(node, Call) and node.function in _OF_THE_ACCOUNT:
        yield source[node.offset : node.offset + node.length]
        return
    for child in children(node):
        yield from _looked_at(child, source)


def needs_event(source: str | None) -> bool:
    """Say whether an expression looks at the event, so that without one nothing can be said."""
    tree = read(source).tree if source else None
    return tree is not None and any(path[0] == "event" for path in _paths(tree))


def _paths(node: Node) -> Iterator[tuple[str, ...]]:
    path = path_of(node)
    if path is not None:
        yield path
        return
    for child in children(node):
        yield from _paths(child)


def watched_by(trigger: Trigger) -> tuple[str, ...]:
    """Give the facts that a trigger watches, its condition left aside."""
    match trigger.kind:
        case "score":
            return (f"{trigger.spec.get('score')}.score",)
        case "change" | "unchanged":
            return (str(_source(trigger.spec.get(trigger.kind))),)
        case "segment":
            return ("account.segment",)
        case "becomes" | "date":
            source = _source(trigger.spec.get(trigger.kind))
            return tuple(dict.fromkeys(looked_at(source))) if source else ()
    return ()


def now_of(trigger: Trigger, scope: Scope) -> str | None:
    """Give in words how what a trigger watches stands now; None when there is nothing to say without an event or a clock."""
    match trigger.kind:
        case "score":
            return _score_words(trigger.spec, scope)
        case "becomes":
            source = _source(trigger.spec.get("becomes"))
            return "the condition holds now" if source and evaluate(source, scope) is True else "the condition does not hold now"
        case "segment":
            inside = evaluate("account.segment", scope) == trigger.spec.get("segment")
            return "it is in this segment now" if inside else "it is not in this segment now"
        case "date":
            return _date_words(trigger.spec, scope)
    return None


def _score_words(spec: Mapping[str, object], scope: Scope) -> str | None:
    score = evaluate(f"{spec.get('score')}.score", scope)
    if not isinstance(score, int | float):
        return "the score is not known"
    below, above = spec.get("drops_below"), spec.get("rises_above")
    if isinstance(below, int | float):
        side = f"is below {below:g} already; it has to rise first" if score < below else f"is not below {below:g}"
        return f"the score {side}"
    if isinstance(above, int | float):
        side = f"is above {above:g} already; it has to drop first" if score > above else f"is not above {above:g}"
        return f"the score {side}"
    return None


def _date_words(spec: Mapping[str, object], scope: Scope) -> str:
    source = _source(spec.get("date"))
    value = evaluate(source, scope) if source else None
    if isinstance(value, datetime):
        value = value.date()
    today = scope.get("today")
    if not isinstance(value, date) or not isinstance(today, date):
        return "the date is not known"
    days = (value - today).days
    if days == 0:
        return "the date is today"
    span = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"the date is in {span}" if days > 0 else f"the date was {span} ago"


def _source(node: object) -> str | None:
    if isinstance(node, Mapping):
        found = node.get("$expr")
        return found if isinstance(found, str) else None
    return node if isinstance(node, str) else None
