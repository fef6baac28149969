"""Dates in words (`next monday`, `end of month`) and the time of day a wait lands on."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import TimeOutOfRange, TimingError
from playbook_dsl.timing.wall import MINUTES_A_DAY, at_minute, minutes_of, moment

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NEXT_WEEKDAY = re.compile(rf"(?:next\s+)?({'|'.join(WEEKDAYS)})")


@dataclass(frozen=True, slots=True)
class DateWords:
    """A date named by words: its canonical `text`, such as `next monday` or `end of month`."""

    text: str

    def day(self, today: date, calendar: BusinessCalendar) -> date:
        """Give the day the words mean, seen from a day in the calendar's zone."""
        weekday = _NEXT_WEEKDAY.fullmatch(self.text)
        if weekday:
            return _next_weekday(today, weekday[1])
        return _DATES[self.text](today, calendar)

    def moment(self, at: datetime, calendar: BusinessCalendar, at_time: str | None = None) -> datetime:
        """Give the moment the words mean, seen from a moment; midnight in the calendar's zone unless `at_time` says otherwise."""
        return start_of_day(self.day(at.astimezone(calendar.tz).date(), calendar), calendar, at_time)


def add_months(day: date, months: int) -> date:
    """Give the same day of a later (or earlier) month, or that month's last day if it is shorter.

    Raises:
        TimeOutOfRange: the result is outside the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise TimeOutOfRange("the number of months leads out of the calendar")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _next_weekday(today: date, name: str) -> date:
    ahead = (WEEKDAYS.index(name) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def _first_of(day: date, months: int) -> date:
    return add_months(day.replace(day=1), months)


def _quarter(day: date, quarters: int) -> date:
    """Give the first day of a quarter, counted from the one a day is in."""
    return add_months(date(day.year, day.month - (day.month - 1) % 3, 1), 3 * quarters)


def _eve(day: date) -> date:
    return day - timedelta(days=1)


_DATES: Mapping[str, Callable[[date, BusinessCalendar], date]] = {
    "tomorrow": lambda today, _: today + timedelta(days=1),
    "next business day": lambda today, calendar: calendar.next_business_day(today),
    "next week": lambda today, _: _next_weekday(today, "monday"),
    "next month": lambda today, _: _first_of(today, 1),
    "next quarter": lambda today, _: _quarter(today, 1),
    "next year": lambda today, _: date(today.year + 1, 1, 1),
    "end of week": lambda today, _: today + timedelta(days=6 - today.weekday()),
    "end of month": lambda today, _: _eve(_first_of(today, 1)),
    "end of next month": lambda today, _: _eve(_first_of(today, 2)),
    "end of quarter": lambda today, _: _eve(_quarter(today, 1)),
    "end of next quarter": lambda today, _: _eve(_quarter(today, 2)),
    "end of year": lambda today, _: date(today.year, 12, 31),
    "first business day of next month": lambda today, calendar: calendar.add_business_days(_first_of(today, 1), 0),
    "last business day of month": lambda today, calendar: calendar.add_business_days(_first_of(today, 1), -1),
    "last business day of quarter": lambda today, calendar: calendar.add_business_days(_quarter(today, 1), -1),
}
DATE_WORDS = (*_DATES, *(f"next {name}" for name in WEEKDAYS))
"""Every text `parse_until` knows, apart from a weekday without `next`."""
_UNITS = ("week", "month", "quarter", "year")
_SYNONYMS = {
    **{f"{edge} of next {unit}": f"next {unit}" for edge in ("start", "beginning") for unit in _UNITS},
    **{f"end of {article} {unit}": f"end of {unit}" for article in ("the", "this") for unit in _UNITS},
    **{f"last business day of {article} {unit}": f"last business day of {unit}" for article in ("the", "this") for unit in _UNITS},
}


def parse_until(text: str) -> DateWords | None:
    """Read a date in words, such as `next monday`, `tomorrow` or `end of month`; None if the text is something else.

    A weekday never means today: `next monday`, or `monday` alone, said on a Monday is a week later.
    """
    if len(text) > 60:
        return None
    plain = " ".join(text.lower().split())
    plain = _SYNONYMS.get(plain, plain)
    weekday = _NEXT_WEEKDAY.fullmatch(plain)
    if weekday:
        return DateWords(f"next {weekday[1]}")
    return DateWords(plain) if plain in _DATES else None


def next_weekday(at: datetime, name: str, calendar: BusinessCalendar) -> datetime:
    """Give the start of the next day with this English name, never of today.

    Raises:
        TimingError: the name is not a weekday.
    """
    if name.lower() not in WEEKDAYS:
        raise TimingError(f'"{name}" is not a weekday; the weekdays are {", ".join(WEEKDAYS)}')
    return start_of_day(_next_weekday(at.astimezone(calendar.tz).date(), name.lower()), calendar)


def start_of_day(day: date, calendar: BusinessCalendar, at_time: str | None = None) -> datetime:
    """Give the moment a day starts in the calendar's zone, or its `HH:MM`."""
    return moment(at_minute(day, minutes_of(at_time) if at_time else 0), calendar.tz)


def land(at: datetime, calendar: BusinessCalendar, *, at_time: str | None, on_business_day: bool) -> datetime:
    """Move a moment forward to a time of day and to a business day; never earlier than `at`.

    Without `at_time` the time on the wall is kept when the day moves.
    """
    local = at.astimezone(calendar.tz).replace(tzinfo=None, fold=0)
    day = local.date()
    minutes = minutes_of(at_time) if at_time else None
    if minutes is not None and moment(at_minute(day, minutes % MINUTES_A_DAY), calendar.tz) < at:
        day += timedelta(days=1)
    if on_business_day:
        day = calendar.add_business_days(day, 0)
    if minutes is not None:
        return moment(at_minute(day, minutes % MINUTES_A_DAY), calendar.tz, not_before=at)
    if day == local.date():
        return at
    return moment(local.replace(year=day.year, month=day.month, day=day.day), calendar.tz, not_before=at)
