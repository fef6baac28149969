"""Writes the tables of `docs/reference/` and of the playbook library from the code: `make docs`. A test says when they lag behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from activities.catalog import plain_catalog
from cli.dev import library_pages
from playbook_dsl.catalog import ActionDef, Catalog, FactDef
from playbook_dsl.expressions.signatures import SIGNATURES
from playbook_dsl.schema.parts import TEMPLATED, Schema
from playbook_dsl.schema.playbook import playbook_schema
from playbook_dsl.types import Type

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w. -]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Row = tuple[str, ...]


def filled(text: str, catalog: Catalog) -> str:
    """Give a page with every generated block as the code has it now."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{_block(found['name'], catalog)}\n{found[3]}", text)


def _block(name: str, catalog: Catalog) -> str:
    kind, _, rest = name.partition(" ")
    return _BLOCKS[kind](rest, catalog)


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in lines) + "\n"


def _cell(text: str) -> str:
    """Escape what Markdown would read as something else, but not inside backquotes."""
    parts = text.replace("|", "&#124;").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def _keys(path: str, catalog: Catalog) -> str:
    """The keys of a part of the schema, such as `enroll.again` or `step.repeat`."""
    schema = playbook_schema(catalog)
    part = _at(schema, schema, path.split(".") if path else [])
    required = _texts(part.get("required"))
    properties = _schemas(part.get("properties"))
    known = {*catalog.actions, *_VERBS} if path == "step" else set()
    rows = [
        (f"`{key}`", _form(schema, value), _description(schema, value) + (" **Needed.**" if key in required else ""))
        for key, value in properties.items()
        if key not in known
    ]
    return _table(("key", "takes", "meaning"), rows)


_VERBS = (
    *("wait", "wait_until", "ask", "approve", "branch", "parallel", "for_each", "repeat", "stop_repeat", "stage", "together", "lock"),
    *("split", "tasks", "play", "set", "stop"),
)


def _at(root: Schema, part: Schema, path: list[str]) -> Schema:
    """Follow a path of keys; of several forms the one that is a map with known keys is meant."""
    part = _as_map(root, part)
    if not path:
        return part
    first, *rest = path
    if first == "step" and "step" not in _schemas(part.get("properties")):
        return _at(root, _schemas(root.get("definitions"))["step"], rest)
    if first == "each":
        found = part.get("additionalProperties", part.get("items"))
        return _at(root, found if isinstance(found, dict) else {}, rest)
    return _at(root, _schemas(part.get("properties"))[first], rest)


def _as_map(root: Schema, part: Schema) -> Schema:
    part = _resolved(root, part)
    if "properties" in part or "additionalProperties" in part:
        return part
    options = [_resolved(root, option) for option in _options(part)]
    items = [_resolved(root, option["items"]) for option in options if isinstance(option.get("items"), dict)]  # type: ignore[arg-type]  # checked
    return next((option for option in [*options, *items] if "properties" in option), part)


def _resolved(root: Schema, part: Schema) -> Schema:
    inner = part.get("allOf")
    if isinstance(inner, list) and inner and isinstance(inner[0], dict):
        return {**_resolved(root, inner[0]), **{key: value for key, value in part.items() if key != "allOf"}}
    name = part.get("$ref")
    return _schemas(root.get("definitions"))[name.rpartition("/")[2]] if isinstance(name, str) else part


def _options(part: Schema) -> list[Schema]:
    found = part.get("anyOf")
    return [option for option in found if isinstance(option, dict)] if isinstance(found, list) else []


def _schemas(node: object) -> dict[str, Schema]:
    return {str(key): value for key, value in node.items() if isinstance(value, dict)} if isinstance(node, dict) else {}


def _texts(node: object) -> list[str]:
    return [str(item) for item in node] if isinstance(node, list) else []


def _description(root: Schema, part: Schema) -> str:
    return str(_resolved(root, part).get("description", ""))


def _form(root: Schema, part: Schema) -> str:
    """What may stand there, in a few words."""
    name = part.get("$ref") or next((inner.get("$ref") for inner in _all_of(part)), None)
    if isinstance(name, str) and (word := _FORMS.get(name.rpartition("/")[2])):
        return word
    part = _resolved(root, part)
    if part.get("pattern") == TEMPLATED:
        return "`{{ }}`"
    if "enum" in part:
        return ", ".join(f"`{option}`" for option in _texts(part["enum"]))
    if _options(part):
        return " or ".join(dict.fromkeys(_form(root, option) for option in _options(part)))
    kinds = part.get("type")
    if kinds == "array":
        items = part.get("items")
        return f"list of {_form(root, items)}" if isinstance(items, dict) else "list"
    return _TYPES.get(str(kinds[0] if isinstance(kinds, list) else kinds), "any value") + _bounds(part)


def _all_of(part: Schema) -> list[Schema]:
    found = part.get("allOf")
    return [inner for inner in found if isinstance(inner, dict)] if isinstance(found, list) else []


def _bounds(part: Schema) -> str:
    low, high = part.get("minimum"), part.get("maximum")
    if low is None and high is None:
        return ""
    return f" {low} to {high}" if low is not None and high is not None else f" from {low}" if low is not None else f" up to {high}"


_FORMS = {
    "condition": "condition",
    "expression": "expression",
    "duration": "duration",
    "share": "share",
    "owners": "owner",
    "recipients": "recipient",
    "steps": "steps",
    "field": "type or field",
    "exits": "exits",
}
_TYPES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "object": "map", "null": "nothing"}


def _actions(_: str, catalog: Catalog) -> str:
    return "\n".join(_action(catalog.actions[name], catalog) for name in sorted(catalog.actions))


def _action(action: ActionDef, catalog: Catalog) -> str:
    schema = playbook_schema(catalog)
    inputs = [
        (
            f"`{name}`",
            _form(schema, _schemas(_at(schema, schema, ["step", action.name]).get("properties"))[name]),
            (param.help or "") + (" **Needed.**" if param.required else ""),
        )
        for name, param in action.inputs.items()
    ]
    outputs = ", ".join(f"`{name}` ({kind})" for name, kind in action.outputs.items()) or "none"
    undo = f"Undo: {action.undo}." if action.undo else "It only reads." if action.effect == "read" else "It cannot be undone."
    live = " They change when the thing itself changes." if action.live else ""
    head = [f"### `{action.name}`", "", action.help or action.title, f"Effect: {action.effect}. {undo}", ""]
    return "\n".join([*head, _table(("input", "takes", "meaning"), inputs), f"Results: {outputs}.{live}", ""])


def _facts(_: str, catalog: Catalog) -> str:
    return _table(("fact", "type", "meaning"), (_fact(fact) for fact in catalog.facts))


def _fact(fact: FactDef) -> Row:
    return f"`{fact.path}`", _type_words(fact.type), fact.help + (f" In {fact.unit}." if fact.unit and fact.unit != "share" else "")


def _type_words(kind: Type) -> str:
    return str(kind) if not kind.options else f"{kind}: {', '.join(kind.options)}"


def _functions(_: str, __: Catalog) -> str:
    return _table(("function", "gives"), ((f"`{SIGNATURES[name].form}`", MEANINGS[name]) for name in sorted(SIGNATURES)))


MEANINGS = {
    "all": "true if all are true",
    "any": "true if at least one is true",
    "business_days": "a duration of so many business days",
    "business_days_between": "the number of business days from one date to another",
    "coalesce": "the first value that is not missing",
    "contains": "true if the text or list holds the part",
    "count_true": "how many are true",
    "days": "a duration of so many days",
    "days_between": "the number of days from one date to another",
    "default": "the value, or the second one when it is missing",
    "in_play": "true while a play of that playbook runs on the account",
    "len": "how many characters or items",
    "lower": "the text in small letters",
    "max": "the greatest",
    "min": "the smallest",
    "open_tasks": "how many open tasks the account has",
    "percent_change": "the change from the first to the second in per cent of the first",
    "round": "the number rounded, to so many digits",
    "starts_with": "true if the text begins so",
    "sum": "the sum",
    "upper": "the text in capitals",
}


def _library(_: str, __: Catalog) -> str:
    return _table(("playbook", "what it is for", "undo covers"), library_pages.library_rows())


def _connections(slug: str, _: Catalog) -> str:
    return _table(("connection", "used by"), library_pages.connection_rows(slug))


def _undo(slug: str, _: Catalog) -> str:
    head = ("step", "action", "can be undone", "how, or why not")
    return f"{library_pages.undo_line(slug)}\n\n{_table(head, library_pages.undo_rows(slug))}"


_BLOCKS: dict[str, Callable[[str, Catalog], str]] = {
    "keys": _keys,
    "actions": _actions,
    "facts": _facts,
    "functions": _functions,
    "library": _library,
    "connections": _connections,
    "undo": _undo,
}


def pages() -> Iterator[tuple[Path, str]]:
    """Every page with what it should hold."""
    catalog = plain_catalog()
    for path in [*sorted(FOLDER.glob("*.md")), *library_pages.pages()]:
        yield path, filled(path.read_text(encoding="utf-8"), catalog)


def main() -> None:
    """Write the pages anew."""
    for path, text in pages():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
