"""Differences of proportions against published values, and against chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from scoring.impact.estimates import critical
from scoring.impact.proportions import Counts, difference, limits, wilson

# Newcombe, Statistics in Medicine 17 (1998), table II, method 10.
NEWCOMBE = [
    ((56, 70, 48, 80), (0.0524, 0.3339)),
    ((9, 10, 3, 10), (0.1705, 0.8090)),
    ((6, 7, 2, 7), (0.0582, 0.8062)),
    ((5, 56, 0, 29), (-0.0381, 0.1926)),
    ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ((0, 10, 0, 10), (-0.2775, 0.2775)),
    ((10, 10, 0, 20), (0.6791, 1.0)),
    ((10, 10, 0, 10), (0.6075, 1.0)),
]


@pytest.mark.parametrize(("counts", "published"), NEWCOMBE)
def test_one_stratum_is_as_newcombe_published(counts: tuple[float, float, float, float], published: tuple[float, float]) -> None:
    found = difference(Counts.of(*counts))

    assert (found.low, found.high) == pytest.approx(published, abs=5e-5)


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_is_as_scipy_has_it(hits: int, more: int) -> None:
    n = hits + more
    low, high = wilson(hits, n, critical())
    textbook = binomtest(hits, n).proportion_ci(method="wilson")

    assert (float(low), float(high)) == pytest.approx((textbook.low, textbook.high), abs=1e-9)


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 4), min_size=1, max_size=6))
def test_an_interval_holds_its_value_and_stays_within_one(rows: list[tuple[int, int, int, int]]) -> None:
    table = np.array([[hits, hits + rest, other, other + more] for hits, rest, other, more in rows], float)
    found = difference(Counts(*table.T))
    turned = difference(Counts(table[:, 2], table[:, 3], table[:, 0], table[:, 1]))

    assert -1 <= found.low <= found.high <= 1
    if np.isfinite(found.value):
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9
        assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_a_stratum_with_one_arm_says_nothing() -> None:
    alone = Counts(np.array([8.0, 5.0]), np.array([100.0, 7.0]), np.array([9.0, 0.0]), np.array([50.0, 0.0]))

    assert difference(alone) == difference(Counts.of(8, 100, 9, 50))
    nobody = difference(Counts.of(5, 7, 0, 0))
    assert (nobody.low, nobody.high) == (-1, 1)


def test_strata_take_away_what_their_mixture_would_feign() -> None:
    # Within each stratum nothing differs; the treated are mostly of the risky one.
    mixed = Counts(np.array([2.0, 120.0]), np.array([100.0, 400.0]), np.array([8.0, 30.0]), np.array([400.0, 100.0]))
    pooled = difference(Counts.of(122, 500, 38, 500))
    stratified = difference(mixed)

    assert pooled.low > 0.1
    assert stratified.value == pytest.approx(0)
    assert stratified.low < 0 < stratified.high


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("strata", [1, 6])
def test_false_positives_of_churn(share: float, strata: int) -> None:
    rng = np.random.default_rng(11)
    draws, n = 2_000, 2_400 // strata
    rates = np.linspace(0.06, 0.14, strata) if strata > 1 else np.array([0.1])
    control = np.full((draws, strata), round(n * share))
    treated = n - control
    found = limits(
        Counts(
            *(np.asarray(each, float) for each in (rng.binomial(treated, rates), treated, rng.binomial(control, rates), control)),
        ),
        critical(),
    )
    false = float(np.mean((found[1] > 0) | (found[2] < 0)))

    assert 0.035 <= false <= 0.065


def test_many_small_strata_keep_what_is_promised() -> None:
    rng = np.random.default_rng(12)
    treated, control = np.full((2_000, 60), 16), np.full((2_000, 60), 4)
    counts = [np.asarray(each, float) for each in (rng.binomial(treated, 0.1), treated, rng.binomial(control, 0.1), control)]
    _, low, high = limits(Counts(*counts), critical())
    covered = float(np.mean((low <= 0) & (high >= 0)))

    assert covered >= 0.93
