from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import QuietError
from playbook_dsl.timing.quiet import QuietHours, parse_quiet
from tests.playbook_dsl.timing.places import BERLIN, NEW_YORK, ODD, RIYADH, calendars, moments, utc, wall

BEIRUT = ODD[0]
OFFICE = "18:00-08:00 and weekends"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (OFFICE, OFFICE),
        ("weekends", "weekends"),
        ("Holidays", "holidays"),
        ("22:00-07:00", "22:00-07:00"),
        ("9:00 – 10:30", "09:00-10:30"),
        ("weekends, holidays and 18:00-08:00", "18:00-08:00 and weekends and holidays"),
        ("18:00-08:00, 12:00-13:00, and sunday", "12:00-13:00 and 18:00-08:00 and sundays"),
    ],
)
def test_quiet_rules_have_one_canonical_text(text: str, canonical: str) -> None:
    rule = parse_quiet(text)

    assert rule.to_text() == canonical
    assert parse_quiet(canonical) == rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a quiet rule says when nothing is sent"),
        ("18-8", 'write "18:00-08:00"'),
        ("holliday", 'did you mean "holidays"?'),
        ("at night", '"at night" is not known in a quiet rule'),
        ("25:00-08:00", '"25:00" is not a time of day'),
        ("08:00-08:00", "starts when it ends"),
        ("00:00-24:00", "never lets a message out"),
        ("08:00-18:00 and 18:00-08:00", "never lets a message out"),
        ("monday, tuesday, wednesday, thursday, friday and weekends", "never lets a message out"),
        ("weekends and", '"weekends and" is not known'),
        ("and " * 100, "a quiet rule says"),
    ],
)
def test_what_is_not_a_quiet_rule_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(QuietError) as caught:
        parse_quiet(text)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "calendar", "at", "expected"),
    [
        (OFFICE, BERLIN, "2026-11-23 10:00", "2026-11-23 11:00+0100"),
        (OFFICE, BERLIN, "2026-11-23 16:59", "2026-11-23 17:59+0100"),
        (OFFICE, BERLIN, "2026-11-23 17:00", "2026-11-24 08:00+0100"),
        (OFFICE, BERLIN, "2026-11-23 06:59", "2026-11-23 08:00+0100"),
        (OFFICE, BERLIN, "2026-11-27 17:00", "2026-11-30 08:00+0100"),
        (OFFICE, BERLIN, "2026-11-28 11:00", "2026-11-30 08:00+0100"),
        (OFFICE, BERLIN, "2026-12-25 11:00", "2026-12-25 12:00+0100"),  # holidays are not quiet unless said
        (f"{OFFICE} and holidays", BERLIN, "2026-12-24 18:00", "2026-12-28 08:00+0100"),
        ("holidays", BERLIN, "2026-12-24 23:30", "2026-12-27 00:00+0100"),  # Boxing Day is a Saturday and still quiet
        (OFFICE, NEW_YORK, "2026-11-23 10:00", "2026-11-23 08:00-0500"),
        (OFFICE, RIYADH, "2026-11-26 16:00", "2026-11-29 08:00+0300"),
        ("sundays and 12:00-13:00", BERLIN, "2026-11-27 11:30", "2026-11-27 13:00+0100"),
        # Changes of the clock: the gap 02:00-03:00 on 28 March 2027, 02:00-03:00 twice on 25 October 2026.
        ("22:00-02:30", BERLIN, "2027-03-27 23:00", "2027-03-28 03:00+0200"),
        ("22:00-02:00 and 02:30-07:00", BERLIN, "2027-03-27 23:00", "2027-03-28 07:00+0200"),  # the window is skipped that day
        ("22:00-02:30", BERLIN, "2026-10-24 23:00", "2026-10-25 02:30+0200"),
        ("22:00-02:30", BERLIN, "2026-10-25 01:10", "2026-10-25 02:30+0100"),  # from the second 02:10
        ("22:00-07:00", NEW_YORK, "2026-11-01 05:30", "2026-11-01 07:00-0500"),
        ("22:00-07:00", NEW_YORK, "2027-03-14 06:30", "2027-03-14 07:00-0400"),
        ("20:00-24:00", BEIRUT, "2026-03-28 20:00", "2026-03-29 01:00+0300"),  # no midnight that night
    ],
)
def test_a_message_leaves_at_the_next_open_minute(rule: str, calendar: BusinessCalendar, at: str, expected: str) -> None:
    assert wall(parse_quiet(rule).open_at(utc(at), calendar), calendar) == expected


spans = st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(lambda span: span[0] != span[1]), max_size=3).map(tuple)
rules = st.builds(
    QuietHours,
    spans=spans.map(lambda found: tuple(sorted(set(found)))),
    weekdays=st.sets(st.integers(0, 6), max_size=2).map(lambda found: tuple(sorted(found))),
    weekends=st.booleans(),
    holidays=st.booleans(),
)


@given(rules)
def test_every_rule_that_opens_reads_back_from_its_text(rule: QuietHours) -> None:
    assume(rule.has_open_minutes and rule != QuietHours())

    assert parse_quiet(rule.to_text()) == rule


@given(rules, calendars, moments)
def test_an_open_minute_is_never_earlier_is_open_and_stays(rule: QuietHours, calendar: BusinessCalendar, at: datetime) -> None:
    assume(rule.has_open_minutes)
    open_at = rule.open_at(at, calendar)

    assert open_at >= at
    assert rule.allows(open_at, calendar)
    assert rule.open_at(open_at, calendar) == open_at


@pytest.mark.parametrize("start", ["2026-10-23 12:00", "2027-03-26 12:00", "2026-12-23 12:00"])
@pytest.mark.parametrize("text", [f"{OFFICE} and holidays", "22:00-02:30", "22:00-02:00 and 02:15-07:00"])
def test_no_open_minute_is_passed_over(start: str, text: str) -> None:
    rule, at = parse_quiet(text), utc(start)
    minutes = [at + timedelta(minutes=n) for n in range(9 * 1440)]

    following = None
    for minute in reversed(minutes):
        following = minute if rule.allows(minute, BERLIN) else following
        if minute.minute % 7 == 0 and following:
            assert rule.open_at(minute, BERLIN) == following


@given(st.text(max_size=60) | st.lists(st.sampled_from(["18:00-08:00", "and", ",", "weekends", "sunday", "99:99-1:00"])).map(" ".join))
def test_any_text_is_a_quiet_rule_or_a_quiet_error(text: str) -> None:
    with suppress(QuietError):
        parse_quiet(text)


def test_a_rule_that_never_opens_with_this_weekend_says_so() -> None:
    rule = parse_quiet("weekends and monday and tuesday and wednesday and thursday and sunday")

    with pytest.raises(QuietError, match="never opens for SA"):
        rule.open_at(utc("2026-11-23 10:00"), RIYADH)
