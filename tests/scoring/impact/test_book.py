"""Impact against the truth: plays on a simulated book of business whose hazard is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from scoring.impact.readings import Cohort, Measure, read
from scoring.impact.verdicts import judge
from scoring.simulate.book import Book, simulate
from scoring.simulate.experiments import Results, on_low_scores, randomised
from scoring.simulate.options import Options
from scoring.simulate.outcomes import NO_EFFECT, Effect

AT = date(2025, 1, 6)


@pytest.fixture(scope="module")
def book() -> Book:
    return simulate(Options(accounts=8_000, base_rate=0.10, joining=0, seed=20))


def cohort(results: Results) -> Cohort:
    unknown = np.full(len(results), np.nan)
    return Cohort(
        treated=results.treated,
        strata=np.where(results.mrr_before > np.median(results.mrr_before), "large", "small"),
        lost=results.churned.astype(float),
        renewed=unknown,
        mrr=(results.mrr_before, results.mrr_after),
        health=(results.leading_before, results.leading_after),
        usage=(unknown, unknown),
    )


@pytest.mark.slow
def test_nothing_is_inconclusive_at_every_measure_but_for_chance(book: Book) -> None:
    measures: tuple[Measure, ...] = ("churn", "arr", "health")
    words = [
        judge(read(cohort(randomised(book, AT, NO_EFFECT, share=0.8, salt=str(salt)).results()), measure)).word
        for salt in range(8)
        for measure in measures
    ]

    assert words.count("inconclusive") >= len(words) - 4


def test_the_intervals_hold_the_true_effect(book: Book) -> None:
    held, found = 0, 0
    for salt in range(15):
        experiment = randomised(book, AT, Effect(churn=0.5, leading=4), share=0.7, salt=str(salt))
        reading = read(cohort(experiment.results()), "churn")
        true = experiment.true_effect(draws=20)
        held += reading.effect.low <= true <= reading.effect.high
        found += judge(reading).word == "effective"

    assert held >= 12
    assert found >= 12


def test_a_holdout_among_low_scores_shows_none_of_what_comes_back_by_itself(book: Book) -> None:
    low = on_low_scores(book, AT, NO_EFFECT)
    results = low.results()
    rise = results.leading_after - results.leading_before
    naive = float(np.nanmean(rise[results.treated]) - np.nanmean(rise[~results.treated]))
    drawn = randomised(book, AT, NO_EFFECT, share=0.8, among=book.accounts.ids[low.treated].tolist()).results()
    effect = read(cohort(drawn), "health").effect

    assert naive > 4
    assert not effect.excludes_zero
