"""Makes what strangers send such that everything behind can keep it; one odd character is no reason to lose an event."""

import math
from collections.abc import Mapping
from typing import Final

from api.limits import MAX_INTEGER
from playbook_dsl.values import Json

_MOST_LEVELS: Final = 20
_LONGEST_TEXT: Final = 10_000
_MOST_ITEMS: Final = 200


def storable_fields(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Give an event's fields as JSON that can be kept and handed to plays: without characters or numbers no database has, cut to size."""
    return {_text(str(name))[:100]: _storable(value, 1) for name, value in list(fields.items())[:_MOST_ITEMS]}


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
            return {_text(str(name))[:100]: _storable(one, level + 1) for name, one in list(value.items())[:_MOST_ITEMS]}
        case list() | tuple():
            return [_storable(one, level + 1) for one in value[:_MOST_ITEMS]]
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    return text[:_LONGEST_TEXT].replace("\0", "").encode(errors="replace").decode()
