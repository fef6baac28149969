"""What is concluded: nothing from nothing, something from something, and nothing from naive comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from scoring.impact.estimates import Estimate, critical
from scoring.impact.looks import boundaries
from scoring.impact.money import Effort, Prices, cost_of, returned, revenue_at_risk
from scoring.impact.readings import MEASURES, Cohort, Measure, read
from scoring.impact.verdicts import judge
from scoring.panel import Flags, Numbers


def cohort(
    n: int, *, seed: int, share: float = 0.2, base: float = 0.1, effect: float = 0.0, harm: float = 0.0, health: float = 0.0
) -> Cohort:
    """Make accounts of which `base` are lost, and of the treated `effect` (relative) fewer, `harm` more."""
    rng = np.random.default_rng(seed)
    treated: Flags = rng.random(n) >= share
    rate = np.where(treated, base * (1 - effect + harm), base)
    lost = (rng.random(n) < rate).astype(float)
    mrr = rng.lognormal(5, 1, n)
    before = rng.normal(50, 15, n)
    after = 0.7 * before + 15 + rng.normal(0, 8, n) + health * treated
    grown = mrr * np.where(rng.random(n) < 0.1, 1.2, 1.0)
    unknown = np.full(n, np.nan)
    return Cohort(
        treated=treated,
        strata=np.where(mrr > 150, "large", "small"),
        lost=lost,
        renewed=unknown,
        mrr=(mrr, np.where(lost > 0, 0.0, grown)),
        health=(before, after),
        usage=(unknown, unknown),
    )


def word(found: Cohort, measure: Measure = "churn", z: float | None = None) -> str:
    return judge(read(found, measure, z)).word


def test_a_playbook_without_effect_is_inconclusive_in_every_measure() -> None:
    found = cohort(3_000, seed=1)

    assert {measure: word(found, measure) for measure in ("churn", "arr", "nrr", "expansion", "health")} == dict.fromkeys(
        ("churn", "arr", "nrr", "expansion", "health"), "inconclusive"
    )


def test_nothing_is_rarely_found_effective_or_harmful() -> None:
    words = [word(cohort(1_000, seed=seed)) for seed in range(400)]

    assert np.mean([each != "inconclusive" for each in words]) <= 0.08


def test_an_effect_is_found_and_its_words_name_the_base_rate() -> None:
    verdict = judge(read(cohort(6_000, seed=2, effect=0.5), "churn"))

    assert verdict.word == "effective"
    assert "lower with the playbook" in verdict.words
    assert "Without it:" in verdict.words
    assert word(cohort(6_000, seed=2, harm=0.8)) == "harmful"
    assert word(cohort(6_000, seed=2, health=4), "health") == "effective"


def test_an_inconclusive_verdict_says_what_would_have_been_seen() -> None:
    reading = read(cohort(3_000, seed=1), "churn")
    verdict = judge(reading)

    assert reading.detectable is not None
    assert verdict.words.startswith("Inconclusive: ")
    assert "The smallest effect that this many accounts would show in 4 of 5 cases is" in verdict.words
    assert "of the" in verdict.words
    few = judge(read(cohort(120, seed=3), "churn"))
    assert (few.word, "not even an end of all losses" in few.words) == ("inconclusive", True)


def test_it_is_too_early_with_a_handful() -> None:
    assert word(cohort(30, seed=1)) == "too_early"
    nobody = cohort(0, seed=1)
    assert {word(nobody, measure) for measure in MEASURES} == {"too_early"}


def test_an_early_look_asks_for_more_than_a_late_one() -> None:
    found = cohort(2_000, seed=8, effect=0.45)
    first, last = boundaries([1 / 12])[0], critical()

    assert (word(found, z=first), word(found, z=last)) == ("inconclusive", "effective")


def test_health_varies_less_once_what_was_before_is_taken_out() -> None:
    reading = read(cohort(3_000, seed=4), "health")

    assert reading.removed > 0.5
    assert reading.effect.low < 0 < reading.effect.high


def test_what_is_not_known_is_counted_and_left_out() -> None:
    found = cohort(500, seed=5)
    found.lost[:40] = np.nan
    reading = read(found, "churn")

    assert reading.treated.unknown + reading.control.unknown == 40
    assert reading.treated.accounts + reading.control.accounts == 460


def of_one_measure(treated: Flags, *, lost: Numbers | None = None, health: tuple[Numbers, Numbers] | None = None) -> Cohort:
    unknown = np.full(len(treated), np.nan)
    pair = (unknown, unknown)
    return Cohort(treated, np.full(len(treated), ""), unknown if lost is None else lost, unknown, pair, health or pair, pair)


def test_regression_to_the_mean_feigns_an_effect_that_a_holdout_does_not_show() -> None:
    rng = np.random.default_rng(10)
    n, spread, noise, line = 40_000, 10.0, 12.0, 40.0
    true = rng.normal(55, spread, n)
    before, after = true + rng.normal(0, noise, n), true + rng.normal(0, noise, n)
    picked = before < line
    treated: Flags = rng.random(int(picked.sum())) >= 0.2
    naive = float((after - before)[picked][treated].mean())
    effect = read(of_one_measure(treated, health=(before[picked], after[picked])), "health").effect
    # The mean of a normal variable below a line: the part of it that is noise comes back.
    total = np.hypot(spread, noise)
    below = (line - 55) / total
    theory = noise**2 / total * norm.pdf(below) / norm.cdf(below)

    assert naive == pytest.approx(theory, abs=0.5)
    assert naive == pytest.approx(14, abs=1)
    assert effect.value == pytest.approx(0, abs=1)
    assert not effect.excludes_zero


def test_accounts_that_csms_pick_make_a_good_playbook_look_harmful() -> None:
    naive: list[float] = []
    drawn: list[Estimate] = []
    truth: list[float] = []
    # Many draws, because one in twenty intervals misses the truth.
    for seed in range(60):
        rng = np.random.default_rng(seed)
        risk = rng.beta(1.2, 9, 10_000)
        picked, arm = rng.random(10_000) < np.clip(risk * 2.5, 0, 1), rng.random(10_000) < 0.5
        lost = [(rng.random(10_000) < risk * np.where(played, 0.85, 1)).astype(float) for played in (picked, arm)]
        naive.append(float(lost[0][picked].mean() - lost[0][~picked].mean()))
        drawn.append(read(of_one_measure(arm, lost=lost[1]), "churn").effect)
        truth.append(-0.15 * float(risk.mean()))

    assert min(naive) > 0.03
    assert np.mean([each.value for each in drawn]) == pytest.approx(np.mean(truth), abs=0.0025)
    assert np.mean([each.low <= true <= each.high for each, true in zip(drawn, truth, strict=True)]) >= 0.88


def test_revenue_at_risk_is_the_sum_and_its_interval_holds_what_is_lost() -> None:
    rng = np.random.default_rng(12)
    p, arr = rng.beta(1, 10, 400), rng.lognormal(8, 1, 400)
    found = revenue_at_risk(p, arr)
    drawn = (rng.random((5_000, 400)) < p) @ arr
    many = revenue_at_risk(np.tile(p, 6), np.tile(arr, 6))

    assert found.value == pytest.approx(float(p @ arr))
    assert np.mean((drawn >= found.low) & (drawn <= found.high)) == pytest.approx(0.95, abs=0.015)
    assert many.value == pytest.approx(6 * found.value)
    assert many.high - many.low == pytest.approx((found.high - found.low) * np.sqrt(6), rel=0.1)
    assert revenue_at_risk(np.zeros(0), np.zeros(0)) == Estimate(0, 0, 0)


def test_money_is_the_effect_on_the_treated_with_its_interval() -> None:
    found = cohort(6_000, seed=2, effect=0.5)
    churn, arr, expansion = read(found, "churn"), read(found, "arr"), read(found, "expansion")
    prices = Prices(hour=60, minutes_per_task=30, email=0.01, sms=0.1)
    result = returned(found, churn, arr, expansion, Effort(tasks=100, emails=1_000, sms=10, discounts=500), prices)
    paid = float(found.mrr[0][found.treated].sum()) * 12

    assert result.treated_arr == pytest.approx(paid)
    assert result.saved.value == pytest.approx(-churn.effect.value * paid)
    assert 0 < result.saved.low < result.saved.value < result.saved.high
    assert (result.cost.value, result.cost.low, result.cost.high) == (3_511, 2_011, 5_011)
    assert result.roi is not None
    assert result.roi.low < result.roi.value < result.roi.high
    assert cost_of(Effort(), Prices()).value == 0
    assert returned(found, churn, arr, expansion, Effort(), Prices()).roi is None
