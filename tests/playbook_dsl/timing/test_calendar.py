import json
from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import TimeOutOfRange, TimingError
from tests.playbook_dsl.timing.places import BERLIN, NEW_YORK, NIGHT_SHIFT, RIYADH, calendars, days, moments, utc, wall

D = date.fromisoformat


@pytest.mark.parametrize(
    ("calendar", "start", "n", "expected"),
    [
        (BERLIN, "2026-11-23", 0, "2026-11-23"),
        (BERLIN, "2026-11-23", 3, "2026-11-26"),
        (BERLIN, "2026-11-27", 1, "2026-11-30"),
        (BERLIN, "2026-11-28", 0, "2026-11-30"),
        (BERLIN, "2026-11-28", 1, "2026-11-30"),
        (BERLIN, "2026-11-28", -1, "2026-11-27"),
        (BERLIN, "2026-12-24", 1, "2026-12-28"),  # 25 December is a Friday, Boxing Day a Saturday
        (BERLIN, "2027-03-25", 1, "2027-03-30"),  # Good Friday to Easter Monday
        (BERLIN, "2027-03-30", -1, "2027-03-25"),
        (BERLIN, "2026-11-23", 250, "2027-11-16"),
        (NEW_YORK, "2026-11-25", 1, "2026-11-27"),  # Thanksgiving
        (RIYADH, "2026-11-26", 1, "2026-11-29"),  # the weekend is Friday and Saturday
    ],
)
def test_business_days_step_over_weekends_and_holidays(calendar: BusinessCalendar, start: str, n: int, expected: str) -> None:
    assert calendar.add_business_days(D(start), n) == D(expected)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("2026-11-23", "2026-11-27", 4),
        ("2026-11-27", "2026-11-30", 1),
        ("2026-11-28", "2026-11-29", 0),
        ("2026-12-23", "2026-12-29", 3),
        ("2026-11-30", "2026-11-27", -1),
    ],
)
def test_business_days_between_count_the_first_day_and_not_the_last(a: str, b: str, expected: int) -> None:
    assert BERLIN.business_days_between(D(a), D(b)) == expected


@given(calendars, days, st.integers(-900, 900).filter(bool))
def test_business_days_back_and_forth_lead_home(calendar: BusinessCalendar, day: date, n: int) -> None:
    start = calendar.add_business_days(day, 0)
    end = calendar.add_business_days(start, n)

    assert calendar.is_business_day(end)
    assert calendar.add_business_days(end, -n) == start
    assert calendar.business_days_between(start, end) == n


@given(calendars, days, days, st.integers(-50, 50))
def test_later_days_and_more_days_never_end_earlier(calendar: BusinessCalendar, a: date, b: date, n: int) -> None:
    first, second = sorted((a, b))

    assert calendar.add_business_days(first, n) <= calendar.add_business_days(second, n)
    assert calendar.add_business_days(first, n) <= calendar.add_business_days(first, n + 1)


@given(calendars, days, st.integers(1, 40))
def test_adding_counts_the_days_that_looking_at_each_one_counts(calendar: BusinessCalendar, day: date, n: int) -> None:
    end = calendar.add_business_days(day, n)

    passed = [date.fromordinal(ordinal) for ordinal in range(day.toordinal() + 1, end.toordinal() + 1)]
    assert sum(map(calendar.is_business_day, passed)) == n


@given(calendars, days, days, days)
def test_business_days_between_add_up(calendar: BusinessCalendar, a: date, b: date, c: date) -> None:
    assert calendar.business_days_between(a, b) + calendar.business_days_between(b, c) == calendar.business_days_between(a, c)


@pytest.mark.parametrize(
    ("calendar", "at", "hours", "expected"),
    [
        (BERLIN, "2026-11-23 09:00", 4, "2026-11-23 14:00+0100"),
        (BERLIN, "2026-11-23 12:00", 4, "2026-11-23 17:00+0100"),  # closing time, not the next opening
        (BERLIN, "2026-11-27 15:00", 4, "2026-11-30 12:00+0100"),  # Friday 16:00 to Monday noon
        (BERLIN, "2026-11-28 15:00", 4, "2026-11-30 13:00+0100"),
        (BERLIN, "2026-11-23 05:00", 1, "2026-11-23 10:00+0100"),
        (BERLIN, "2026-11-23 20:00", 1, "2026-11-24 10:00+0100"),
        (BERLIN, "2026-11-23 09:00", -4, "2026-11-20 14:00+0100"),
        (BERLIN, "2026-12-24 12:00", 8, "2026-12-28 13:00+0100"),
        (BERLIN, "2026-11-23 20:00", 0, "2026-11-24 09:00+0100"),
        (BERLIN, "2026-11-23 09:00", 0, "2026-11-23 10:00+0100"),
        (BERLIN, "2027-03-26 15:00", 1, "2027-03-30 10:00+0200"),
        (NEW_YORK, "2026-11-25 21:00", 2, "2026-11-27 10:00-0500"),
        # The clocks skip 02:00-03:00 on 14 March 2027 and show 01:00-02:00 twice on 7 November: wall hours count.
        (NIGHT_SHIFT, "2027-03-14 06:30", 2, "2027-03-14 03:30-0400"),
        (NIGHT_SHIFT, "2027-03-14 06:30", 1, "2027-03-14 03:00-0400"),
        (NIGHT_SHIFT, "2027-11-07 06:30", 1, "2027-11-07 02:30-0500"),
    ],
)
def test_working_hours_count_only_while_people_work(calendar: BusinessCalendar, at: str, hours: int, expected: str) -> None:
    assert wall(calendar.add_working_seconds(utc(at), hours * 3600), calendar) == expected


@given(calendars, moments, st.integers(0, 2_000_000), st.integers(1, 2_000_000))
def test_working_time_is_never_earlier_and_adds_up(calendar: BusinessCalendar, at: datetime, a: int, b: int) -> None:
    first = calendar.add_working_seconds(at, a)

    assert first >= at
    assert calendar.add_working_seconds(at, a + b) >= first
    if calendar is BERLIN:  # its working hours meet no change of the clock
        assert calendar.add_working_seconds(first, b) == calendar.add_working_seconds(at, a + b)


@pytest.mark.parametrize("calendar", [BERLIN, NEW_YORK, RIYADH, NIGHT_SHIFT, BusinessCalendar()])
def test_a_calendar_travels_as_small_json(calendar: BusinessCalendar) -> None:
    text = json.dumps(calendar.to_json(), separators=(",", ":"))

    assert BusinessCalendar.from_json(json.loads(text)) == calendar
    assert len(text) < 500


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"zone": "Berlin"}, '"Berlin" is not a time zone'),
        ({"weekend": tuple(range(7))}, "at least one weekday"),
        ({"opens": "17:00", "closes": "09:00"}, '"17:00-09:00"'),
        ({"opens": "9am"}, '"9am" is not a time of day'),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(arguments: dict[str, str], said: str) -> None:
    with pytest.raises(TimingError, match=said):
        BusinessCalendar(**arguments)  # type: ignore[arg-type]  # the wrong values are the point


@pytest.mark.parametrize("n", [10**9, -(10**9)])
def test_business_days_out_of_all_years_are_refused(n: int) -> None:
    with pytest.raises(TimeOutOfRange):
        BERLIN.add_business_days(D("2026-11-23"), n)


def test_closed_days_are_sorted_and_unique_whatever_the_order_given() -> None:
    calendar = BusinessCalendar(closed=(D("2027-01-01"), D("2026-12-25"), D("2027-01-01")))

    assert all(a < b for a, b in pairwise(calendar.closed))
