"""When something happens in a test: `day 3`, `day 3 14:00`, `+2 hours`, `10 business days`."""

import re
from datetime import datetime, timedelta

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.wall import at_minute, minutes_of, moment

_DAY = re.compile(r"day\s+([0-9]{1,4})(?:\s+([0-9]{1,2}:[0-9]{2}))?")
_CLOCK = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{1,2}:[0-9]{2}))?")
HINT = 'write "day 3", "day 3 14:00", "+2 hours" (after what stands above), "3 business days" (after the start) or a date'


def read_clock(text: str, calendar: BusinessCalendar) -> datetime:
    """Read a date with or without a time of day, on the clock of the account; 09:00 without.

    Raises:
        TimingError: the text is something else.
    """
    match = _CLOCK.fullmatch(text.strip())
    try:
        if match:
            return moment(at_minute(datetime.fromisoformat(match[1]).date(), minutes_of(match[2] or "09:00")), calendar.tz)
    except (ValueError, OverflowError):
        pass
    raise TimingError(f'"{text[:40]}" is not a time: write a date and a time of day, such as "2026-11-23 09:00"')


def read_offset(text: str, start: datetime, before: datetime, calendar: BusinessCalendar) -> datetime:
    """Give the moment of a happening: `start` is when the play started, `before` when the happening above came.

    `day 0` is the day of the start; without a time of day it is the start's own.

    Raises:
        TimingError: the text is no offset.
    """
    plain = text.strip()
    if match := _DAY.fullmatch(plain):
        local = start.astimezone(calendar.tz).replace(tzinfo=None) + timedelta(days=int(match[1]))
        return moment(at_minute(local.date(), minutes_of(match[2])) if match[2] else local, calendar.tz)
    if _CLOCK.fullmatch(plain):
        return read_clock(plain, calendar)
    try:
        if plain.startswith("+"):
            return add(before, parse_duration(plain[1:]), calendar)
        return add(start, parse_duration(plain), calendar)
    except TimingError as error:
        raise TimingError(f'"{plain[:40]}" is no time in a test: {HINT}') from error
