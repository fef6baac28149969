"""Makes what strangers send such that everything behind can keep and read it; one odd character is no reason to lose an event."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields as parts_of
from datetime import datetime
from typing import Final

from playbook_dsl.values import Duration, Json, Money, from_json

MAX_INTEGER: Final = 10**18
"""What JSON may hold as a whole number."""
_MOST_LEVELS: Final = 20
_LONGEST_TEXT: Final = 10_000
_LONGEST_NAME: Final = 100
_MOST_ITEMS: Final = 200
_MOST_DIGITS: Final = 40
_MARKS: Final = frozenset({"$money", "$date", "$datetime", "$duration"})


def storable_fields(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Give an event's fields as JSON that can be kept and that plays can read, cut to size.

    Characters and numbers that no database has are left out, and what is marked as a value (`{"$date": …}`) but is none becomes null.
    """
    return {_text(str(name))[:_LONGEST_NAME]: _storable(value, 1) for name, value in list(fields.items())[:_MOST_ITEMS]}


def unreadable_marks(node: Json, path: str) -> Iterator[str]:
    """Give the paths of what is marked as a value and is none: a play could not read it."""
    if isinstance(node, list):
        for index, one in enumerate(node):
            yield from unreadable_marks(one, f"{path}/{index}")
    elif isinstance(node, dict):
        if _is_marked(node):
            yield from () if _is_readable(node) else (path,)
            return
        for name, one in node.items():
            yield from unreadable_marks(one, f"{path}/{name}")


def _storable(value: object, level: int) -> Json:
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return value if abs(value) <= MAX_INTEGER else str(value)[:_LONGEST_TEXT]
        case float():
            return value if math.isfinite(value) else None
        case _ if level >= _MOST_LEVELS:
            return None
        case Mapping():
            names = list(value.items())[:_MOST_ITEMS]
            kept: dict[str, Json] = {_text(str(name))[:_LONGEST_NAME]: _storable(one, level + 1) for name, one in names}
            return kept if not _is_marked(kept) or _is_readable(kept) else None
        case list() | tuple():
            return [_storable(one, level + 1) for one in value[:_MOST_ITEMS]]
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    return text[:_LONGEST_TEXT].replace("\0", "").encode(errors="replace").decode()


def _is_marked(node: Mapping[str, Json]) -> bool:
    return len(node) == 1 and next(iter(node)) in _MARKS


def _is_readable(node: dict[str, Json]) -> bool:
    try:
        value = from_json(node)
    except (ValueError, TypeError, ArithmeticError):
        return False
    match value:
        case Money():
            return value.amount.is_finite() and len(str(value.amount)) <= _MOST_DIGITS and value.currency.isalpha()
        case datetime():
            return value.tzinfo is not None
        case Duration():
            return all(
                isinstance(amount, int) and abs(amount) <= MAX_INTEGER for amount in (getattr(value, one.name) for one in parts_of(value))
            )
        case _:
            return True
