"""Which bands playbooks reach, and what a card alone shows."""

from __future__ import annotations

import pytest

from activities.catalog import plain_catalog
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.expressions.evaluate import evaluator
from playbook_dsl.plan import Plan
from playbook_dsl.scorecard.card import Card
from playbook_dsl.scorecard.compiler import compile_scorecard
from playbook_dsl.scorecard.lint import lint_card
from playbook_dsl.scorecard.reach import how, reach_of, spans_of, unreached
from storage.fact_definitions import facts_of

CARD = """
scorecard: default
bands: {green: 70, yellow: 40}
groups:
  usage:
    measures:
      logins: {measure: usage.logins.change_30d, ramp: {low: -100, high: 0}}
%s
"""


def card(more: str = "") -> Card:
    found = compile_scorecard(CARD % more, facts_of(None), path="-")
    assert found.card is not None, found.diagnostics
    return found.card


def plan(enroll: str, steps: str = "  - {id: log, note.add: {text: Started}}") -> Plan:
    found = compile_playbook(f"playbook: example\n{enroll}\nsteps:\n{steps}\n", plain_catalog(), path="-")
    assert found.plan is not None, found.diagnostics
    return found.plan


@pytest.mark.parametrize(
    ("enroll", "bands"),
    [
        ("enroll: {when: [{score: health, drops_below: 50}]}", {"yellow", "red"}),
        ("enroll: {when: [{score: health, drops_below: 40}]}", {"red"}),
        ("enroll: {when: [{score: health, rises_above: 70}]}", {"green"}),
        ("enroll: {when: [{score: health, drops_below: 50}], audience: health.score >= 40}", {"yellow"}),
        ("enroll: {when: [{score: risk, rises_above: 80}]}", set()),
        ('enroll: {audience: health.band == "red"}', {"red"}),
        ('enroll:\n  audience: health.band in ["green", "yellow"] and account.mrr > 500 EUR', {"green", "yellow"}),
        ('enroll: {audience: health.band != "green"}', {"yellow", "red"}),
        ("enroll: {audience: not (health.score < 70)}", {"green"}),
        ("enroll: {audience: 40 > health.score}", {"red"}),
        ("enroll: {audience: health.score > 20 and health.score <= 39}", {"red"}),
        ("enroll: {audience: health.score < usage.active_users}", {"green", "yellow", "red"}),
        ('enroll: {audience: account.status == "active"}', set()),
        ("enroll: {when: [{becomes: health.score < 30}]}", {"red"}),
        ("enroll: {when: [{event: invoice.payment_failed}, {score: health, drops_below: 40}]}", {"red"}),
        (
            "enroll: {when: [{event: invoice.payment_failed}, {score: health, drops_below: 40}], audience: health.score < 70}",
            {"yellow", "red"},
        ),
        ("enroll: {when: [{event: invoice.payment_failed, if: health.score >= 70}]}", {"green"}),
    ],
)
def test_the_bands_a_playbook_reaches(enroll: str, bands: set[str]) -> None:
    found = reach_of(card(), plan(enroll))

    assert found.bands == bands
    assert found.asks == bool(bands)


def test_conditions_of_steps_count_where_the_entry_does_not_ask() -> None:
    steps = """
  - id: route
    branch:
      - if: health.band == "red"
        steps: [{id: log, note.add: {text: Started}}]
"""

    assert reach_of(card(), plan("enroll: {when: [{event: invoice.payment_failed}]}", steps)).bands == {"red"}
    assert reach_of(card(), plan("enroll: {audience: health.score < 70}", steps)).bands == {"yellow", "red"}


def test_the_bands_that_nobody_acts_on_are_named() -> None:
    plans = [plan("enroll: {when: [{score: health, drops_below: 40}]}"), plan('enroll: {audience: account.status == "active"}')]

    assert unreached(card(), plans) == ("green", "yellow")
    assert unreached(card(), []) == ("green", "yellow", "red")


@pytest.mark.parametrize(
    "source",
    [
        "health.score < 50 or health.score >= 70",
        "health.score < 40 and not (health.score < 40)",
        'health.band == "red" or health.score == 55',
        "health.score is missing or health.score != 30",
        'health.score > 60 if health.band == "yellow" else health.score < 10',
    ],
)
def test_what_can_be_true_of_some_score_of_a_band_is_never_said_to_be_impossible(source: str) -> None:
    used = card()
    for span in spans_of(used):
        answers = set()
        for score in range(101):
            if used.band_of(score) == span.band:
                answers.add(evaluator(source)({"health": {"score": score, "band": span.band}}))
        found = how(source, span)

        assert found.be_true >= (True in answers)
        assert found.be_false >= (False in answers)


def test_weights_and_exceptions_that_never_matter_are_named() -> None:
    more = """      nps: {measure: survey.nps, ramp: {low: 0, high: 10}, weight: 0.001}
      renews: {measure: contract.auto_renew, points: {true: 50, false: 50}}
weights:
  enterprise: {usage.nps: 0}
exceptions:
  - {if: support.open_sev1 > 0, cap: 100, because: a ticket is open}
  - {if: support.open_sev1 > 1, cap: 40, because: two tickets are open}
"""

    assert [(remark.kind, remark.subject) for remark in lint_card(card(more))] == [
        ("weight", "usage.nps"),
        ("weight", "usage.renews"),
        ("exception", "a ticket is open"),
    ]
    assert lint_card(card()) == []
