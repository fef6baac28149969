import time
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, approximate_seconds, parse_duration, words
from playbook_dsl.timing.errors import DurationError, TimeOutOfRange
from playbook_dsl.values import Duration
from tests.playbook_dsl.timing.places import BERLIN, NEW_YORK, calendars, moments, utc, wall


@pytest.mark.parametrize(
    ("text", "duration", "in_words"),
    [
        ("3 days", Duration(days=3), "3 days"),
        ("3 business days", Duration(business_days=3), "3 business days"),
        ("1 business day", Duration(business_days=1), "1 business day"),
        ("2 working days", Duration(business_days=2), "2 business days"),
        ("4 working hours", Duration(working_seconds=14_400), "4 working hours"),
        ("4 business hours", Duration(working_seconds=14_400), "4 working hours"),
        ("1.5 working hours", Duration(working_seconds=5_400), "1 working hour 30 working minutes"),
        ("10m", Duration(seconds=600), "10 minutes"),
        ("2s", Duration(seconds=2), "2 seconds"),
        ("0.5s", Duration(seconds=0.5), "0.5 seconds"),
        ("2h", Duration(seconds=7_200), "2 hours"),
        ("1.5 h", Duration(seconds=5_400), "1 hour 30 minutes"),
        ("90 minutes", Duration(seconds=5_400), "1 hour 30 minutes"),
        ("2 weeks", Duration(days=14), "14 days"),
        ("1 month", Duration(months=1), "1 month"),
        ("1 quarter", Duration(months=3), "3 months"),
        ("1 year", Duration(months=12), "1 year"),
        ("14 months", Duration(months=14), "1 year 2 months"),
        ("1 day 2 hours", Duration(days=1, seconds=7_200), "1 day 2 hours"),
        ("1 Day, 2 Hours and 3 s", Duration(days=1, seconds=7_203), "1 day 2 hours 3 seconds"),
        ("-3 days", Duration(days=-3), "-3 days"),
        ("0 days", Duration(), "0 seconds"),
        ("  7d ", Duration(days=7), "7 days"),
    ],
)
def test_durations_are_read_and_said(text: str, duration: Duration, in_words: str) -> None:
    assert (parse_duration(text), words(duration)) == (duration, in_words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3", '"3" does not say of what: write "3 days", "3 business days" or "3 minutes"'),
        ("-1.5", '"-1.5" does not say of what'),
        ("", '"" is not a duration'),
        ("soon", '"soon" is not a duration: write a number and a unit, such as "3 business days" or "2 hours"'),
        ("three days", 'write "3 days"'),
        ("a week", 'write "1 week"'),
        ("3 dais", '"dais" is not a unit of time; did you mean "days"?'),
        ("1 bussiness day", 'did you mean "business"?'),
        ("2 fortnights", "the units are business days, days, hours"),
        ("10M", '"10 minutes" or "10 months"'),
        ("1.5 days", 'write "36 hours" for "1.5 days"'),
        ("1.5 months", '"1.5 months" has a fraction'),
        ("1.5 business days", "write whole business days, or working hours"),
        ("2 business weeks", "write business days"),
        ("0.0001 working seconds", "no fractions of a second"),
        ("200 years", '"200 years" is longer than 100 years'),
        ("3 days ago", "is not a duration"),
        ("3 days 4", "is not a duration"),
        ("PT10M", "is not a duration"),
        ("٣ days", "is not a duration"),
        ("9" * 250, "250 characters"),
        ("9" * 190 + " days", "longer than 100 years"),
    ],
)
def test_what_is_not_a_duration_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)

    assert said in str(caught.value)


counts = st.integers(-90, 90)
durations = st.builds(
    Duration,
    months=counts,
    days=counts,
    business_days=counts,
    working_seconds=st.integers(-500_000, 500_000),
    seconds=st.integers(-500_000, 500_000) | st.decimals(-5_000, 5_000, places=3).map(float),
)


@given(durations)
def test_a_duration_in_words_reads_back_the_same(duration: Duration) -> None:
    assert parse_duration(words(duration)) == duration


pieces = st.sampled_from(["3", "-1", "0.5", "day", "days", "business", "working", "hours", "M", "and", ",", "m", " ", "9" * 60, "."])


@given(st.text() | st.lists(pieces).map("".join) | st.lists(pieces).map(" ".join))
def test_any_text_is_a_duration_or_a_duration_error(text: str) -> None:
    with suppress(DurationError):
        parse_duration(text)


@pytest.mark.parametrize("text", [" " * 199, "1 d " * 49, "-" * 200, "1." * 100, "and " * 50, "1 " * 100, "9" * 200, "x" * 10_000_000])
def test_no_text_keeps_the_reader_busy(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(DurationError):
        parse_duration(f"{text}!")

    assert time.perf_counter() - start < 0.05


@pytest.mark.parametrize(
    ("calendar", "at", "text", "expected"),
    [
        # Europe/Berlin: clocks skip 02:00-03:00 on 28 March 2027, show 02:00-03:00 twice on 25 October 2026.
        (BERLIN, "2027-03-27 08:00", "1 day", "2027-03-28 09:00+0200"),
        (BERLIN, "2027-03-27 08:00", "24 hours", "2027-03-28 10:00+0200"),
        (BERLIN, "2027-03-27 01:30", "1 day", "2027-03-28 03:00+0200"),  # 02:30 does not exist
        (BERLIN, "2027-02-28 01:30", "1 month", "2027-03-28 03:00+0200"),
        (BERLIN, "2026-10-24 07:00", "1 day", "2026-10-25 09:00+0100"),
        (BERLIN, "2026-10-24 00:30", "1 day", "2026-10-25 02:30+0200"),  # the first of the two
        (BERLIN, "2026-10-25 01:30", "1 day", "2026-10-26 02:30+0100"),  # from the second of the two
        (BERLIN, "2026-10-25 01:30", "0 days", "2026-10-25 02:30+0100"),
        (BERLIN, "2026-10-23 07:00", "1 business day", "2026-10-26 09:00+0100"),
        # America/New_York: 14 March 2027 and 1 November 2026.
        (NEW_YORK, "2027-03-13 14:00", "1 day", "2027-03-14 09:00-0400"),
        (NEW_YORK, "2027-03-13 07:30", "1 day", "2027-03-14 03:00-0400"),
        (NEW_YORK, "2026-10-31 13:00", "1 day", "2026-11-01 09:00-0500"),
        (NEW_YORK, "2026-10-31 05:30", "1 day", "2026-11-01 01:30-0400"),
        # Months and leap days.
        (BERLIN, "2027-01-31 08:00", "1 month", "2027-02-28 09:00+0100"),
        (BERLIN, "2028-01-31 08:00", "1 month", "2028-02-29 09:00+0100"),
        (BERLIN, "2028-02-29 08:00", "1 year", "2029-02-28 09:00+0100"),
        (BERLIN, "2027-03-31 07:00", "-1 month", "2027-02-28 09:00+0100"),
        (BERLIN, "2026-12-31 22:30", "1 month", "2027-01-31 23:30+0100"),  # 31 December there, not 1 January
        (BERLIN, "2026-12-31 23:30", "1 month", "2027-02-01 00:30+0100"),
        (BERLIN, "2026-11-30 08:00", "1 quarter", "2027-02-28 09:00+0100"),
        # Order: months, days, business days, working time, seconds.
        (BERLIN, "2026-11-23 08:00", "3 business days", "2026-11-26 09:00+0100"),
        (BERLIN, "2026-12-23 08:00", "2 business days", "2026-12-28 09:00+0100"),
        (BERLIN, "2026-11-23 08:00", "-1 business day", "2026-11-20 09:00+0100"),
        (BERLIN, "2026-11-27 08:00", "1 day 1 business day", "2026-11-30 09:00+0100"),
        (BERLIN, "2026-11-27 15:00", "4 working hours", "2026-11-30 12:00+0100"),
        (BERLIN, "2026-11-27 08:00", "1 day 2 hours", "2026-11-28 11:00+0100"),
    ],
)
def test_durations_keep_the_time_on_the_wall(calendar: BusinessCalendar, at: str, text: str, expected: str) -> None:
    assert wall(add(utc(at), parse_duration(text), calendar), calendar) == expected


@given(calendars, moments, durations)
def test_a_positive_duration_ends_later(calendar: BusinessCalendar, at: datetime, signed: Duration) -> None:
    duration = Duration(*(abs(getattr(signed, name)) for name in Duration.__slots__))

    assert add(at, duration, calendar) >= at


@pytest.mark.parametrize("duration", [Duration(days=10**9), Duration(months=10**6), Duration(business_days=10**9), Duration(seconds=1e18)])
def test_a_sum_beyond_all_calendars_is_refused(duration: Duration) -> None:
    with pytest.raises(TimeOutOfRange):
        add(utc("2026-11-23 09:00"), duration, BERLIN)


def test_lengths_are_ordered_as_people_order_them() -> None:
    ordered = ["1 minute", "1 working hour", "1 day", "1 business day", "1 week", "1 month", "1 year"]

    assert sorted(ordered, key=lambda text: approximate_seconds(parse_duration(text))) == ordered
    assert approximate_seconds(parse_duration("5 business days")) == approximate_seconds(parse_duration("40 working hours")) == 7 * 86_400
