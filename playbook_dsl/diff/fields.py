"""What differs between two trees of plain data, field by field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from playbook_dsl.explain.words import SHORT_DURATION, WORDY_DURATION
from playbook_dsl.plan_part import Node, PlanPart
from playbook_dsl.values import Json

MAX_SHOWN = 120
VALUE_FIELDS = frozenset({"inputs", "values", "default", "spec", "tables"})  # what authors write there is theirs, empty or not
UNNAMED_CASE = re.compile(r"case_\d+|else")  # the names the compiler gives to cases of a branch


class _Absent:
    """The field is not there at all, which differs from an empty value."""


ABSENT: Final = _Absent()


@dataclass(frozen=True)
class FieldChange:
    """One field that differs; `before` or `after` is ABSENT when it was added or removed."""

    path: tuple[str, ...]
    before: object
    after: object

    def words(self) -> str:
        """Give "discount_percent 10 → 15"."""
        name = " ".join(self.path)
        if isinstance(self.before, _Absent):
            return f"{name} added: {shown(self.after)}"
        if isinstance(self.after, _Absent):
            return f"{name} removed (was {shown(self.before)})"
        return f"{name} {shown(self.before)} → {shown(self.after)}"


def said(part: PlanPart) -> dict[str, Json]:
    """Give the fields of a part of the plan that say something: defaults too, but nothing that is empty."""
    dumped: dict[str, Json] = part.model_dump(mode="json", by_alias=True)
    return _without_empty(dumped)


def _without_empty(fields: dict[str, Json]) -> dict[str, Json]:
    thinned = {key: value if key in VALUE_FIELDS else _thinned(value) for key, value in fields.items()}
    return {key: value for key, value in thinned.items() if value not in (None, [], {}, "")}


def _thinned(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_empty(value)
    return [_thinned(item) for item in value] if isinstance(value, list) else value


def field_changes(before: object, after: object, path: tuple[str, ...] = ()) -> Iterator[FieldChange]:
    """Give the smallest fields that differ, in the order of their names; lists of named parts are matched by name."""
    if before == after and type(before) is type(after):
        return
    old, new = _as_fields(before), _as_fields(after)
    if old is None or new is None:
        yield FieldChange(path, before, after)
        return
    for key in sorted({*old, *new}, key=lambda name: (list(new).index(name) if name in new else len(new), name)):
        if key not in old or key not in new:
            yield FieldChange((*path, key), old.get(key, ABSENT), new.get(key, ABSENT))
        else:
            yield from field_changes(old[key], new[key], (*path, key))


def _as_fields(node: object) -> dict[str, object] | None:
    """Give what has fields as a dict: records, and lists of parts that carry names."""
    if isinstance(node, Mapping):
        return None if _is_leaf(node) else {str(key): value for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str) and node:
        names = [item.get("name") for item in node if isinstance(item, Mapping)]
        if len(names) == len(node) == len(set(names)) and all(isinstance(name, str) for name in names):
            return {_part_name(str(item["name"])): {key: value for key, value in item.items() if key != "name"} for item in node}
    return None


def _part_name(name: str) -> str:
    return name.replace("_", " ") if UNNAMED_CASE.fullmatch(name) else f"“{name}”"


def _is_leaf(node: Mapping[object, object]) -> bool:
    return len(node) == 1 and next(iter(node)) in ("$expr", "$text", "$money", "$date", "$datetime", "$duration")


def shown(node: Node) -> str:
    """Give a value as its author would write it, on one line."""
    text = " ".join(_written(node).split())
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _written(node: Node) -> str:
    match node:
        case {"$expr": str(source)}:
            return source if WORDY_DURATION.fullmatch(source) or SHORT_DURATION.fullmatch(source) else f"{{{{ {source} }}}}"
        case {"$text": list(parts)}:
            return "".join(part if isinstance(part, str) else _written(part) for part in parts)
        case {"$money": [amount, currency]}:
            return f"{amount} {currency}"
        case {"$date": str(text)} | {"$datetime": str(text)}:
            return text
        case {"$duration": dict(units)}:
            return " + ".join(f"{amount} {unit.replace('_', ' ')}" for unit, amount in units.items())
        case dict():
            return "{" + ", ".join(f"{key}: {_written(value)}" for key, value in node.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_written(item) for item in node) + "]"
        case bool():
            return "true" if node else "false"
        case float():
            return f"{node:g}"
    return "nothing" if node is None else str(node)
