"""What an expression is evaluated against.

Beside the root names, these keys of an environment are read: `now` (aware datetime), `today` (date), `$zone` (IANA name, UTC when absent),
`$calendar` (a `BusinessCalendar`, Monday to Friday when absent), `$in_play` (slug -> bool), `$open_tasks` (-> int).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, Protocol, cast
from zoneinfo import ZoneInfo

from playbook_dsl.values import Value

Env = Mapping[str, object]
Closure = Callable[[Env], Value]


class BusinessCalendar(Protocol):
    """Business days and working hours of one place."""

    def add_business_days(self, day: date, n: int) -> date:
        """Give the n-th business day after `day` (before it when negative)."""
        ...

    def business_days_between(self, a: date, b: date) -> int:
        """Give how many business days one goes from `a` to reach `b`; negative when `b` is earlier."""
        ...

    def add_working_seconds(self, at: datetime, s: float) -> datetime:
        """Give the moment after `s` seconds of working time."""
        ...


_OPENS_HOUR: Final = 9
_CLOSES_HOUR: Final = 17
_FULL_WEEK: Final = 5


class Weekdays:
    """Monday to Friday, 09:00 to 17:00 in the zone of the moment asked about; no holidays."""

    def add_business_days(self, day: date, n: int) -> date:
        """Give the n-th weekday after `day`; a weekend counts as the Friday before it going on, as the Monday after it going back."""
        if n == 0:
            return day
        step = 1 if n > 0 else -1
        if day.weekday() >= _FULL_WEEK:
            day += timedelta(days=_FULL_WEEK - 1 - day.weekday() if step > 0 else 7 - day.weekday())
        weeks, rest = divmod(abs(n), _FULL_WEEK)
        day += timedelta(weeks=step * weeks)
        for _ in range(rest):
            day += timedelta(days=step)
            while day.weekday() >= _FULL_WEEK:
                day += timedelta(days=step)
        return day

    def business_days_between(self, a: date, b: date) -> int:
        """Give the weekdays after `a` up to and with `b`; the negative of those from `b` to before `a` when `b` is earlier."""
        if b < a:
            return -(self._weekdays_before(a) - self._weekdays_before(b))
        return self._weekdays_before(b + timedelta(days=1)) - self._weekdays_before(a + timedelta(days=1))

    @staticmethod
    def _weekdays_before(day: date) -> int:
        weeks, rest = divmod(day.toordinal() - 1, 7)
        return weeks * _FULL_WEEK + min(rest, _FULL_WEEK)

    def add_working_seconds(self, at: datetime, s: float) -> datetime:
        """Give the moment after `s` seconds between 09:00 and 17:00 of weekdays (before `at` when negative)."""
        step = 1 if s >= 0 else -1
        left = abs(s)
        full_day = (_CLOSES_HOUR - _OPENS_HOUR) * 3600
        days = int(left // full_day)
        if days > 1:  # whole days at once; the rest is walked
            day = self.add_business_days(at.date(), step * (days - 1))
            at, left = at.replace(year=day.year, month=day.month, day=day.day), left - (days - 1) * full_day
        while True:
            opens = at.replace(hour=_OPENS_HOUR, minute=0, second=0, microsecond=0)
            closes = at.replace(hour=_CLOSES_HOUR, minute=0, second=0, microsecond=0)
            if at.weekday() < _FULL_WEEK:
                room = (closes - max(at, opens)) if step > 0 else (min(at, closes) - opens)
                if timedelta(0) <= room and left <= room.total_seconds():
                    return (max(at, opens) if step > 0 else min(at, closes)) + timedelta(seconds=step * left)
                left -= max(room.total_seconds(), 0)
            at = (opens + timedelta(days=1)) if step > 0 else (closes - timedelta(days=1))


WEEKDAYS: Final[BusinessCalendar] = Weekdays()


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def zone_of(env: Env) -> tzinfo:
    """Give the zone that days and clock times of this environment mean."""
    name = env.get("$zone")
    return _zone(name) if isinstance(name, str) else UTC


def calendar_of(env: Env) -> BusinessCalendar:
    """Give the business calendar of this environment."""
    return cast(BusinessCalendar, env.get("$calendar") or WEEKDAYS)
