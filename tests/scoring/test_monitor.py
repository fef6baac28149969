from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scoring.models.model import Model
from scoring.models.train import train
from scoring.monitor import DriftReport, discoveries, drift_report, importance_stability, matured, permutation_importance
from scoring.panel import Panel
from tests.scoring.models.panels import PLACES, made

REPORTS = 80


@pytest.fixture(scope="module")
def model() -> Model:
    trained = train(made(600, 12), "churn", draws=0)
    assert trained.model is not None
    return trained.model


def population(n: int, seed: int) -> Panel:
    return made(n, 1, seed)


def shares(n: int, model: Model, change: Callable[[Panel], Panel], found: Callable[[DriftReport], bool]) -> float:
    return float(np.mean([found(drift_report(population(1_500, 2 * k), change(population(n, 2 * k + 1)), model)) for k in range(REPORTS)]))


@pytest.mark.parametrize("n", [100, 200, 1_000])
def test_reports_hardly_ever_alarm_where_nothing_changed(n: int, model: Model) -> None:
    # 5 % of 80 is 4; of a rate of 5 % more than 8 come in 2 of 100 cases.
    assert shares(n, model, lambda panel: panel, lambda report: bool(report.alarms)) <= 8 / REPORTS


@pytest.mark.parametrize("n", [100, 200, 1_000])
def test_halved_logins_are_found_in_their_first_month(n: int, model: Model) -> None:
    def halved(panel: Panel) -> Panel:
        values = panel.values.copy()
        values[:, PLACES["logins_30d"]] /= 2
        values[:, PLACES["logins_trend"]] -= np.log(2)
        return replace(panel, values=values)

    assert shares(n, model, halved, lambda report: any(each.name.startswith("logins") for each in report.alarms)) >= 0.95


def test_without_change_the_index_is_what_chance_makes_it() -> None:
    found = [drift_report(population(2_000, 2 * k), population(200, 2 * k + 1)).drifts for k in range(30)]
    drifts = [each for drifts in found for each in drifts if each.name == "seats"]

    assert np.mean([each.psi for each in drifts]) == pytest.approx(drifts[0].expected, rel=0.3)
    assert drifts[0].expected == pytest.approx(4 * (1 / 2_000 + 1 / 200))


def test_gaps_that_open_are_a_change() -> None:
    now = population(400, 2)
    values = now.values.copy()
    values[:200, PLACES["seats"]] = np.nan
    report = drift_report(population(400, 1), replace(now, values=values))

    assert [each.name for each in report.alarms] == ["seats"]
    assert report.alarms[0].missing == 0.5
    assert report.words.startswith("seats is not what the model learned from (400 rows against 400).")


def test_a_plan_nobody_had_is_a_change() -> None:
    now = population(600, 2)
    values = now.values.copy()
    values[:200, PLACES["plan"]] = 2
    report = drift_report(population(600, 1), replace(now, values=values))

    assert [each.name for each in report.alarms] == ["plan"]


def test_small_changes_of_many_rows_are_noted_and_wake_nobody() -> None:
    now = population(20_000, 2)
    values = now.values.copy()
    values[:, PLACES["seats"]] += 0.08
    report = drift_report(population(20_000, 1), replace(now, values=values))

    assert report.alarms == ()
    assert [each.name for each in report.drifts if each.sign == "notice"] == ["seats"]


def test_what_grows_by_itself_never_alarms() -> None:
    now = population(600, 2)
    values = now.values.copy()
    values[:, PLACES["tenure_days"]] += 10
    report = drift_report(population(600, 1), replace(now, values=values))

    assert report.alarms == ()
    assert next(each.sign for each in report.drifts if each.name == "tenure_days") == "expected"


@pytest.mark.parametrize("n", [0, 1, 3])
def test_hardly_any_rows_are_no_reason_to_fail(n: int, model: Model) -> None:
    report = drift_report(population(500, 1), population(500, 2).rows(np.arange(500) < n), model)

    json.dumps(report.as_json(), allow_nan=False)
    assert report.alarms == ()


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    chances = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]

    assert discoveries(chances) == [True, True, *[False] * 8]
    assert discoveries([]) == []


def test_a_matured_cohort_shows_both_accuracies_and_misses_a_goal_only_for_certain() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.beta(1, 20, 2_000)
    labels = rng.random(2_000) < probabilities
    accounts = np.arange(2_000).astype(np.str_)
    good = matured(labels, probabilities, accounts, threshold=0.2, draws=60)
    bad = matured(labels, probabilities, accounts, threshold=0.05, draws=60)

    assert good.wanting == ()
    assert "fpr" in bad.wanting
    assert good.as_json()["majority_accuracy"] == pytest.approx(1 - labels.mean())


def test_importances_of_alike_models_agree() -> None:
    before = {"a": 3.0, "b": 2.0, "c": 1.0, "gone": 9.0}

    assert importance_stability(before, {"a": 30.0, "b": 20.0, "c": 10.0}) == pytest.approx(1)
    assert importance_stability(before, {"a": 1.0, "b": 2.0, "c": 3.0}) == pytest.approx(-1)
    assert importance_stability(before, {"a": 1.0}) is None


def test_permutation_finds_what_matters(model: Model) -> None:
    found = permutation_importance(model, made(1_500, 1, 9), repeats=1)
    usage = sum(found[name] for name in ("logins_30d", "logins_trend", "days_since_login"))

    assert usage > 0.05
    assert abs(found["seats"]) < 0.02
