"""When a sweep comes: a cron line, an interval or a calendar, with its zone and what happens to turns that are late or overlap."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from playbook_dsl.timing.cron import check_cron, next_times
from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.wall import moment
from playbook_dsl.timing.zones import is_zone, suggest_zones, zone_named

WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
OVERLAPS: Final = ("skip", "queue", "alongside")
KEYS: Final = ("cron", "every", "calendar", "timezone", "jitter", "overlap", "catch_up", "paused")
CALENDAR_KEYS: Final = ("weekdays", "days", "months", "at")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_EVERY: Final = timedelta(minutes=1)
DEFAULT_CATCH_UP: Final = timedelta(hours=1)
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LETTERS: Final = 3


@dataclass(frozen=True)
class Calendar:
    """Days and a time of day. `weekdays` 0 (Sunday) to 6, `days` 1 to 31, `months` 1 to 12; empty ones do not matter."""

    hour: int
    minute: int
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """One of `cron`, `every` and `calendar` is set. A turn that is later than `catch_up`, because nothing ran, is left out."""

    cron: str | None = None
    every: timedelta | None = None
    calendar: Calendar | None = None
    zone: str = "UTC"
    jitter: timedelta = timedelta(0)
    overlap: str = "skip"
    catch_up: timedelta = DEFAULT_CATCH_UP
    paused: bool = False


class WrongSchedule(TimingError):
    """A part of a schedule that cannot be used; `key` names it (`calendar.days` in a calendar)."""

    def __init__(self, key: str, message: str) -> None:
        """Keep which part it is."""
        super().__init__(message)
        self.key = key


def read_schedule(given: object) -> Schedule:
    """Give a schedule from what the author wrote: a cron line, or a record of its parts.

    Raises:
        WrongSchedule: naming the part that cannot be used, or a schedule that never comes.
    """
    parts = given if isinstance(given, Mapping) else {"cron": given}
    zone = str(parts.get("timezone") or "UTC")
    if not is_zone(zone):
        close = suggest_zones(zone)
        hint = f'did you mean "{close[0]}"?' if close else 'write an IANA name, such as "Europe/Berlin"'
        raise WrongSchedule("timezone", f'"{zone[:60]}" is not a time zone; {hint}')
    ways = [key for key in ("cron", "every", "calendar") if parts.get(key) is not None]
    if len(ways) != 1:
        raise WrongSchedule(ways[1] if ways else "", "a schedule has one of cron, every and calendar")
    cron = parts.get("cron")
    if cron is not None and (problem := check_cron(str(cron), zone)) is not None:
        raise WrongSchedule("cron", problem)
    every = None if parts.get("every") is None else _span(parts["every"], "every", LEAST_EVERY)
    overlap = str(parts.get("overlap") or "skip")
    if overlap not in OVERLAPS:
        raise WrongSchedule("overlap", f'"{overlap[:40]}" is not one of {", ".join(OVERLAPS)}')
    return Schedule(
        cron=None if cron is None else str(cron),
        every=every,
        calendar=_calendar(parts["calendar"]) if parts.get("calendar") is not None else None,
        zone=zone,
        jitter=_span(parts.get("jitter") or "0 minutes", "jitter", timedelta(0)),
        overlap=overlap,
        catch_up=_span(parts.get("catch_up") or "1 hour", "catch_up", timedelta(minutes=1)),
        paused=parts.get("paused") is True,
    )


def _span(given: object, key: str, least: timedelta) -> timedelta:
    try:
        duration = parse_duration(str(given))
    except TimingError as error:
        raise WrongSchedule(key, str(error)) from None
    if duration.months or duration.business_days or duration.working_seconds:
        raise WrongSchedule(key, f'"{given}" has no fixed length here: write minutes, hours, days or weeks')
    span = timedelta(seconds=approximate_seconds(duration))
    if span < least:
        raise WrongSchedule(key, f'"{given}" is too short: at least {int(least.total_seconds() // 60)} minute')
    return span


def _calendar(given: object) -> Calendar:
    parts: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    at = _TIME.fullmatch(str(parts.get("at") or ""))
    if at is None:
        raise WrongSchedule("calendar.at", "a calendar says at what time of day: write at: 07:00")
    days = _numbers(parts.get("days"), "calendar.days", 31)
    months = _names(parts.get("months"), "calendar.months", MONTHS, first=1)
    weekdays = _names(parts.get("weekdays"), "calendar.weekdays", WEEKDAYS, first=0)
    if days and min(days) > max(_LONGEST[month - 1] for month in months or range(1, 13)):
        raise WrongSchedule("calendar.days", "the schedule never comes: the months named have no such day")
    return Calendar(int(at[1]), int(at[2]), weekdays, days, months)


def _listed(given: object) -> Sequence[object]:
    if given is None:
        return ()
    return given if isinstance(given, list | tuple) else (given,)


def _numbers(given: object, key: str, most: int) -> tuple[int, ...]:
    found = []
    for item in _listed(given):
        if isinstance(item, bool) or not isinstance(item, int) or not 1 <= item <= most:
            raise WrongSchedule(key, f'"{item}" is not a number from 1 to {most}')
        found.append(item)
    return tuple(sorted(set(found)))


def _names(given: object, key: str, names: Sequence[str], *, first: int) -> tuple[int, ...]:
    found = []
    for item in _listed(given):
        word = str(item).lower()
        number = next((index for index, name in enumerate(names) if word in (name, name[:_LETTERS])), None)
        if number is None:
            raise WrongSchedule(key, f'"{item}" is not one of {", ".join(names)}')
        found.append(number + first)
    return tuple(sorted(set(found)))


def turns_between(schedule: Schedule, since: datetime, until: datetime, most: int = 1_000) -> list[datetime]:
    """Give the turns of a schedule after `since` up to `until`, both aware, in UTC; without jitter, and at most so many."""
    found: list[datetime] = []
    for turn in _turns(schedule, since):
        if turn > until or len(found) >= most:
            break
        found.append(turn)
    return found


def _turns(schedule: Schedule, since: datetime) -> Iterator[datetime]:
    if schedule.every is not None:
        # As Temporal counts them: from the beginning of the epoch.
        turn = _EPOCH + (((since - _EPOCH) // schedule.every) + 1) * schedule.every
        while True:
            yield turn
            turn += schedule.every
    if schedule.cron is not None:
        while True:
            (since,) = next_times(schedule.cron, schedule.zone, since, 1)
            yield since
    calendar, zone = schedule.calendar, zone_named(schedule.zone)
    if calendar is None or zone is None:
        return
    day = since.astimezone(zone).date()
    while True:
        turn = moment(datetime(day.year, day.month, day.day, calendar.hour, calendar.minute), zone)  # noqa: DTZ001  # on the wall
        if turn > since and _is_day(calendar, day):
            yield turn
        day += timedelta(days=1)


def _is_day(calendar: Calendar, day: date) -> bool:
    wanted = ((calendar.weekdays, day.isoweekday() % 7), (calendar.days, day.day), (calendar.months, day.month))
    return all(not numbers or number in numbers for numbers, number in wanted)


def in_words(schedule: Schedule) -> str:
    """Say when a schedule comes."""
    zone = f" ({schedule.zone})" if schedule.every is None else ""
    if schedule.cron is not None:
        return f"the schedule “{schedule.cron}” comes round{zone}"
    if schedule.every is not None:
        return f"{_every_words(schedule.every)} have passed"
    calendar = schedule.calendar
    if calendar is None:
        return "it is time"
    weekdays = ", ".join(WEEKDAYS[day].capitalize() for day in calendar.weekdays)
    days = ", ".join(f"{day}." for day in calendar.days)
    months = ", ".join(MONTHS[month - 1].capitalize() for month in calendar.months)
    when = " ".join(part for part in (weekdays, days, f"of {months}" if months else "") if part) or "every day"
    return f"it is {when} at {calendar.hour:02}:{calendar.minute:02}{zone}"


def _every_words(every: timedelta) -> str:
    minutes = int(every.total_seconds() // 60)
    for size, name in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            count = minutes // size
            return f"{count} {name}{'s' if count != 1 else ''}"
    return f"{minutes} minutes"
