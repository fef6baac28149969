"""From what a clock on the wall shows to the moment it shows it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from playbook_dsl.timing.errors import TimingError

MINUTES_A_DAY = 24 * 60
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")


def minutes_of(text: str) -> int:
    """Give the minutes after midnight of `HH:MM`, 0 to 1440 (`24:00`).

    Raises:
        TimingError: the text is not a time of day.
    """
    match = _TIME_OF_DAY.fullmatch(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else -1
    if not 0 <= minutes <= MINUTES_A_DAY:
        raise TimingError(f'"{text[:40]}" is not a time of day: write hours and minutes, such as "09:00"')
    return minutes


def words_of(minutes: int) -> str:
    """Give `HH:MM` for minutes after midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def at_minute(day: date, minutes: int) -> datetime:
    """Give the wall time so many minutes after a day's midnight; 1440 is the next midnight."""
    if minutes >= MINUTES_A_DAY:
        return datetime.combine(day + timedelta(days=1), time())
    return datetime.combine(day, time(minutes // 60, minutes % 60))


def moment(wall: datetime, zone: ZoneInfo, not_before: datetime | None = None) -> datetime:
    """Give the UTC moment at which the clocks of a zone show a (naive) wall time.

    A time that the clocks skip in spring becomes the first moment after the gap. A time they show twice in autumn is the first of the
    two, or the second if the first is before `not_before`.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        return _end_of_gap(wall, zone)
    if not_before is not None and first < not_before:
        return wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    # In a gap, fold 0 counts with the offset before the change and lands after it; fold 1 the other way round.
    return change_between(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), wall.replace(tzinfo=zone, fold=0).astimezone(UTC), zone)


def change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Give the first moment from which the clocks of a zone have the offset they have at `after`; at `before` it is another one."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
