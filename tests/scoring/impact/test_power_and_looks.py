"""Sample sizes as the design's table has them, boundaries as they are published, and both by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from scoring.impact.looks import FARTHEST, boundaries, crossing, spent
from scoring.impact.power import accounts_in_all, accounts_per_arm, detectable_from, power_of, smallest_detectable

PER_ARM = {
    0.03: (48_289, 11_452, 4_812, 1_531),
    0.05: (28_406, 6_743, 2_836, 903),
    0.10: (13_493, 3_211, 1_353, 432),
    0.25: (4_545, 1_091, 464, 150),
}
SMALLEST = {
    500: {0.1: None, 0.2: 0.86, 0.5: 0.63},
    3_000: {0.1: 0.50, 0.2: 0.37, 0.5: 0.29},
    10_000: {0.1: 0.28, 0.2: 0.21, 0.5: 0.16},
}


@pytest.mark.parametrize("base", PER_ARM)
def test_accounts_per_arm(base: float) -> None:
    assert tuple(accounts_per_arm(base, cut) for cut in (0.1, 0.2, 0.3, 0.5)) == PER_ARM[base]


@pytest.mark.parametrize("accounts", SMALLEST)
def test_the_smallest_reduction_at_ten_percent_churn(accounts: int) -> None:
    found = {share: smallest_detectable(accounts * (1 - share), accounts * share, 0.1) for share in (0.1, 0.2, 0.5)}

    assert {share: None if cut is None else round(cut, 2) for share, cut in found.items()} == SMALLEST[accounts]


def test_power_is_what_happens() -> None:
    rng = np.random.default_rng(3)
    control, treated = rng.binomial(1353, 0.1, 4_000) / 1353, rng.binomial(1353, 0.07, 4_000) / 1353
    error = np.sqrt(control * (1 - control) / 1353 + treated * (1 - treated) / 1353)

    assert power_of(1353, 1353, 0.1, 0.3) == pytest.approx(0.8, abs=0.001)
    assert np.mean((control - treated) / error > 1.96) == pytest.approx(0.8, abs=0.025)
    assert accounts_in_all(0.1, 0.3, 0.5) == pytest.approx(2 * 1353, abs=2)
    assert detectable_from(1.96) == pytest.approx(1.96 + 0.8416, abs=1e-3)


@pytest.mark.parametrize("base", [0.0, 1.0])
def test_without_a_base_rate_nothing_can_be_seen(base: float) -> None:
    assert smallest_detectable(1000, 1000, base) is None
    assert smallest_detectable(1000, 0, 0.1) is None


def test_boundaries_are_as_lan_and_demets_give_them() -> None:
    # Five looks, equally far apart, O'Brien-Fleming spending, two-sided 5 %: as published, e.g. with ldbounds.
    assert boundaries([0.2, 0.4, 0.6, 0.8, 1]) == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=2e-4)


@pytest.mark.parametrize(("looks", "constant"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (10, 2.087), (12, 2.098), (20, 2.126)])
def test_the_integration_gives_the_classic_constants(looks: int, constant: float) -> None:
    # Jennison and Turnbull, Group Sequential Methods (1999), table 2.3.
    shares = np.arange(1, looks + 1) / looks
    found = brentq(lambda c: crossing(list(c / np.sqrt(shares)), list(shares)) - 0.05, 1.5, 3)

    assert found == pytest.approx(constant, abs=1e-3)


def test_twelve_looks_are_about_two_point_one_times_the_root() -> None:
    shares = [k / 12 for k in range(1, 13)]
    found = boundaries(shares)

    assert found[-1] == pytest.approx(2.1, abs=0.15)
    assert found[5] == pytest.approx(2.1 * np.sqrt(2), abs=0.15)
    assert found[0] == pytest.approx(2.1 * np.sqrt(12), abs=1)
    assert crossing(found, shares) == pytest.approx(0.05, abs=1e-3)
    assert spent(0) == 0
    assert spent(1) == pytest.approx(0.05)


def walks(draws: int, information: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Give (draws, looks) standardised results of nothing."""
    rng = np.random.default_rng(4)
    steps = np.diff([0.0, *information])
    walked = np.cumsum(rng.normal(size=(draws, len(steps))) * np.sqrt(steps), axis=1)
    result: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = walked / np.sqrt(information)
    return result


def test_looking_each_week_finds_nothing_in_nothing_only_at_the_planned_boundaries() -> None:
    shares = [k / 12 for k in range(1, 13)]
    z = np.abs(walks(20_000, shares))

    assert np.mean((z > 1.96).any(axis=1)) == pytest.approx(0.207, abs=0.02)
    assert np.mean((z > np.array(boundaries(shares))).any(axis=1)) == pytest.approx(0.05, abs=0.006)


def test_looks_by_the_calendar_hold_however_accounts_come() -> None:
    shares = [k / 6 for k in range(1, 7)]
    for information in ([10.0, 300, 400, 420, 430, 431], [1.0, 2, 4, 8, 16, 400], [50.0, 50, 50, 90, 90, 100]):
        bounds = np.array(boundaries(shares, information))
        crossed = (np.abs(walks(20_000, information)) > bounds).any(axis=1)

        assert np.mean(crossed) <= 0.056


def test_a_look_that_was_left_out_spends_nothing_and_the_last_one_spends_the_rest() -> None:
    all_of_them, some = boundaries([0.25, 0.5, 0.75, 1.0]), boundaries([0.5, 1.0])

    assert some[0] <= all_of_them[1]
    assert some[-1] <= all_of_them[-1]
    assert crossing(some, [0.5, 1.0]) == pytest.approx(0.05, abs=1e-3)
    assert boundaries([0.01])[0] == FARTHEST
