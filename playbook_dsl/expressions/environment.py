"""What an expression is evaluated against.

Beside the root names, these keys of an environment are read: `now` (aware datetime), `today` (date), `$zone` (IANA name, UTC when absent),
`$calendar` (a `BusinessCalendar`, Monday to Friday when absent), `$in_play` (slug -> bool), `$open_tasks` (-> int).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Protocol, cast
from zoneinfo import ZoneInfo

from playbook_dsl.timing.calendar import BusinessCalendar as WorkingWeek
from playbook_dsl.timing.zones import is_zone, zone_named
from playbook_dsl.values import Value

Env = Mapping[str, object]
Closure = Callable[[Env], Value]
_UTC: Final = ZoneInfo("UTC")


class BusinessCalendar(Protocol):
    """Business days and working hours of one place."""

    def add_business_days(self, day: date, n: int) -> date:
        """Give the n-th business day after `day` (before it when negative)."""
        ...

    def business_days_between(self, a: date, b: date) -> int:
        """Give how many business days one goes from `a` to reach `b`; negative when `b` is earlier."""
        ...

    def add_working_seconds(self, at: datetime, s: int) -> datetime:
        """Give the moment after `s` seconds of working time."""
        ...


@lru_cache(maxsize=256)
def _weekdays(zone: str) -> BusinessCalendar:
    return WorkingWeek(zone=zone if is_zone(zone) else "UTC")


def zone_of(env: Env) -> ZoneInfo:
    """Give the zone that days and clock times of this environment mean."""
    name = env.get("$zone")
    return (zone_named(name) if isinstance(name, str) else None) or _UTC


def calendar_of(env: Env) -> BusinessCalendar:
    """Give the business calendar of this environment."""
    given = env.get("$calendar")
    return cast(BusinessCalendar, given) if given is not None else _weekdays(str(env.get("$zone") or "UTC"))
