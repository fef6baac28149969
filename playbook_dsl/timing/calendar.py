"""Business days and working hours of one place, as plain data that travels with a run."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import cast
from zoneinfo import ZoneInfo

from playbook_dsl.timing.errors import TimeOutOfRange, TimingError
from playbook_dsl.timing.wall import minutes_of, moment
from playbook_dsl.timing.zones import zone_named
from playbook_dsl.values import Json

_MICROSECOND = timedelta(microseconds=1)
_LAST_ORDINAL = date.max.toordinal()


@dataclass(frozen=True)
class BusinessCalendar:
    """When people work in one place: zone, weekend, working hours, and the closed days known for the dates it covers.

    `weekend` counts Monday as 0. `closed` holds whole days, sorted; outside `covers` only the weekend is known to be closed.
    `opens` and `closes` are wall times (`24:00` is allowed for `closes`).

    Raises:
        TimingError: the zone is unknown, no weekday is left open, or it closes before it opens.
    """

    zone: str = "UTC"
    weekend: tuple[int, ...] = (5, 6)
    opens: str = "09:00"
    closes: str = "17:00"
    closed: tuple[date, ...] = ()
    covers: tuple[date, date] | None = None
    country: str | None = None

    def __post_init__(self) -> None:
        if zone_named(self.zone) is None:
            raise TimingError(f'"{self.zone}" is not a time zone; write an IANA name, such as "Europe/Berlin"')
        if not set(range(7)) - set(self.weekend):
            raise TimingError("a calendar needs at least one weekday that is not weekend")
        if minutes_of(self.opens) >= minutes_of(self.closes):
            raise TimingError(f'working hours must end after they start, but "{self.opens}-{self.closes}" do not')
        object.__setattr__(self, "closed", tuple(sorted(set(self.closed))))

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone itself."""
        return zone_named(self.zone) or ZoneInfo("UTC")

    @cached_property
    def closed_days(self) -> frozenset[date]:
        """The closed days for quick look-up, weekends included."""
        return frozenset(self.closed)

    @cached_property
    def _open_weekdays(self) -> tuple[int, ...]:
        return tuple(day for day in range(7) if day not in self.weekend)

    @cached_property
    def _open_before(self) -> tuple[int, ...]:
        """How many open weekdays of a week lie before each weekday."""
        return (0, *accumulate(int(day not in self.weekend) for day in range(6)))

    @cached_property
    def _closed_ordinals(self) -> list[int]:
        return [day.toordinal() for day in self.closed if day.weekday() not in self.weekend]

    @cached_property
    def _day_length(self) -> int:
        """Length of a working day in microseconds."""
        return (minutes_of(self.closes) - minutes_of(self.opens)) * 60_000_000

    @cached_property
    def _opening(self) -> int:
        """Opening time in microseconds after midnight."""
        return minutes_of(self.opens) * 60_000_000

    def is_business_day(self, day: date) -> bool:
        """Say whether people work on a day."""
        return day.weekday() not in self.weekend and day not in self.closed_days

    def next_business_day(self, day: date) -> date:
        """Give the first business day after a day."""
        return self.add_business_days(day, 1)

    def add_business_days(self, day: date, n: int) -> date:
        """Give the n-th business day after a day, or before it for negative n.

        A closed day counts as lying between its neighbours: Saturday + 1 is Monday. n = 0 is the day itself or the next open one.

        Raises:
            TimeOutOfRange: the result is outside the years 1 to 9999.
        """
        ordinal = day.toordinal()
        if n > 0:
            return self._business_day(self._rank(ordinal + 1) + n - 1, bisect_left(self._closed_ordinals, ordinal))
        return self._business_day(self._rank(ordinal) + n, bisect_left(self._closed_ordinals, ordinal) if n == 0 else 0)

    def business_days_between(self, a: date, b: date) -> int:
        """Count the business days from a (included) to b (not included); negative when b is before a."""
        return self._rank(b.toordinal()) - self._rank(a.toordinal())

    def _rank(self, ordinal: int) -> int:
        """Count the business days since the beginning of time and before a day."""
        weeks, weekday = divmod(ordinal - 1, 7)  # ordinal 1 is a Monday
        return weeks * len(self._open_weekdays) + self._open_before[weekday] - bisect_left(self._closed_ordinals, ordinal)

    def _business_day(self, rank: int, skipped: int) -> date:
        """Give the business day with a rank. `skipped` closed days are known to lie before it; the others are found on the way."""
        while True:
            week, nth = divmod(rank + skipped, len(self._open_weekdays))
            ordinal = week * 7 + self._open_weekdays[nth] + 1
            if not 1 <= ordinal <= _LAST_ORDINAL:
                raise TimeOutOfRange("the number of business days leads out of the calendar")
            closed = bisect_right(self._closed_ordinals, ordinal)
            if closed == skipped:
                return date.fromordinal(ordinal)
            skipped = closed

    def add_working_seconds(self, at: datetime, s: int) -> datetime:
        """Give the moment s working seconds after a moment (before it for negative s).

        Only the hours from `opens` to `closes` of business days count, by the clock on the wall. A day's last second ends at closing
        time, not at the next opening; s = 0 gives `at`, or the next opening if nobody works then.

        Raises:
            TimeOutOfRange: the result is outside the years 1 to 9999.
        """
        local = at.astimezone(self.tz)
        day, length = local.date(), self._day_length
        since_opening = (local.replace(tzinfo=None) - datetime.combine(day, time())) // _MICROSECOND - self._opening
        into_day = min(max(since_opening, 0), length) if self.is_business_day(day) else 0
        position = self._rank(day.toordinal()) * length + into_day + s * 1_000_000
        if s == 0 and 0 <= since_opening < length and self.is_business_day(day):
            return at.astimezone(UTC)
        rank, offset = divmod(position, length)
        if s > 0 and offset == 0:
            rank, offset = rank - 1, length
        wall = datetime.combine(self._business_day(rank, 0), time()) + (self._opening + offset) * _MICROSECOND
        return moment(wall, self.tz, not_before=at if s >= 0 else None)

    def to_json(self) -> Json:
        """Give the compact JSON form: no defaults, closed days as `{"2026": "0101 0403"}`."""
        data: dict[str, Json] = {"zone": self.zone}
        if self.weekend != (5, 6):
            data["weekend"] = list(self.weekend)
        if (self.opens, self.closes) != ("09:00", "17:00"):
            data["hours"] = f"{self.opens}-{self.closes}"
        if self.covers:
            data["covers"] = [day.isoformat() for day in self.covers]
        if self.country:
            data["country"] = self.country
        by_year: dict[str, list[str]] = defaultdict(list)
        for day in self.closed:
            by_year[f"{day.year:04d}"].append(f"{day.month:02d}{day.day:02d}")
        if by_year:
            data["closed"] = {year: " ".join(days) for year, days in by_year.items()}
        return data

    @classmethod
    def from_json(cls, node: Json) -> "BusinessCalendar":
        """Give the calendar behind its JSON form; the inverse of `to_json`."""
        data = cast(dict[str, Json], node)
        closed = cast(dict[str, str], data.get("closed", {}))
        return _calendar(
            str(data["zone"]),
            tuple(cast(list[int], data.get("weekend", [5, 6]))),
            str(data.get("hours", "09:00-17:00")),
            tuple(cast(list[str], data.get("covers", []))),
            cast(str | None, data.get("country")),
            tuple(closed.items()),
        )


@lru_cache(maxsize=1024)  # thousands of plays share a few calendars, and reading one costs more than many of its questions
def _calendar(
    zone: str, weekend: tuple[int, ...], hours: str, covers: tuple[str, ...], country: str | None, closed: tuple[tuple[str, str], ...]
) -> BusinessCalendar:
    opens, _, closes = hours.partition("-")
    first_and_last = tuple(map(date.fromisoformat, covers))
    return BusinessCalendar(
        zone=zone,
        weekend=weekend,
        opens=opens,
        closes=closes,
        closed=tuple(date(int(year), int(day[:2]), int(day[2:])) for year, days in closed for day in days.split()),
        covers=(first_and_last[0], first_and_last[1]) if first_and_last else None,
        country=country,
    )
