from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from scoring.simulate.book import Book, simulate
from scoring.simulate.experiments import Results, arm_of, on_low_scores, picked_by_csm, randomised
from scoring.simulate.options import Options
from scoring.simulate.outcomes import NO_EFFECT, Effect

START = date(2024, 1, 1)
AT = date(2024, 7, 1)


@pytest.fixture(scope="module")
def many() -> Book:
    return simulate(Options(accounts=12_000, months=14, seed=4, start=START, base_rate=0.08))


def difference(results: Results) -> tuple[float, float]:
    """Give the difference in churn, treated less the others, and its standard error."""
    treated, others = results.churned[results.treated], results.churned[~results.treated]
    error = np.sqrt(treated.mean() * (1 - treated.mean()) / len(treated) + others.mean() * (1 - others.mean()) / len(others))
    return float(treated.mean() - others.mean()), float(error)


def test_a_play_without_effect_makes_no_difference_where_chance_decides(many: Book) -> None:
    z = []
    for salt in range(40):
        got, error = difference(randomised(many, AT, NO_EFFECT, salt=str(salt)).results())
        z.append(got / error)

    assert abs(np.mean(z)) < 0.5
    assert np.std(z) == pytest.approx(1, abs=0.35)


def test_a_play_with_effect_is_found_as_large_as_it_is(many: Book) -> None:
    experiment = randomised(many, AT, Effect(churn=0.6))
    got, error = difference(experiment.results())

    assert got < -2 * error
    assert abs(got - experiment.true_effect()) < 3 * error


def test_a_play_without_effect_on_low_scores_seems_to_help(many: Book) -> None:
    results = on_low_scores(many, AT, NO_EFFECT).results()
    change = results.leading_after - results.leading_before

    assert np.nanmean(change[results.treated]) > 4
    assert abs(np.nanmean(change)) < 2


def test_among_low_scores_chance_shows_that_it_does_not(many: Book) -> None:
    low = on_low_scores(many, AT, NO_EFFECT)
    results = randomised(many, AT, NO_EFFECT, among=many.accounts.ids[low.treated].tolist()).results()
    change = results.leading_after - results.leading_before

    assert len(results) == low.treated.sum()
    assert abs(np.nanmean(change[results.treated]) - np.nanmean(change[~results.treated])) < 1.5


def test_an_effective_play_that_csms_give_to_whom_they_worry_about_seems_to_harm(many: Book) -> None:
    experiment = picked_by_csm(many, AT, Effect(churn=0.7))
    got, error = difference(experiment.results())

    assert got > 2 * error
    assert experiment.true_effect() < 0


def test_revenue_and_the_leading_measure_show_what_a_play_does_to_them(many: Book) -> None:
    results = randomised(many, AT, Effect(expansion=2.0, leading=5.0)).results()
    stayed = ~results.churned
    growth = results.mrr_after[stayed] / results.mrr_before[stayed]
    treated = results.treated[stayed]

    assert growth[treated].mean() > growth[~treated].mean() + 0.003
    gain = np.nanmean(results.leading_after[results.treated]) - np.nanmean(results.leading_after[~results.treated])
    assert gain == pytest.approx(5, abs=1.2)
    assert (results.mrr_after[results.churned] == 0).all()
    assert np.isnan(results.leading_after[results.churned]).all()


def test_arms_are_decided_by_account_and_salt() -> None:
    ids = [f"B-{number:04d}" for number in range(4_000)]
    first, second = ([arm_of(account, 0.2, salt) for account in ids] for salt in ("a", "b"))

    assert first == [arm_of(account, 0.2, "a") for account in ids]
    assert np.mean(first) == pytest.approx(0.2, abs=0.025)
    assert np.mean(np.array(first) & np.array(second)) == pytest.approx(0.04, abs=0.015)


def test_an_outcome_after_the_end_of_the_book_is_refused(many: Book) -> None:
    with pytest.raises(ValueError, match="the book ends on"):
        randomised(many, AT, NO_EFFECT).results(days=400)
