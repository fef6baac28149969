"""Durations as authors write them: `3 days`, `3 business days`, `4 working hours`, `10m`."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import DurationError, TimeOutOfRange
from playbook_dsl.timing.moments import add_months
from playbook_dsl.timing.wall import moment
from playbook_dsl.values import Duration

MAX_TEXT = 200
MAX_YEARS = 100
_PART = re.compile(r"\s*(?:,|and\b)?\s*(-?[0-9]+(?:\.[0-9]+)?)\s*((?:business|working|work)\s+)?([a-zA-Z]+)")
_BARE = re.compile(r"\s*-?[0-9]+(?:\.[0-9]+)?\s*")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = {
    **{"s": "second", "sec": "second", "secs": "second", "m": "minute", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour"},
    **{"hrs": "hour", "d": "day", "w": "week", "wk": "week", "wks": "week", "y": "year", "yr": "year", "yrs": "year"},
}
_UNITS = {
    **{name: name for name in (*_SECONDS, *_DAYS, *_MONTHS)},
    **{f"{name}s": name for name in (*_SECONDS, *_DAYS, *_MONTHS)},
    **_SHORT,
}
_WORKING = ("business", "working")
_LEGAL = "business days, days, hours, minutes, months, seconds, weeks, working hours, years"
_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

# On average, for budgets and orderings only: a month is 30.4375 days, five business days or 40 working hours are a week.
_DAY_S = 86_400.0
_MONTH_S = 30.4375 * _DAY_S
_BUSINESS_DAY_S = 7 * _DAY_S / 5
_WORKING_FACTOR = 7 * 24 / 40


def parse_duration(text: str) -> Duration:
    """Read a duration: one or more of a number and a unit, such as `1 day 2 hours`.

    Units are seconds, minutes, hours (`10m`, `2h`), days, weeks, months, quarters, years, business days and working hours or
    minutes ("business" and "working" are the same word). Only seconds, minutes and hours may have a fraction.

    Raises:
        DurationError: the text is anything else, a number without a unit included, or longer than 100 years.
    """
    if len(text) > MAX_TEXT:
        raise DurationError(f"a duration of {len(text)} characters is too long to be one")
    if _BARE.fullmatch(text):
        number = text.strip()
        raise DurationError(f'"{number}" does not say of what: write "{number} days", "{number} business days" or "{number} minutes"')
    total, end = Duration(), 0
    while match := _PART.match(text, end):
        total, end = _plus(total, _part(match[1], bool(match[2]), match[3])), match.end()
    if end == 0 or text[end:].strip():
        raise DurationError(_not_a_duration(text))
    if abs(approximate_seconds(total)) > MAX_YEARS * 12 * _MONTH_S:
        raise DurationError(f'"{text.strip()}" is longer than {MAX_YEARS} years')
    return total


def _part(number: str, working: bool, unit: str) -> Duration:
    if unit == "M":
        raise DurationError(f'"{number}M" may mean minutes or months: write "{number} minutes" or "{number} months"')
    name = _UNITS.get(unit.lower())
    if name is None:
        close = get_close_matches(unit.lower(), [*_UNITS, *_WORKING], n=1)
        raise DurationError(f'"{unit}" is not a unit of time' + (f'; did you mean "{close[0]}"?' if close else f"; the units are {_LEGAL}"))
    amount = Decimal(number)
    if name in _SECONDS:
        return _clock_part(amount * _SECONDS[name], working)
    if amount != amount.to_integral_value():
        raise DurationError(_fraction(number, working, name))
    if working:
        if name != "day":
            raise DurationError(f'"{number} business {unit}" is not known: write business days, or "{number} {unit}"')
        return Duration(business_days=int(amount))
    if name in _DAYS:
        return Duration(days=int(amount) * _DAYS[name])
    return Duration(months=int(amount) * _MONTHS[name])


def _clock_part(seconds: Decimal, working: bool) -> Duration:
    whole = seconds == seconds.to_integral_value()
    if working:
        if not whole:
            raise DurationError("working time has no fractions of a second: write whole working minutes or hours")
        return Duration(working_seconds=int(seconds))
    return Duration(seconds=int(seconds) if whole else float(seconds))


def _fraction(number: str, working: bool, name: str) -> str:
    if name == "day" and not working:
        hours = f"{float(number) * 24:g}"
        return f'days are whole days: write "{hours} hours" for "{number} days"'
    kind = "business days" if working else f"{name}s"
    smaller = "working hours" if working else "days"
    return f'"{number} {kind}" has a fraction: write whole {kind}, or {smaller}'


def _plus(a: Duration, b: Duration) -> Duration:
    return Duration(
        a.months + b.months,
        a.days + b.days,
        a.business_days + b.business_days,
        a.working_seconds + b.working_seconds,
        round(a.seconds + b.seconds, 6),  # a clock knows microseconds; sums of binary fractions drift below them
    )


def _not_a_duration(text: str) -> str:
    shown = text.strip()[:60]
    first, _, rest = shown.lower().partition(" ")
    if first in _NUMBER_WORDS and rest:
        return f'"{shown}" must start with a figure: write "{_NUMBER_WORDS.index(first)} {rest}"'
    if first in ("a", "an") and rest:
        return f'"{shown}" must start with a figure: write "1 {rest}"'
    return f'"{shown}" is not a duration: write a number and a unit, such as "3 business days" or "2 hours"'


def words(duration: Duration) -> str:
    """Give a duration in the words an author would use; `parse_duration` reads them back."""
    parts = [
        *_counted(duration.months, (("year", 12), ("month", 1))),
        *_counted(duration.days, (("day", 1),)),
        *_counted(duration.business_days, (("business day", 1),)),
        *_counted(duration.working_seconds, (("working hour", 3600), ("working minute", 60), ("working second", 1))),
        *_counted(duration.seconds, (("hour", 3600), ("minute", 60), ("second", 1))),
    ]
    return " ".join(parts) or "0 seconds"


def _counted(amount: float, units: tuple[tuple[str, int], ...]) -> Iterator[str]:
    sign = "-" if amount < 0 else ""
    rest = abs(Decimal(repr(amount)))
    for name, size in units:
        count = rest if size == 1 else rest // size
        rest -= count * size
        if count:
            yield f"{sign}{_figure(count)} {name}{'' if count == 1 else 's'}"


def _figure(count: Decimal) -> str:
    return f"{count:f}".rstrip("0").rstrip(".") if "." in f"{count:f}" else f"{count:f}"


def add(at: datetime, duration: Duration, calendar: BusinessCalendar) -> datetime:
    """Give the moment a duration after an aware moment, in UTC.

    Months and days move the date in the calendar's zone and keep the time on the wall over changes of the clock (31 January + 1 month
    is the last of February); then come business days, working seconds and seconds.

    Raises:
        TimeOutOfRange: the result is outside the years 1 to 9999.
    """
    try:
        moved = at.astimezone(UTC)
        if duration.months or duration.days or duration.business_days:
            moved = _move_date(moved, duration, calendar)
        if duration.working_seconds:
            moved = calendar.add_working_seconds(moved, duration.working_seconds)
        return moved + timedelta(seconds=duration.seconds)
    except OverflowError as error:
        raise TimeOutOfRange(f"{words(duration)} after {at:%Y-%m-%d} is not a date any more") from error


def _move_date(at: datetime, duration: Duration, calendar: BusinessCalendar) -> datetime:
    local = at.astimezone(calendar.tz).replace(tzinfo=None, fold=0)
    day = local.date()
    if duration.months:
        day = add_months(day, duration.months)
    if duration.days:
        day += timedelta(days=duration.days)
    if duration.business_days:
        day = calendar.add_business_days(day, duration.business_days)
    if day == local.date():
        return at
    return moment(local.replace(year=day.year, month=day.month, day=day.day), calendar.tz)


def approximate_seconds(duration: Duration) -> float:
    """Give about how many seconds a duration takes, for budgets, limits and orderings."""
    return (
        duration.months * _MONTH_S
        + duration.days * _DAY_S
        + duration.business_days * _BUSINESS_DAY_S
        + duration.working_seconds * _WORKING_FACTOR
        + duration.seconds
    )
