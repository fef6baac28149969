"""Quiet hours: when nothing may be sent to a person, and when the next message may leave."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import QuietError, TimingError
from playbook_dsl.timing.moments import WEEKDAYS
from playbook_dsl.timing.wall import MINUTES_A_DAY, at_minute, change_between, minutes_of, moment, words_of

MAX_TEXT = 200
_SPAN = re.compile(r"([0-9]{1,2}:[0-9]{2})\s*[-–]\s*([0-9]{1,2}:[0-9]{2})")
_HOURS_ONLY = re.compile(r"([0-9]{1,2})\s*[-–]\s*([0-9]{1,2})")
_JOIN = re.compile(r"\s*,\s*and\s+|\s*,\s*|\s+and\s+")
_WORDS = ("weekends", "holidays", *(f"{name}s" for name in WEEKDAYS))
_EXAMPLE = '"18:00-08:00 and weekends"'
# The longest series of closed days anybody could mean; behind it a rule counts as never opening.
_LOOK_AHEAD_DAYS = 400


@dataclass(frozen=True)
class QuietHours:
    """A quiet rule. `spans` are minutes after midnight and may wrap around it; `weekdays` (Monday = 0) are quiet all day."""

    spans: tuple[tuple[int, int], ...] = ()
    weekdays: tuple[int, ...] = ()
    weekends: bool = False
    holidays: bool = False

    @cached_property
    def _windows(self) -> tuple[tuple[int, int], ...]:
        """The minutes of a day in which sending is allowed, as windows from start to end (not included)."""
        quiet = sorted(piece for span in self.spans for piece in _within_a_day(*span))
        windows, free_from = [], 0
        for start, end in quiet:
            if start > free_from:
                windows.append((free_from, start))
            free_from = max(free_from, end)
        if free_from < MINUTES_A_DAY:
            windows.append((free_from, MINUTES_A_DAY))
        return tuple(windows)

    @property
    def has_open_minutes(self) -> bool:
        """Whether a day that is not quiet has a minute left for sending."""
        return bool(self._windows)

    def to_text(self) -> str:
        """Give the rule in the words `parse_quiet` reads."""
        parts = [f"{words_of(start)}-{words_of(end)}" for start, end in self.spans]
        parts += [f"{WEEKDAYS[day]}s" for day in self.weekdays]
        parts += [word for word, said in (("weekends", self.weekends), ("holidays", self.holidays)) if said]
        return " and ".join(parts)

    def is_quiet_day(self, day: date, calendar: BusinessCalendar) -> bool:
        """Say whether nothing may be sent on a day, whatever the hour."""
        weekday = day.weekday()
        return (
            weekday in self.weekdays or (self.weekends and weekday in calendar.weekend) or (self.holidays and day in calendar.closed_days)
        )

    def allows(self, at: datetime, calendar: BusinessCalendar) -> bool:
        """Say whether sending is allowed at a moment."""
        local = at.astimezone(calendar.tz)
        minute = local.hour * 60 + local.minute
        in_window = any(opens <= minute < closes for opens, closes in self._windows)
        return in_window and not self.is_quiet_day(local.date(), calendar)

    def open_at(self, at: datetime, calendar: BusinessCalendar) -> datetime:
        """Give `at` if sending is allowed then, else the next minute it is, by the clock in the calendar's zone.

        The calendar is the recipient's: its zone, weekend and closed days count.

        Raises:
            QuietError: with this calendar's weekend the rule never opens.
        """
        if self.allows(at, calendar):
            return at.astimezone(UTC)
        local = at.astimezone(calendar.tz)
        day, minute = local.date(), local.hour * 60 + local.minute
        for _ in range(_LOOK_AHEAD_DAYS):
            if not self.is_quiet_day(day, calendar):
                for opens, _closes in self._windows:
                    if opens <= minute:
                        continue
                    candidate = moment(at_minute(day, opens), calendar.tz, not_before=at)
                    # A window that lies in the hour the clocks skip does not exist that day.
                    if self.allows(candidate, calendar):
                        return self._unless_clocks_go_back(at, candidate, calendar)
            day, minute = day + timedelta(days=1), -1
        raise QuietError(f'the quiet rule "{self.to_text()}" never opens for {calendar.country or calendar.zone}')

    def _unless_clocks_go_back(self, at: datetime, candidate: datetime, calendar: BusinessCalendar) -> datetime:
        """Give the candidate, or an open minute before it that exists because the clocks show an hour twice on the way."""
        if candidate.astimezone(calendar.tz).utcoffset() >= at.astimezone(calendar.tz).utcoffset():  # type: ignore[operator]  # both are aware
            return candidate
        return self.open_at(change_between(at, candidate, calendar.tz), calendar)


def parse_quiet(text: str) -> QuietHours:
    """Read a quiet rule: hours, `weekends`, `holidays` and names of weekdays, joined by `and` or commas.

    Raises:
        QuietError: a part is something else, or the rule leaves no minute of the week open.
    """
    if len(text) > MAX_TEXT or not text.strip():
        raise QuietError(f"a quiet rule says when nothing is sent, such as {_EXAMPLE}")
    spans: list[tuple[int, int]] = []
    words: set[str] = set()
    for part in _JOIN.split(text.strip().lower()):
        if match := _SPAN.fullmatch(part):
            spans.append(_span(match[1], match[2]))
        else:
            words.add(_word(part))
    rule = QuietHours(
        spans=tuple(sorted(set(spans))),
        weekdays=tuple(day for day in range(7) if f"{WEEKDAYS[day]}s" in words),
        weekends="weekends" in words,
        holidays="holidays" in words,
    )
    quiet_days = {*rule.weekdays, *((5, 6) if rule.weekends else ())}
    if len(quiet_days) == len(WEEKDAYS) or not rule.has_open_minutes:
        raise QuietError(f'the quiet rule "{text.strip()}" never lets a message out: leave some hours of some day open')
    return rule


def _span(start: str, end: str) -> tuple[int, int]:
    try:
        span = minutes_of(start), minutes_of(end)
    except TimingError as error:
        raise QuietError(str(error)) from error
    if span[0] == span[1]:
        raise QuietError(f'"{start}-{end}" starts when it ends: write two times, such as "18:00-08:00"')
    return span


def _word(part: str) -> str:
    plural = part if part.endswith("s") else f"{part}s"
    if plural in _WORDS:
        return plural
    if hours := _HOURS_ONLY.fullmatch(part):
        raise QuietError(f'"{part}" needs minutes: write "{hours[1]:0>2}:00-{hours[2]:0>2}:00"')
    close = get_close_matches(plural, _WORDS, n=1)
    hint = f'did you mean "{close[0]}"?' if close else f"write hours, weekends, holidays or weekdays, such as {_EXAMPLE}"
    raise QuietError(f'"{part[:60]}" is not known in a quiet rule; {hint}')


def _within_a_day(start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Cut a span at midnight."""
    return ((start, end),) if start < end else ((start, MINUTES_A_DAY), (0, end))
