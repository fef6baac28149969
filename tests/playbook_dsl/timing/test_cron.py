from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_dsl.timing.cron import check_cron, next_times
from playbook_dsl.timing.errors import TimingError
from tests.playbook_dsl.timing.places import BERLIN, utc, wall


@pytest.mark.parametrize("text", ["0 7 * * 1-5", "*/15 * * * *", "0 9 1 * *", "30 8 L * *", "0 7 * JAN-MAR MON", "0 0 29 2 *"])
def test_schedules_that_come_are_accepted(text: str) -> None:
    assert check_cron(text, "Europe/Berlin") is None


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("0 7 * *", "UTC", 'but "0 7 * *" has 4'),
        ("0 0 7 * * 1", "UTC", "has 6"),
        ("", "UTC", "five fields"),
        ("61 7 * * *", "UTC", "the minute, is 0-59"),
        ("0 24 * * *", "UTC", "the hour, is 0-23"),
        ("0 0 30 2 *", "UTC", "must exist in the months named"),
        ("0 0 * 13 *", "UTC", "the month, is 1-12"),
        ("0 0 * * FUN", "UTC", "the day of the week"),
        ("0 7 * * 1-5", "europe/berlin", 'did you mean "Europe/Berlin"?'),
        ("0 7 * * 1-5", "Mars/Base", 'write an IANA name, such as "Europe/Berlin"'),
        ("* " * 10_000, "UTC", "has 10000"),
    ],
)
def test_what_is_not_a_schedule_is_refused_with_what_to_write(text: str, zone: str, said: str) -> None:
    assert said in (check_cron(text, zone) or "")


def test_next_times_follow_the_wall_clock_of_the_zone() -> None:
    times = next_times("30 2 * * *", "Europe/Berlin", utc("2027-03-26 12:00"), 3)

    assert [wall(at, BERLIN) for at in times] == ["2027-03-27 02:30+0100", "2027-03-28 03:00+0200", "2027-03-29 02:30+0200"]


def test_a_time_the_clocks_show_twice_comes_once() -> None:
    times = next_times("30 2 * * *", "Europe/Berlin", utc("2026-10-24 12:00"), 2)

    assert [wall(at, BERLIN) for at in times] == ["2026-10-25 02:30+0200", "2026-10-26 02:30+0100"]


def test_next_times_are_after_the_moment_given() -> None:
    after = utc("2026-11-23 07:00")

    assert next_times("0 7 * * *", "UTC", after, 1) == [after + timedelta(days=1)]


def test_a_schedule_in_no_zone_is_refused() -> None:
    with pytest.raises(TimingError, match='"Nowhere" is not a time zone'):
        next_times("0 7 * * *", "Nowhere", utc("2026-11-23 07:00"), 1)


@given(
    st.text(max_size=120)
    | st.lists(st.sampled_from(["*", "0", "1-5", "*/0", "L", "99", "1#9", "#", "MON", "/"]), min_size=5, max_size=5).map(" ".join)
)
def test_any_text_gets_an_answer(text: str) -> None:
    assert check_cron(text, "UTC") is None or check_cron(text, "UTC")
