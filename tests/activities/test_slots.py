from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from activities.slots import Span, find_slots
from playbook_dsl.timing.calendar import BusinessCalendar

BERLIN = BusinessCalendar("Europe/Berlin", closed=(date(2026, 4, 3), date(2026, 4, 6)))
NEW_YORK = BusinessCalendar("America/New_York", opens="08:00")
BEGIN = datetime(2026, 3, 26, 12, 7, tzinfo=UTC)

minutes = st.integers(0, 14 * 24 * 60)
spans = st.builds(
    lambda start, length: (BEGIN + timedelta(minutes=start), BEGIN + timedelta(minutes=start + length)), minutes, st.integers(1, 600)
)


def found(busy: list[Span], length: int, most: int = 5) -> list[Span]:
    return find_slots([BERLIN, NEW_YORK], busy, after=BEGIN, until=BEGIN + timedelta(days=14), length=timedelta(minutes=length), most=most)


@given(busy=st.lists(spans, max_size=20), length=st.sampled_from([15, 30, 45, 60, 180]))
def test_a_time_is_within_everybodys_hours_and_in_nobodys_way(busy: list[Span], length: int) -> None:
    """Across both changes to summer time, Good Friday and Easter Monday."""
    slots = found(busy, length)

    for start, end in slots:
        assert end - start == timedelta(minutes=length)
        assert start >= BEGIN
        assert start.minute % 15 == 0
        assert not [other for other in busy if other[0] < end and start < other[1]]
        for calendar, opens in ((BERLIN, 9), (NEW_YORK, 8)):
            first, last = start.astimezone(calendar.tz), end.astimezone(calendar.tz)
            assert calendar.is_business_day(first.date())
            assert first.hour >= opens
            assert last <= last.replace(hour=17, minute=0)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(slots))


def test_the_first_time_is_the_earliest_one() -> None:
    """At 12:07 UTC it is 13:07 in Berlin, which is an hour from summer time, and 8:07 in New York, which has it already."""
    assert found([], 30, most=1) == [(datetime(2026, 3, 26, 12, 15, tzinfo=UTC), datetime(2026, 3, 26, 12, 45, tzinfo=UTC))]


def test_nobody_can_when_all_days_are_taken() -> None:
    assert found([(BEGIN, BEGIN + timedelta(days=20))], 30) == []
