"""The figures of a backtest, against other ways to work them out, and the curve from health to a probability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from scoring.anchors import USUAL_BASE_RATE
from scoring.health_backtest import backtest
from scoring.health_probability import USUAL_SLOPE, HealthProbability, scorecard_probability
from scoring.panel import Flags, Numbers


def drawn(rows: int, seed: int = 1, slope: float = 0.06) -> tuple[Numbers, Flags]:
    chance = np.random.default_rng(seed)
    scores = chance.integers(0, 101, rows).astype(float)
    return scores, chance.random(rows) < 1 / (1 + np.exp(2 + slope * (scores - 50)))


def test_the_auc_is_sklearns_also_with_ties_and_it_lies_in_its_interval() -> None:
    scores, churned = drawn(3000)
    found = backtest(scores, churned)

    assert found.auc.value == pytest.approx(roc_auc_score(churned, -scores))
    assert found.base_rate.value == pytest.approx(churned.mean())
    for figure in (found.auc, found.base_rate, found.top_decile_lift, found.top_decile_recall):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.value is not None
        assert figure.low < figure.value < figure.high


def test_the_lift_of_a_perfect_score_is_all_a_tenth_can_have_and_that_of_none_is_one() -> None:
    churned = np.arange(1000) < 50
    perfect = backtest(np.where(churned, 0.0, 100.0), churned)
    nothing = backtest(np.full(1000, 50.0), churned)

    assert perfect.auc.value == 1
    assert perfect.top_decile_lift.value == pytest.approx(10)
    assert perfect.top_decile_recall.value == pytest.approx(1)
    assert nothing.auc.value == 0.5
    assert nothing.top_decile_lift.value == pytest.approx(1)


def test_bands_add_up_and_those_without_a_score_are_counted_apart() -> None:
    scores, churned = drawn(500)
    scores[:100] = np.nan
    found = backtest(scores, churned, green=80, yellow=50)

    assert [band.band for band in found.bands] == ["green", "yellow", "red", "no score"]
    assert sum(band.rows for band in found.bands) == found.rows == 500
    assert sum(band.churned for band in found.bands) == found.churned
    assert found.bands[3].rows == 100
    assert found.scored == pytest.approx(0.8)


def test_an_account_at_many_dates_is_one_account_so_its_interval_is_wider() -> None:
    scores, churned = drawn(300)
    alone = backtest(scores, churned)
    repeated = backtest(np.tile(scores, 8), np.tile(churned, 8), np.tile(np.arange(300).astype(str), 8))

    assert repeated.auc.value == alone.auc.value
    assert repeated.auc.low == pytest.approx(alone.auc.low)
    assert repeated.auc.high == pytest.approx(alone.auc.high)
    assert (repeated.rows, repeated.accounts) == (2400, 300)


@pytest.mark.parametrize("churned", [np.zeros(20, bool), np.ones(20, bool)])
def test_where_all_ended_the_same_way_there_is_no_auc(churned: Flags) -> None:
    found = backtest(np.arange(20.0), churned)

    assert found.auc.value is None
    assert found.base_rate.value == float(churned[0])


def test_nothing_to_test_on_is_said_and_not_raised() -> None:
    found = backtest(np.array([]), np.array([], bool))

    assert (found.rows, found.auc.value, found.is_enough) == (0, None, False)


def test_the_curve_is_that_of_a_logistic_regression() -> None:
    scores, churned = drawn(4000)
    found = scorecard_probability(scores, churned)
    other = LogisticRegression(C=1e6).fit((scores - 50)[:, None], churned)

    assert found.fitted
    assert found.slope == pytest.approx(other.coef_[0, 0], rel=0.01)
    assert found.of_all(scores).mean() == pytest.approx(churned.mean(), rel=1e-4)
    assert HealthProbability.from_json(found.to_json()) == found


def test_without_labels_the_documented_slope_and_the_base_rate_count() -> None:
    scores, _ = drawn(500)
    found = scorecard_probability(scores)

    assert (found.slope, found.fitted) == (USUAL_SLOPE, False)
    assert found.of_all(scores).mean() == pytest.approx(USUAL_BASE_RATE)
    assert scorecard_probability(scores, base_rate=0.1).of_all(scores).mean() == pytest.approx(0.1)
    assert scorecard_probability(np.array([])).of(70) == pytest.approx(USUAL_BASE_RATE)
    assert scorecard_probability(scores).of(float("nan")) == USUAL_BASE_RATE


@given(st.integers(0, 1000), st.integers(1, 400), st.floats(-0.2, 0.2))
def test_more_health_is_never_more_risk(seed: int, rows: int, slope: float) -> None:
    scores, churned = drawn(rows, seed, slope)
    found = scorecard_probability(scores, churned).of_all(np.arange(0.0, 101.0))

    assert np.all(np.diff(found) <= 0)
    assert np.all((found > 0) & (found < 1))
