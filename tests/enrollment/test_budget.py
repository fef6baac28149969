from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrollment.budget import Before, Budget, Wait, moment_words, read_budgets, turn, why, write_budgets

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
THREE = Budget(3, timedelta(days=14), "14 days", "contact")


def days(*numbers: float) -> list[datetime]:
    return [NOON + timedelta(days=number) for number in numbers]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], None),
        ([-1, -2], None),
        ([-1, -2, -14], None),
        ([-20, -30, -1, -2], None),
        ([-1, -2, -13], 1),
        ([-1, -2, -3], 11),
        # A budget that was made smaller meanwhile: two must leave before one may follow.
        ([-1, -2, -3, -4], 11),
    ],
)
def test_a_message_waits_until_the_first_one_leaves_the_window(sent: list[float], expected: float | None) -> None:
    wait = turn(THREE, days(*sent), [], NOON)

    assert (wait.until if wait else None) == (None if expected is None else NOON + timedelta(days=expected))


def test_those_who_go_first_are_waited_for_only_as_long_as_somebody_counts_on_them() -> None:
    due = Before(NOON, NOON + timedelta(minutes=5))
    later = Before(NOON + timedelta(days=3), NOON + timedelta(days=3, minutes=5))

    assert turn(THREE, days(-1, -2), [due], NOON) == Wait(due.gone_at, 2, 1)
    assert turn(THREE, days(-1, -2), [later], NOON) is None
    assert turn(THREE, days(-1), [due], NOON) is None


def test_those_far_behind_look_when_it_may_be_their_turn() -> None:
    many = [Before(NOON + timedelta(days=1), NOON + timedelta(days=2))] * 6
    near, far = turn(THREE, days(-1, -2, -13), many[:4], NOON), turn(THREE, days(-1, -2, -13), many, NOON)

    assert near is not None
    assert near.until == NOON + timedelta(days=1, seconds=4)
    assert far is not None
    assert far.until == NOON + timedelta(days=13, seconds=4)


def test_the_reason_is_a_sentence() -> None:
    assert why(Wait(NOON + timedelta(days=7), 3, 0), THREE, "email", "Ada", NOON) == "waits until 2 Dec: Ada has had 3 e-mails in 14 days"
    assert (
        why(Wait(NOON + timedelta(days=1), 1, 2), THREE, "sms", "", NOON)
        == "waits until 26 Nov 12:00 UTC: this recipient has had 1 text message in 14 days, and 2 other messages go first"
    )
    assert moment_words(NOON + timedelta(days=60), NOON) == "24 Jan 2027"
    assert moment_words(NOON + timedelta(seconds=3), NOON) == "25 Nov 12:00:03 UTC"


def test_budgets_are_read_as_people_write_them() -> None:
    written = {"email": "3 per 14 days", "sms": "1 per 1 week", "per": "account"}
    budget = Budget.of(read_budgets(written), "sms")

    assert write_budgets(read_budgets(written)) == written
    assert budget == Budget(1, timedelta(days=7), "1 week", "account")
    assert read_budgets({"per": "contact"}) == {}
    assert Budget.of({}, "email") is None


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"email": "3"}, "write 3 per week, or 3 per 14 days"),
        ({"email": "often"}, "is no count per time"),
        ({"email": "0 per week"}, "is no count per time"),
        ({"fax": "3 per week"}, "there are email, sms"),
        ({"per": "month"}, "write contact or account"),
    ],
)
def test_what_is_no_budget_is_refused_with_what_to_write(written: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_budgets(written)


@dataclass
class Desk:
    """Messages to one contact, told when to come again as plays are, by any clock that only goes forward."""

    budget: Budget
    sent: list[datetime] = field(default_factory=list)
    waiting: dict[int, tuple[tuple[int, int], Before]] = field(default_factory=dict)

    def come(self, name: int, priority: int, now: datetime) -> None:
        mine = (-priority, name)
        before = [one for other, (rank, one) in self.waiting.items() if other != name and rank < mine and one.gone_at > now]
        wait = turn(self.budget, self.sent, before, now)
        if wait is None:
            self.sent.append(now)
            self.waiting.pop(name, None)
        else:
            assert wait.until > now
            self.waiting[name] = (mine, Before(wait.until, wait.until + self.budget.grace))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(2, 50),
    st.lists(st.tuples(st.integers(0, 60), st.integers(-2, 2), st.floats(0, 20)), min_size=1, max_size=25),
)
def test_no_window_ever_holds_more_than_the_budget_and_everybody_leaves(
    count: int, window_s: int, messages: list[tuple[int, int, float]]
) -> None:
    desk = Desk(Budget(count, timedelta(seconds=window_s), "a while", "contact"))
    priorities = [priority for _, priority, _ in messages]
    lateness = [timedelta(seconds=late) for _, _, late in messages]
    due = {name: NOON + timedelta(seconds=second) for name, (second, _, _) in enumerate(messages)}
    looks = 0
    while due:
        name = min(due, key=lambda one: due[one])
        now = max(due.pop(name), max(desk.sent, default=NOON))
        desk.come(name, priorities[name], now)
        looks += 1
        if name in desk.waiting:
            due[name] = desk.waiting[name][1].until + lateness[name]

    times = sorted(desk.sent)
    assert len(times) == len(messages)
    assert all(later - first >= desk.budget.window for first, later in zip(times, times[count:], strict=False))
    assert looks <= len(messages) * (len(messages) + 6)
