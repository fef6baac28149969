"""Health from a scorecard: what must hold of every card and every account."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from playbook_dsl.scorecard.card import Card, Group, Limit, Measure, Missing, Ramp, Step
from playbook_dsl.scorecard.compiler import compile_scorecard
from scoring.health import Health, choose, evaluate
from storage.fact_definitions import facts_of

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
NAMES = [f"m{number}" for number in range(6)]
finite = st.floats(-1000, 1000, allow_nan=False).map(lambda value: round(value, 3))
weights = st.sampled_from([0.5, 1.0, 2.0, 7.5, 40.0])
Facts = dict[str, Any]


def exact(found: Health) -> float:
    assert found.exact is not None
    return found.exact


@st.composite
def measures(draw: st.DrawFn, name: str) -> Measure:
    missing = draw(st.sampled_from([Missing(), Missing(policy="worst"), Missing(policy="neutral"), Missing(policy="fixed", points=30)]))
    if draw(st.booleans()):
        low, high = draw(finite), draw(finite)
        assume(abs(low - high) > 0.01)
        return Measure(id=name, title=name, value=f"f.{name}", ramp=Ramp(low=low, high=high), weight=draw(weights), missing=missing)
    bounds = sorted(draw(st.sets(finite, min_size=1, max_size=3)), reverse=True)
    points = [Step(value=bound, points=draw(st.floats(0, 100))) for bound in bounds]
    steps = (*points, Step(points=draw(st.floats(0, 100))))
    return Measure(id=name, title=name, value=f"f.{name}", steps=steps, weight=draw(weights), missing=missing)


@st.composite
def cards(draw: st.DrawFn, *, limits: bool = True) -> Card:
    sizes = draw(st.sampled_from([(6,), (3, 3), (1, 5), (2, 2, 2)]))
    names, groups = iter(NAMES), []
    for number, size in enumerate(sizes):
        own = tuple(draw(measures(next(names))) for _ in range(size))
        groups.append(Group(id=f"g{number}", title=f"g{number}", weight=draw(weights), measures=own))
    exceptions = [
        Limit(when=f"f.{draw(st.sampled_from(NAMES))} > {draw(st.integers(-500, 500))}", because="it holds", cap=draw(st.integers(0, 100)))
        for _ in range(draw(st.integers(0, 2)) if limits else 0)
    ]
    return Card(
        name="default", title="Health", groups=tuple(groups), limits=tuple(exceptions), min_coverage=draw(st.sampled_from([0, 0.6]))
    )


facts = st.fixed_dictionaries({name: st.none() | finite for name in NAMES})
whole = st.fixed_dictionaries(dict.fromkeys(NAMES, finite))


def health(card: Card, values: Facts) -> Health:
    return evaluate(card, {"f": values, "now": NOW, "today": NOW.date()})


@given(cards(), facts)
def test_every_score_is_between_0_and_100_and_its_parts_add_up(card: Card, values: Facts) -> None:
    found = health(card, values)

    assert 0 <= found.coverage <= 1
    if found.exact is not None:
        assert 0 <= found.exact <= 100
        assert sum(measure.weight for measure in found.measures) == pytest.approx(1)
    if found.score is not None:
        assert 0 <= found.score <= 100
        assert found.coverage >= card.min_coverage
        assert found.band == card.band_of(found.score)
    assert sum(measure.nominal for measure in found.measures) == pytest.approx(1)
    if not any(each.changed for each in found.applied) and found.exact is not None:
        assert 100 - found.exact == pytest.approx(sum(measure.lost for measure in found.measures))


@given(cards(limits=False), whole, st.sampled_from(NAMES), finite)
def test_a_better_value_never_lowers_the_score(card: Card, values: Facts, name: str, other: float) -> None:
    measure = next(measure for _, measure in card.measures() if measure.id == name)
    assume(measure.ramp is not None)
    rises = measure.ramp is not None and measure.ramp.high > measure.ramp.low
    worse, better = sorted((values[name], other), reverse=not rises)

    assert exact(health(card, values | {name: worse})) <= exact(health(card, values | {name: better})) + 1e-9


@given(cards(), facts, st.randoms(use_true_random=False))
def test_the_order_of_groups_and_measures_does_not_matter(card: Card, values: Facts, chance: Random) -> None:
    groups = [group.model_copy(update={"measures": tuple(chance.sample(group.measures, len(group.measures)))}) for group in card.groups]
    chance.shuffle(groups)
    other = card.model_copy(update={"groups": tuple(groups), "limits": tuple(chance.sample(card.limits, len(card.limits)))})
    first, second = health(card, values), health(other, values)

    assert (first.exact, first.score, first.coverage, first.band) == (second.exact, second.score, second.coverage, second.band)
    assert [driver.id for driver in first.drivers] == [driver.id for driver in second.drivers]


@given(cards(), whole)
def test_what_is_whole_is_not_changed_by_policies_for_what_is_missing(card: Card, values: Facts) -> None:
    skipping = [
        group.model_copy(update={"measures": tuple(m.model_copy(update={"missing": Missing()}) for m in group.measures)})
        for group in card.groups
    ]
    found, other = health(card, values), health(card.model_copy(update={"groups": tuple(skipping)}), values)

    assert found.exact == other.exact
    assert found.coverage == 1
    assert all(measure.weight == pytest.approx(measure.nominal) for measure in found.measures)


@given(cards(), facts)
def test_no_score_is_above_a_cap_that_holds(card: Card, values: Facts) -> None:
    found = health(card, values)

    for limit in found.applied:
        assert limit.cap is not None
        assert exact(found) <= limit.cap


@given(cards(limits=False), facts, st.sampled_from([0.1, 3, 1000]))
def test_only_the_relation_of_weights_counts(card: Card, values: Facts, factor: float) -> None:
    scaled = [group.model_copy(update={"weight": group.weight * factor}) for group in card.groups]
    first, second = health(card, values), health(card.model_copy(update={"groups": tuple(scaled)}), values)

    assert first.exact == pytest.approx(second.exact) if first.exact is not None else second.exact is None


CARD = """
scorecard: default
groups:
  usage:
    weight: 60%
    measures:
      logins: {measure: usage.logins.change_30d, ramp: {low: -50, high: 50}}
  support:
    weight: 40%
    measures:
      urgent: {measure: support.open_sev1, ramp: {low: 4, high: 0}}
      renews: {measure: contract.auto_renew, points: {true: 100, false: 0}}
weights:
  enterprise: {usage: 20%, support: 80%, support.renews: 0}
exceptions:
  - {if: support.open_sev1 >= 2, cap: 30, because: two tickets of the highest severity are open}
"""


def card(more: str = "", text: str = CARD) -> Card:
    compiled = compile_scorecard(text + more, facts_of(None), path="-")
    assert compiled.card is not None, compiled.diagnostics
    return compiled.card


def scope(**given: Any) -> dict[str, Any]:
    known = {"logins": 0, "sev1": 0, "renews": True, "segment": None} | given
    return {
        "usage": {"logins": {"change_30d": known["logins"]}},
        "support": {"open_sev1": known["sev1"]},
        "contract": {"auto_renew": known["renews"]},
        "account": {"segment": known["segment"]},
    }


@pytest.mark.parametrize(
    ("given_", "score", "band", "coverage"),
    [
        ({}, 70, "green", 1.0),
        ({"logins": -50}, 40, "yellow", 1.0),
        ({"logins": -51, "renews": False}, 20, "red", 1.0),
        ({"logins": None}, None, None, 0.4),
        ({"sev1": None}, 70, "green", 0.8),
        ({"sev1": 2}, 30, "red", 1.0),
        ({"segment": "enterprise"}, 90, "green", 1.0),
        ({"segment": "enterprise", "renews": False}, 90, "green", 1.0),
        ({"segment": "enterprise", "renews": None}, 90, "green", 1.0),
        ({"logins": float("nan")}, None, None, 0.4),
        ({"logins": 10**400}, 100, "green", 1.0),
    ],
)
def test_examples_worked_out_by_hand(given_: Facts, score: int | None, band: str | None, coverage: float) -> None:
    found = evaluate(card(), scope(**given_))

    assert (found.score, found.band, round(found.coverage, 6)) == (score, band, coverage)


def test_the_words_say_what_takes_points_away_and_what_holds_the_score_down() -> None:
    assert evaluate(card(), scope(logins=-20, sev1=2)).words == (
        "30 of 100, red. Logins (-20 %) takes 42 points away; Urgent (2) takes 10 points away."
        " At most 30: two tickets of the highest severity are open."
    )
    assert evaluate(card(), scope(logins=None, sev1=None)).words == (
        "Insufficient data: 20% of what the card weighs is known, 60% is needed. Missing: Logins, Urgent."
    )


@pytest.mark.parametrize(
    ("policy", "score", "coverage"), [("skip", 40, 0.4), ("worst", 16, 1.0), ("neutral", 46, 0.4), ("neutral 75", 61, 0.4), ("25", 31, 1.0)]
)
def test_every_policy_for_what_is_missing(policy: str, score: int, coverage: float) -> None:
    text = CARD.replace("high: 50}}", f"high: 50}}, missing: {policy}}}").replace(
        "scorecard: default", "scorecard: default\nmin_coverage: 0%"
    )
    found = evaluate(card(text=text), scope(logins=None, renews=False, sev1=0.8))

    assert (found.score, round(found.coverage, 6)) == (score, coverage)


def test_a_floor_holds_the_score_up_and_a_cap_is_stronger() -> None:
    floor = "  - {if: contract.auto_renew, floor: 50}\n"

    assert evaluate(card(floor), scope(logins=-50, sev1=1)).score == 50
    assert evaluate(card(floor), scope(logins=-50, sev1=3)).score == 30


def test_the_first_card_by_name_whose_condition_holds_is_the_account_s_and_default_the_last() -> None:
    def of(name: str, segment: str) -> Card:
        return card(text=f'scorecard: {name}\nfor: account.segment == "{segment}"\n' + CARD.split("\n", 2)[2])

    many = [card(), of("zebra", "a"), of("ant", "a"), of("bee", "b")]

    assert [choose(many, scope(segment=segment)).name for segment in ("a", "b", None)] == ["ant", "bee", "default"]  # type: ignore[union-attr]  # there is a default
    assert choose(many[1:], scope()) is None
