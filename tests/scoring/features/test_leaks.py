"""No feature may know what nobody could have known: what is told later, or of later, changes nothing."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from scoring.features.compute import features_at, snapshot_at
from scoring.features.history import History
from scoring.observations import Observation, Value
from tests.scoring.features.seen import CUTOFF

Values: TypeAlias = dict[str, Value]
"""Values of an observation."""

DATES = st.sampled_from(["2024-01-15", "2025-09-01", "2026-05-20", "2026-06-10", "2027-01-01", "nonsense"])
COUNTS = st.one_of(st.integers(0, 500), st.floats(0, 1000, allow_nan=False), st.just(math.nan))
BY_KIND: dict[str, dict[str, st.SearchStrategy[Value]]] = {
    "usage": {
        "logins": COUNTS,
        "active_users": COUNTS,
        "user": st.sampled_from(["eva", "ben", ""]),
        "feature": st.sampled_from(["reports", "alerts"]),
        "features": st.dictionaries(st.sampled_from(["reports", "alerts", "export"]), st.floats(0, 9)),
    },
    "ticket": {
        "status": st.sampled_from(["open", "closed"]),
        "severity": st.integers(1, 4),
        "first_response_h": st.floats(0, 100),
        "reopened": st.booleans(),
        "csat": st.integers(1, 5),
    },
    "invoice": {"status": st.sampled_from(["open", "paid", "failed", "void"]), "amount": st.floats(0, 999), "due": DATES, "paid": DATES},
    "meeting": {"with": st.sampled_from(["csm", "executive"]), "held": st.booleans()},
    "email": {"direction": st.sampled_from(["in", "out"])},
    "survey": {"nps": st.integers(0, 10), "csat": st.integers(1, 5)},
    "contact": {"role": st.sampled_from(["champion", "user"]), "left": st.booleans()},
    "contract": {
        "status": st.sampled_from(["active", "renewed", "expanded", "downgraded", "churned"]),
        "start": DATES,
        "end": DATES,
        "term_months": st.integers(1, 36),
        "auto_renew": st.booleans(),
        "mrr": st.floats(0, 9999),
        "plan": st.sampled_from(["basic", "pro"]),
        "seats": st.integers(1, 100),
        "discount": st.floats(0, 1),
    },
}


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    kind = draw(st.sampled_from(sorted(BY_KIND)))
    values: Values = draw(st.fixed_dictionaries({}, optional=BY_KIND[kind]))
    # Whole days often: what happens at the same moment must not depend on the order of telling.
    at = CUTOFF + timedelta(days=draw(st.one_of(st.integers(-250, 60), st.floats(-250, 60))))
    late = timedelta(days=draw(st.one_of(st.just(0.0), st.floats(0, 90))))
    subject = draw(st.sampled_from(["", "one", "two", "account"]))
    return Observation(draw(st.sampled_from("abcdefghijklmnop")), "acme", kind, at, at + late, subject, values)


LIVES = st.lists(observations(), max_size=40)


def unknown(each: Observation) -> bool:
    return each.occurred_at > CUTOFF or each.ingested_at > CUTOFF


def said_of(life: list[Observation]) -> object:
    snapshot = snapshot_at(History("acme", life), CUTOFF)
    return snapshot


@given(LIVES)
def test_what_comes_after_the_cutoff_may_be_taken_away(life: list[Observation]) -> None:
    assert said_of(life) == said_of([each for each in life if not unknown(each)])


@given(LIVES, LIVES, st.randoms(use_true_random=False))
def test_what_comes_after_the_cutoff_may_be_changed_or_made_up(
    life: list[Observation], other: list[Observation], chance: random.Random
) -> None:
    made_up = [each for each in other if unknown(each)]
    changed = [
        replace(each, values=dict(chance.choice(other).values), subject=chance.choice(["", "one", "new"]))
        if unknown(each) and other
        else each
        for each in life
    ]

    assert said_of(life) == said_of(changed + made_up)


@given(LIVES, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(life: list[Observation], chance: random.Random) -> None:
    shuffled = life + [chance.choice(life) for _ in range(5) if life]
    chance.shuffle(shuffled)

    assert said_of(life) == said_of(shuffled)


@given(LIVES, observations(), st.floats(0.001, 100))
def test_what_is_late_is_invisible_until_it_arrives(life: list[Observation], each: Observation, days: float) -> None:
    late = replace(each, id="late", occurred_at=CUTOFF - timedelta(days=1), ingested_at=CUTOFF + timedelta(days=days))
    arrived = late.ingested_at
    in_time = replace(late, ingested_at=late.occurred_at)

    assert said_of(life) == said_of([*life, late])
    assert features_at(History("acme", [*life, late]), arrived) == features_at(History("acme", [*life, in_time]), arrived)


@given(LIVES)
def test_many_cutoffs_of_one_history_are_as_each_alone(life: list[Observation]) -> None:
    together = History("acme", life)

    for days in (0, -90, 30, -30):
        cutoff = CUTOFF + timedelta(days=days)
        assert features_at(together, cutoff) == features_at(History("acme", life), cutoff)


@given(LIVES, st.booleans())
def test_that_the_only_contract_was_lost_is_told_by_no_feature(life: list[Observation], account: bool) -> None:
    before = [each for each in life if each.kind != "contract" or each.subject == ""]
    before = [each for each in before if each.values.get("status") != "churned"]
    lost = Observation(
        "lost",
        "acme",
        "contract",
        CUTOFF,
        CUTOFF,
        "account" if account else "",
        {"status": "churned", "mrr": 0, "seats": 0, "end": "2026-06-01"},
    )

    assert features_at(History("acme", before), CUTOFF) == features_at(History("acme", [*before, lost]), CUTOFF)


@given(LIVES)
def test_no_snapshot_rests_on_anything_later_than_its_cutoff(life: list[Observation]) -> None:
    snapshot = snapshot_at(History("acme", life), CUTOFF)

    assert all(each is None or each <= CUTOFF for each in (snapshot.max_event_at, snapshot.max_ingested_at))
    assert all(value is None or isinstance(value, str) or math.isfinite(value) for value in snapshot.values.values())
