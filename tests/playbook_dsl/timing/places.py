"""Calendars and moments the timing tests share."""

from datetime import UTC, date, datetime
from functools import cache

from hypothesis import strategies as st

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.holidays import calendar_for

BERLIN = calendar_for("Germany", "Europe/Berlin", date(2026, 11, 23))
NEW_YORK = calendar_for("US", "America/New_York", date(2026, 11, 23))
RIYADH = calendar_for("SA", "Asia/Riyadh", date(2026, 11, 23))
NIGHT_SHIFT = BusinessCalendar(zone="America/New_York", weekend=(), opens="00:00", closes="06:00")
# Beirut skips midnight in spring, Lord Howe moves by half an hour, Apia once skipped a whole day.
ODD = [BusinessCalendar(zone=zone) for zone in ("Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "UTC")]

calendars = st.sampled_from([BERLIN, NEW_YORK, RIYADH, NIGHT_SHIFT, *ODD])
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds


@cache
def utc(text: str) -> datetime:
    """Read `2026-11-23 09:00` as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(at: datetime, calendar: BusinessCalendar) -> str:
    """Show a moment as the clocks of a calendar do, with the offset."""
    return at.astimezone(calendar.tz).strftime("%Y-%m-%d %H:%M%z")
