"""Moments, numbers and dates as sources send them."""

import math
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from scoring.observations import Value

DAY: Final = 86_400.0
"""Seconds; moments are seconds since 1970 in this package's inside."""

LARGEST: Final = 1e15
"""No logins, money or seats are beyond this; sums of such numbers stay finite."""


def seconds(moment: datetime) -> float:
    """Give a moment as seconds since 1970; exact to the microsecond until 2242."""
    return moment.timestamp()


def moment_of(at: float) -> datetime:
    """Give the moment of seconds since 1970, in UTC."""
    return datetime.fromtimestamp(at, UTC)


def number(value: Value, least: float = -math.inf) -> float | None:
    """Give a value as a number that is neither absurd nor below `least`, else None: sources send all sorts of things."""
    if isinstance(value, bool | int | float) and abs(value) <= LARGEST and value >= least:
        return float(value)
    return None


def day(value: Value) -> float | None:
    """Give the beginning of a date written as ISO text, in UTC, None when it is none."""
    return _day(value) if isinstance(value, str) else None


@lru_cache(maxsize=50_000)
def _day(text: str) -> float | None:
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()
