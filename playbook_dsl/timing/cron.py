"""Schedules: five-field cron lines, read in a zone."""

from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim, CronSimError

from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.zones import is_zone, suggest_zones, zone_named

MAX_TEXT = 100
_FIELDS = "minute, hour, day of month, month, day of week"
_LEGAL = {
    "Bad minute": "the first field, the minute, is 0-59",
    "Bad hour": "the second field, the hour, is 0-23",
    "Bad day-of-month": "the third field, the day of the month, is 1-31 (L for the last) and must exist in the months named",
    "Bad month": "the fourth field, the month, is 1-12 or JAN-DEC",
    "Bad day-of-week": "the fifth field, the day of the week, is 0-7 (Sunday is 0 and 7) or SUN-SAT",
}


def check_cron(text: str, zone: str) -> str | None:
    """Say in a sentence what is wrong with a schedule, or None if it can be used."""
    if not is_zone(zone):
        close = suggest_zones(zone)
        hint = f'did you mean "{close[0]}"?' if close else 'write an IANA name, such as "Europe/Berlin"'
        return f'"{zone[:60]}" is not a time zone; {hint}'
    fields = text[: MAX_TEXT + 1].split()
    if len(text) > MAX_TEXT or len(fields) != 5:
        return f'a cron line has five fields ({_FIELDS}), such as "0 7 * * 1-5", but "{text[:60]}" has {len(text.split())}'
    try:
        found = next_times(text, zone, datetime(2026, 1, 1, tzinfo=UTC), 1)
    except TimingError as error:
        return str(error)
    return None if found else f'the schedule "{text}" never comes'


def next_times(text: str, zone: str, after: datetime, n: int) -> list[datetime]:
    """Give the next n moments of a schedule after a moment, in UTC. A time that the clocks skip comes right after the gap.

    Raises:
        TimingError: the schedule or the zone cannot be used.
    """
    place = zone_named(zone)
    if place is None:
        raise TimingError(f'"{zone[:60]}" is not a time zone')
    try:
        times = CronSim(text, after.astimezone(place))
        return [moment.astimezone(UTC) for moment in islice(times, n)]
    except CronSimError as error:
        raise TimingError(f'"{text[:MAX_TEXT]}" is not a schedule: {_LEGAL.get(str(error), str(error).lower())}') from error
