import pytest

from playbook_dsl.timing.errors import TimingError
from simulation.testing.offsets import read_clock, read_offset
from tests.playbook_dsl.timing.places import BERLIN, utc, wall


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day 0", "2026-11-23 09:00+0100"),
        ("day 3", "2026-11-26 09:00+0100"),
        ("day 3 14:00", "2026-11-26 14:00+0100"),
        ("day 125", "2027-03-28 09:00+0200"),  # over the change of the clock
        ("+2 hours", "2026-11-24 14:00+0100"),
        ("+1 business day", "2026-11-25 12:00+0100"),
        ("3 business days", "2026-11-26 09:00+0100"),
        ("1 month", "2026-12-23 09:00+0100"),
        ("2026-12-24 18:30", "2026-12-24 18:30+0100"),
        ("2026-12-24", "2026-12-24 09:00+0100"),
    ],
)
def test_offsets_count_from_the_start_or_from_what_came_before(text: str, expected: str) -> None:
    assert wall(read_offset(text, utc("2026-11-23 08:00"), utc("2026-11-24 11:00"), BERLIN), BERLIN) == expected


@pytest.mark.parametrize("text", ["", "day", "day x", "+2", "3", "tomorrow", "day 3 25:00", "2026-13-01", "9999-12-31x", "day 99999"])
def test_other_texts_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(TimingError, match=r"write|time of day"):
        read_offset(text, utc("2026-11-23 08:00"), utc("2026-11-24 11:00"), BERLIN)


def test_a_clock_without_a_time_of_day_is_nine_in_the_morning() -> None:
    assert wall(read_clock("2026-11-23", BERLIN), BERLIN) == "2026-11-23 09:00+0100"
    with pytest.raises(TimingError, match='"noon" is not a time'):
        read_clock("noon", BERLIN)
