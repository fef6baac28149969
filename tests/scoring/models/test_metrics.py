from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from scoring.models.metrics import Ranked, bins_for, calibration_error, choose_threshold, draws, evaluate


def said(n: int = 3_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.beta(1, 12, n), 3)
    return rng.random(n) < probabilities, probabilities


def test_figures_are_those_of_scikit_learn() -> None:
    labels, probabilities = said()

    found = evaluate(labels, probabilities, count=0)

    assert found["auc"] == pytest.approx(roc_auc_score(labels, probabilities))
    assert found["pr_auc"] == pytest.approx(average_precision_score(labels, probabilities))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, probabilities))
    assert found["log_loss"] == pytest.approx(log_loss(labels, np.clip(probabilities, 1e-12, 1)))


def test_weights_mean_the_same_as_repeating_rows() -> None:
    labels, probabilities = said(400)
    weights = np.random.default_rng(3).integers(0, 4, 400).astype(float)
    again = np.repeat(np.arange(400), weights.astype(int))

    weighted, repeated = Ranked(labels, probabilities), Ranked(labels[again], probabilities[again])

    assert weighted.auc(weights) == pytest.approx(repeated.auc())
    assert weighted.pr_auc(weights) == pytest.approx(repeated.pr_auc())
    assert weighted.recall_at(0.05, weights) == pytest.approx(repeated.recall_at(0.05))
    assert weighted.lift(0.1, weights) == pytest.approx(repeated.lift(0.1))


def test_accuracy_never_comes_alone() -> None:
    labels = np.arange(1_000) < 30
    found = evaluate(labels, np.full(1_000, 0.03), count=0)

    assert found["accuracy"] == found.majority_accuracy == 0.97
    assert found["recall"] == 0
    assert found["brier_skill"] == pytest.approx(0)
    assert any("0.970" in line and "constant" in line for line in found.lines())


def test_intervals_are_wider_where_rows_of_an_account_say_the_same() -> None:
    labels, probabilities = said(500)
    alone = evaluate(labels, probabilities, count=100).figures["auc"]
    copies = np.repeat(np.arange(500), 4)
    repeated = evaluate(labels[copies], probabilities[copies], copies.astype(np.str_), count=100).figures["auc"]
    naive = evaluate(labels[copies], probabilities[copies], count=100).figures["auc"]

    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, rel=0.35)
    assert naive.high - naive.low < 0.75 * (repeated.high - repeated.low)


def test_one_class_only_is_said_to_be_unknown_and_not_made_up() -> None:
    found = evaluate(np.zeros(50, bool), np.full(50, 0.1), count=30)

    assert np.isnan(found["auc"])
    assert found.as_json()["figures"]["auc"] == {"value": None, "low": None, "high": None}  # type: ignore[index]  # a mapping
    assert str(found.figures["auc"]) == "cannot be said"


def test_draws_take_accounts_whole() -> None:
    accounts = np.array(["a", "a", "b", "c", "c", "c"])

    for weights in draws(accounts, 20):
        assert weights[0] == weights[1]
        assert weights[3] == weights[4] == weights[5]


@pytest.mark.parametrize(("n", "bins"), [(50, 2), (550, 5), (100_000, 10)])
def test_bins_hold_a_hundred_rows(n: int, bins: int) -> None:
    assert bins_for(n) == bins


def test_what_comes_true_has_no_calibration_error_and_what_is_doubled_has() -> None:
    labels, probabilities = said(40_000)

    assert calibration_error(labels, probabilities) < 0.01
    assert calibration_error(labels, np.minimum(1, 2 * probabilities)) > 0.06


def test_a_threshold_keeps_its_promise_on_fresh_rows() -> None:
    broken = 0
    for seed in range(40):
        labels, probabilities = said(2_000, seed)
        at = choose_threshold(labels, probabilities, np.arange(2_000).astype(np.str_))
        fresh, later = said(20_000, 1_000 + seed)
        broken += bool((later[~fresh] >= at.value).mean() > 0.05)
        assert at.fpr_bound <= 0.05

    assert broken <= 6


def test_too_few_accounts_prove_no_threshold() -> None:
    labels = np.zeros(50, bool)
    at = choose_threshold(labels, np.linspace(0, 1, 50), np.arange(50).astype(np.str_))

    assert at.value == 1
    assert at.fpr_bound > 0.05


@pytest.mark.parametrize(("n", "factor"), [(300, 1.0), (1_500, 1.0), (1_500, 1.5)])
def test_the_interval_of_the_calibration_error_holds_it_and_the_true_one(n: int, factor: float) -> None:
    held = 0
    _, large = said(200_000, 999)
    true = float(np.abs(np.minimum(1, factor * large) - large).mean())
    for seed in range(20):
        labels, probabilities = said(n, seed)
        figure = evaluate(labels, np.minimum(1, factor * probabilities), count=60).figures["ece"]
        assert 0 <= figure.low <= figure.value <= figure.high
        held += figure.low <= true <= figure.high

    # Of an error of exactly 0 somewhat fewer than 95 in 100 intervals reach down to it; of percentiles none does.
    assert held >= 15
