from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.moments import DATE_WORDS, land, next_weekday, parse_until, start_of_day
from tests.playbook_dsl.timing.places import BERLIN, NEW_YORK, ODD, calendars, moments, utc, wall

BEIRUT = ODD[0]


@pytest.mark.parametrize(
    ("calendar", "at", "at_time", "on_business_day", "expected"),
    [
        (BERLIN, "2026-11-23 07:00", "09:00", False, "2026-11-23 09:00+0100"),
        (BERLIN, "2026-11-23 08:00", "09:00", False, "2026-11-23 09:00+0100"),
        (BERLIN, "2026-11-23 08:01", "09:00", False, "2026-11-24 09:00+0100"),
        (BERLIN, "2026-11-27 08:01", "09:00", True, "2026-11-30 09:00+0100"),
        (BERLIN, "2026-11-28 14:15", None, True, "2026-11-30 15:15+0100"),
        (BERLIN, "2026-12-25 14:15", None, True, "2026-12-28 15:15+0100"),
        (BERLIN, "2026-11-27 14:15", None, True, "2026-11-27 15:15+0100"),
        (BERLIN, "2026-11-28 14:15", None, False, "2026-11-28 15:15+0100"),
        (BERLIN, "2027-03-28 00:10", "02:30", False, "2027-03-28 03:00+0200"),
        (BERLIN, "2026-10-25 00:10", "02:30", False, "2026-10-25 02:30+0200"),
        (BERLIN, "2026-10-25 01:10", "02:30", False, "2026-10-26 02:30+0100"),
        (NEW_YORK, "2026-11-26 03:00", "09:00", True, "2026-11-27 09:00-0500"),  # Wednesday evening there, then Thanksgiving
        (BERLIN, "2026-11-23 07:00", "24:00", False, "2026-11-24 00:00+0100"),
    ],
)
def test_a_wait_lands_where_it_should(
    calendar: BusinessCalendar, at: str, at_time: str | None, on_business_day: bool, expected: str
) -> None:
    assert wall(land(utc(at), calendar, at_time=at_time, on_business_day=on_business_day), calendar) == expected


times = st.none() | st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))


@given(calendars, moments, times, st.booleans())
def test_landing_is_never_earlier_and_landing_again_stays(
    calendar: BusinessCalendar, at: datetime, at_time: str | None, business: bool
) -> None:
    landed = land(at, calendar, at_time=at_time, on_business_day=business)

    assert landed >= at
    assert land(landed, calendar, at_time=at_time, on_business_day=business) == landed
    if business:
        assert calendar.is_business_day(landed.astimezone(calendar.tz).date())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", "2026-11-24"),
        ("next monday", "2026-11-30"),
        ("Monday", "2026-11-30"),
        ("next  Tuesday", "2026-11-24"),
        ("next business day", "2026-11-24"),
        ("next week", "2026-11-30"),
        ("next month", "2026-12-01"),
        ("start of next month", "2026-12-01"),
        ("next quarter", "2027-01-01"),
        ("next year", "2027-01-01"),
        ("end of week", "2026-11-29"),
        ("end of month", "2026-11-30"),
        ("end of the month", "2026-11-30"),
        ("end of next month", "2026-12-31"),
        ("end of quarter", "2026-12-31"),
        ("end of next quarter", "2027-03-31"),
        ("end of year", "2026-12-31"),
        ("first business day of next month", "2026-12-01"),
        ("last business day of month", "2026-11-30"),
        ("last business day of this quarter", "2026-12-31"),
    ],
)
def test_dates_in_words_seen_from_a_monday(text: str, expected: str) -> None:
    words = parse_until(text)

    assert words is not None
    assert words.day(date(2026, 11, 23), BERLIN) == date.fromisoformat(expected)
    assert words.moment(utc("2026-11-23 10:00"), BERLIN, "09:00") == start_of_day(date.fromisoformat(expected), BERLIN, "09:00")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "next sunday week", "account.renewal_date", "3 days", "next", "end of time", "x" * 10_000]
)
def test_other_texts_are_no_dates_in_words(text: str) -> None:
    assert parse_until(text) is None


@given(calendars, moments, st.sampled_from(DATE_WORDS))
def test_every_date_in_words_is_today_or_later_and_keeps_its_text(calendar: BusinessCalendar, at: datetime, text: str) -> None:
    words = parse_until(text)
    today = at.astimezone(calendar.tz).date()

    assert words is not None
    assert words.text == text
    earliest = today.replace(day=1) if text.startswith("last business day") else today  # that day may have passed
    assert words.day(today, calendar) >= earliest


def test_next_weekday_is_never_today() -> None:
    assert wall(next_weekday(utc("2026-11-23 10:00"), "monday", BERLIN), BERLIN) == "2026-11-30 00:00+0100"
    assert wall(next_weekday(utc("2026-11-22 23:30"), "Tuesday", BERLIN), BERLIN) == "2026-11-24 00:00+0100"
    with pytest.raises(TimingError, match='"mon" is not a weekday'):
        next_weekday(utc("2026-11-23 10:00"), "mon", BERLIN)


def test_a_day_whose_midnight_is_skipped_starts_right_after_the_gap() -> None:
    assert wall(start_of_day(date(2026, 3, 29), BEIRUT), BEIRUT) == "2026-03-29 01:00+0300"
