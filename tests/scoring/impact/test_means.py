"""Differences of means: exact against chance where a t-interval is not, and CUPED."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from scoring.impact.cuped import adjust
from scoring.impact.estimates import critical
from scoring.impact.means import difference, retention, winsorise
from scoring.panel import Numbers


def heavy(rng: np.random.Generator, n: int) -> Numbers:
    """Give changes of revenue as they are: most nothing, some a loss, a few very much."""
    return np.where(rng.random(n) < 0.3, rng.lognormal(0, 2, n), 0.0)


@pytest.mark.slow
def test_false_positives_of_revenue_with_a_heavy_tail_and_a_small_arm() -> None:
    rng = np.random.default_rng(5)
    draws, n = 2_000, 300
    ours = theirs = 0
    for draw in range(draws):
        y = heavy(rng, n)
        treated = np.ones(n, bool)
        treated[rng.permutation(n)[: n // 5]] = False
        ours += difference(winsorise(y), treated, permutations=199, seed=draw).at_boundary(critical()).excludes_zero
        theirs += bool(ttest_ind(y[treated], y[~treated], equal_var=False).pvalue < 0.05)

    assert 0.035 <= ours / draws <= 0.065
    assert theirs / draws > 0.065


def test_a_difference_is_found_within_strata_and_the_same_each_time() -> None:
    rng = np.random.default_rng(6)
    strata = np.repeat(["small", "large"], 300)
    treated = rng.random(600) < np.where(strata == "large", 0.5, 0.9)
    y = np.where(strata == "large", 1000.0, 10.0) + rng.normal(0, 5, 600) + 3 * treated
    pooled, stratified = difference(y, treated), difference(y, treated, strata)
    interval = stratified.at_boundary(critical())

    assert pooled.value < -100
    assert interval.low < 3 < interval.high
    assert interval.excludes_zero
    assert difference(y, treated, strata) == stratified
    wider = stratified.at_boundary(4.0)
    assert wider.low < interval.low < interval.high < wider.high


def test_without_strata_and_tails_it_is_welchs_interval() -> None:
    rng = np.random.default_rng(7)
    y, treated = rng.normal(0, 1, 2_000), np.arange(2_000) % 4 > 0
    ours = difference(y, treated).at_boundary(critical())
    theirs = ttest_ind(y[treated], y[~treated], equal_var=False).confidence_interval()

    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_one_arm_alone_or_nothing_that_varies_says_nothing() -> None:
    alone = difference(np.ones(5), np.ones(5, bool)).at_boundary(critical())
    still = difference(np.zeros(20), np.arange(20) < 10).at_boundary(critical())
    nobody = difference(np.zeros(0), np.zeros(0, bool)).at_boundary(critical())

    assert not any(each.excludes_zero for each in (alone, still, nobody))


def test_winsorising_moves_the_ends_of_both_arms_alike() -> None:
    values = np.arange(1000.0)

    assert (winsorise(values).min(), winsorise(values).max()) == (np.quantile(values, 0.01), np.quantile(values, 0.99))
    assert len(winsorise(np.zeros(0))) == 0


def test_retention_weighs_accounts_by_what_they_pay() -> None:
    before = np.array([100.0, 1.0, 100.0, 1.0])
    after = np.array([50.0, 1.0, 100.0, 0.0])
    treated, control, effect = retention(before, after, np.array([True, True, False, False]))

    assert treated.value == pytest.approx(51 / 101)
    assert control.value == pytest.approx(100 / 101)
    assert effect.value == pytest.approx(-49 / 101)


def test_false_positives_of_retention_stay_near_what_is_promised() -> None:
    rng = np.random.default_rng(8)
    false = 0
    for draw in range(400):
        before = rng.lognormal(0, 1, 400)
        after = before * (rng.random(400) > 0.1)
        *_, effect = retention(before, after, np.arange(400) % 4 > 0, draws=199, seed=draw)
        false += effect.excludes_zero

    assert false / 400 <= 0.09


def test_cuped_takes_away_the_squared_correlation() -> None:
    rng = np.random.default_rng(9)
    before = rng.normal(50, 10, 5_000)
    after = 0.8 * before + rng.normal(0, 6, 5_000)
    adjusted = adjust(after, before)

    assert adjusted.removed == pytest.approx(np.corrcoef(after, before)[0, 1] ** 2, abs=1e-9)
    assert adjusted.values.mean() == pytest.approx(after.mean())
    assert adjust(after, np.full(5_000, np.nan)).removed == 0
    some = np.where(rng.random(5_000) < 0.3, np.nan, before)
    assert 0 < adjust(after, some).removed < adjusted.removed
