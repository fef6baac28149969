"""Times at which several people can meet."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.wall import minutes_of

Span: TypeAlias = tuple[datetime, datetime]
_GRID: Final = timedelta(minutes=15)


def find_slots(
    calendars: Sequence[BusinessCalendar], busy: Sequence[Span], *, after: datetime, until: datetime, length: timedelta, most: int
) -> list[Span]:
    """Give the first times, aware UTC, that lie within everybody's working hours and within nobody's busy time.

    Args:
        calendars: the working hours of each side; a meeting lies within one working day of each.
        busy: when somebody is busy, in any order.
        after: the earliest beginning; times begin on quarters of an hour.
        until: the latest end.
        length: how long the meeting takes.
        most: how many to give; they do not overlap.
    """
    taken = sorted(busy)
    found: list[Span] = []
    start = _next_quarter(after.astimezone(UTC))
    while len(found) < most and start + length <= until:
        end = start + length
        clash = next((other_end for other_start, other_end in taken if other_start < end and start < other_end), None)
        if clash is not None:
            start = _next_quarter(clash)
        elif all(_within_hours(calendar, start, end) for calendar in calendars):
            found.append((start, end))
            start = _next_quarter(end)
        else:
            start += _GRID
    return found


def _next_quarter(moment: datetime) -> datetime:
    over = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment if not over else moment - over + _GRID


def _within_hours(calendar: BusinessCalendar, start: datetime, end: datetime) -> bool:
    first, last = start.astimezone(calendar.tz), end.astimezone(calendar.tz)
    if first.date() != last.date() or not calendar.is_business_day(first.date()):
        return False
    return minutes_of(calendar.opens) <= first.hour * 60 + first.minute and last.hour * 60 + last.minute <= minutes_of(calendar.closes)
