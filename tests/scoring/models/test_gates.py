from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from scoring.models.card import card
from scoring.models.evidence import Champion, decide, late_rows, recoded
from scoring.models.files import Manifest
from scoring.models.gates import Evidence, Rival, judge
from scoring.models.metrics import Figure
from scoring.models.train import Trained, train
from scoring.panel import Panel
from tests.scoring.models.panels import PLACES

GOOD = Evidence(
    algorithm="boosting",
    auc=0.79,
    ece=0.012,
    cases=40,
    features={"logins_30d": 0.71, "nps": 0.62},
    shuffled=(0.51, 0.02),
    additivity=1e-14,
    scorecard=Rival("the scorecard", Figure(0.04, -0.01, 0.09)),
)
CHAMPION = Rival("churn-6", Figure(0.004, 0.001, 0.007), scale=0.12)


def against(rival: Rival) -> Evidence:
    return replace(GOOD, scorecard=None, champion=rival)


CASES: Mapping[str, tuple[Evidence, str, list[str]]] = {
    "first model better than the scorecard": (GOOD, "promote", []),
    "first model not better": (
        replace(GOOD, scorecard=Rival("the scorecard", Figure(-0.01, -0.05, 0.03))),
        "shadow",
        ["better than the scorecard"],
    ),
    "first model without a scorecard": (replace(GOOD, scorecard=None), "shadow", ["better than the scorecard"]),
    "challenger better": (against(CHAMPION), "promote", []),
    "challenger perhaps better": (
        against(replace(CHAMPION, difference=Figure(0.001, -0.001, 0.003))),
        "shadow",
        ["better than the champion"],
    ),
    "challenger not worse and simpler": (
        against(replace(CHAMPION, difference=Figure(-0.0001, -0.002, 0.002), simpler=True)),
        "promote",
        [],
    ),
    "challenger worse and simpler": (
        against(replace(CHAMPION, difference=Figure(-0.004, -0.006, -0.002), simpler=True)),
        "shadow",
        ["better than the champion"],
    ),
    "cases at the bar": (replace(GOOD, cases=10), "promote", []),
    "too few cases to measure by": (replace(GOOD, cases=9), "shadow", ["enough to measure by"]),
    "badly calibrated": (replace(GOOD, ece=0.031), "shadow", ["calibration"]),
    "calibration at the bar": (replace(GOOD, ece=0.03), "promote", []),
    "a group loses": (against(replace(CHAMPION, groups={"plan basic": 0.06, "plan pro": -0.01})), "shadow", ["fair to groups"]),
    "a group loses a little": (against(replace(CHAMPION, groups={"plan basic": 0.05})), "promote", []),
    "a feature knows": (replace(GOOD, features={"offboarding": 0.97}), "reject", ["no feature knows too much"]),
    "the model knows": (replace(GOOD, auc=0.95), "reject", ["no leak overall"]),
    "shuffled labels were learned": (replace(GOOD, shuffled=(0.6, 0.02)), "reject", ["nothing learned from shuffled labels"]),
    "shuffling was not tried": (replace(GOOD, shuffled=None), "reject", ["nothing learned from shuffled labels"]),
    "explanations miss": (replace(GOOD, additivity=1e-6), "reject", ["explanations add up"]),
    "explanations are not numbers": (replace(GOOD, additivity=math.nan), "reject", ["explanations add up"]),
    "snapshots come late": (replace(GOOD, late_rows=3), "reject", ["snapshots in time"]),
    "calibration cannot be said": (replace(GOOD, ece=math.nan), "shadow", ["calibration"]),
    "two things at once": (replace(GOOD, ece=0.2, late_rows=1), "reject", ["snapshots in time", "calibration"]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_decision_names_what_blocks(name: str) -> None:
    found, verdict, blocked = CASES[name]
    decision = judge(found)

    assert decision.verdict == verdict
    assert [gate.name for gate in decision.blocked] == blocked
    assert all(gate.why and gate.why.rstrip().endswith(".") for gate in decision.gates)
    assert all(gate.why in decision.why for gate in decision.blocked)
    json.dumps(decision.as_json(), allow_nan=False)


def test_a_suspicion_is_cleared_by_name_and_no_other() -> None:
    found = replace(GOOD, features={"offboarding": 0.97, "invoice": 0.99}, auc=0.96)

    assert judge(found, {"offboarding"}).verdict == "reject"
    assert {gate.feature for gate in judge(found, {"offboarding"}).blocked} == {"invoice", "overall_auc"}
    assert judge(found, {"offboarding", "invoice", "overall_auc"}).verdict == "promote"


def test_an_honest_panel_raises_no_alarm_of_a_leak(trained: Trained, panel: Panel) -> None:
    decision = decide(trained, panel, scorecard=-panel.values[:, PLACES["nps"]])

    assert [gate.name for gate in decision.gates if gate.blocks == "reject" and not gate.passed] == []


def test_a_leak_that_was_put_in_is_rejected_by_its_name(panel: Panel) -> None:
    values = panel.values.copy()
    values[:, PLACES["overdue_days"]] = panel.labels + np.random.default_rng(0).normal(0, 0.1, len(panel))
    leaking = replace(panel, values=values)
    decision = decide(train(leaking, "churn", draws=0), leaking)

    assert decision.verdict == "reject"
    assert {gate.feature for gate in decision.blocked} >= {"overdue_days", "overall_auc"}


def test_a_gap_that_tells_all_is_a_leak_as_well(small_trained: Trained, small: Panel) -> None:
    values = small.values.copy()
    values[:, PLACES["csat_180d"]] = np.where(small.labels, np.nan, values[:, PLACES["csat_180d"]])
    leaking = replace(small, values=values)
    decision = decide(train(leaking, "churn", draws=0), leaking)

    assert "csat_180d" in {gate.feature for gate in decision.blocked}


def test_a_model_against_itself_stays_in_shadow(trained: Trained, panel: Panel) -> None:
    assert trained.model is not None
    decision = decide(trained, panel, champion=Champion("churn-1", trained.model))

    assert decision.verdict == "shadow"
    assert "better than the champion" in [gate.name for gate in decision.blocked]


def test_a_champion_of_other_levels_is_asked_in_its_own(trained: Trained, panel: Panel) -> None:
    assert trained.model is not None
    turned = np.where(panel.values[:, PLACES["plan"]] == 0, 2.0, 1.0)
    values = panel.values.copy()
    values[:, PLACES["plan"]] = turned
    other = replace(panel, values=values, levels={"plan": ("new", "pro", "basic")})

    np.testing.assert_array_equal(recoded(other, trained.model), panel.values)


def test_rows_are_late_by_the_day_or_by_the_moment() -> None:
    days = np.array(["2026-01-05", "2026-01-05", "2026-01-05"], "datetime64[D]")
    known = np.array(["2026-01-05T02:00", "2026-01-06T00:00:01", "NaT"], "datetime64[us]")

    assert late_rows(days, known) == 1
    assert late_rows(days.astype("datetime64[us]"), known) == 2


def test_a_card_tells_base_rate_n_intervals_and_gates(trained: Trained, panel: Panel) -> None:
    decision = decide(trained, panel)
    text = card(trained, Manifest(7, importances={"logins_30d": 0.1}), decision, panel)

    assert trained.metrics is not None
    assert text.startswith("# Model churn-7\n")
    assert f"base rate {trained.metrics.base_rate:.4f}" in text
    assert "The constant that always says the commoner thing" in text
    assert f"| auc | {trained.metrics.figures['auc']} |" in text
    assert all(f"| {gate.name} |" in text for gate in decision.gates)
    assert "| plan basic |" in text
