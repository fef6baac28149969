from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scoring.panel import Flags, Numbers
from scoring.simulate.book import Book, simulate
from scoring.simulate.options import Drift, Options
from scoring.simulate.oracle import Truth
from scoring.simulate.outcomes import Effect

START = date(2024, 1, 1)


def apart(book: Book, count: int, first: int = 60) -> list[date]:
    """Give cutoffs whose windows do not overlap, so that what happens in them is independent but for the state."""
    return [book.options.start + timedelta(days=first + 104 * k) for k in range(count)]


def surprise(happened: Flags, probability: Numbers) -> float:
    """Give how many standard errors what happened is off the sum of the probabilities."""
    return float((happened.sum() - probability.sum()) / np.sqrt((probability * (1 - probability)).sum()))


@pytest.fixture(scope="module")
def truth(book: Book) -> Truth:
    return book.oracle(apart(book, 7))


def test_what_happens_is_as_frequent_as_the_oracle_says(truth: Truth) -> None:
    assert truth.closed.all()
    assert abs(surprise(truth.churned, truth.churn)) < 3
    assert abs(surprise(truth.expanded, truth.expansion)) < 3


@pytest.mark.parametrize("what", ["churn", "expansion"])
def test_so_it_is_among_those_with_low_middling_and_high_probabilities(truth: Truth, what: str) -> None:
    probability, happened = (truth.churn, truth.churned) if what == "churn" else (truth.expansion, truth.expanded)
    bounds = np.quantile(probability, [0, 0.5, 0.75, 0.9, 0.97, 1])

    off = [
        surprise(happened[inside], probability[inside])
        for low, high in pairwise(bounds)
        if (inside := (probability >= low) & (probability <= high)).any()
    ]

    assert max(abs(each) for each in off) < 3.5


def test_the_oracle_is_as_good_as_the_design_says_and_no_better(truth: Truth) -> None:
    auc = roc_auc_score(truth.churned, truth.churn)
    flagged = truth.churn > np.quantile(truth.churn[~truth.churned], 0.95)

    assert 0.78 < auc < 0.85
    assert 0.25 < flagged[truth.churned].mean() < 0.43
    assert roc_auc_score(truth.expanded, truth.expansion) > 0.7


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.1])
def test_the_base_rate_is_what_was_asked_for(rate: float) -> None:
    book = simulate(Options(accounts=1_500, months=24, seed=5, start=START, base_rate=rate))
    truth = book.oracle(apart(book, 5), draws=20)

    assert truth.churn.mean() == pytest.approx(rate, rel=0.15)


def test_long_contracts_end_when_they_are_due(book: Book) -> None:
    left = np.isfinite(book.outcomes.left_at) & (book.accounts.term > 1)
    to_end = np.array(
        [book.accounts.term_end(at)[place] - at for place, at in zip(np.flatnonzero(left), book.outcomes.left_at[left], strict=True)]
    )

    assert (to_end <= 98).mean() > 0.45


def test_who_leaves_before_the_window_is_no_label(truth: Truth) -> None:
    assert truth.left_in_lead.any()
    assert not (truth.left_in_lead & (truth.churned | truth.expanded)).any()


def test_a_window_that_is_not_over_is_marked(book: Book) -> None:
    last = book.end - timedelta(days=50)

    assert not book.oracle([last], draws=2).closed.any()


def test_a_cutoff_outside_of_the_book_is_refused(book: Book) -> None:
    with pytest.raises(ValueError, match="give a day from 2024-01-01"):
        book.oracle([START - timedelta(days=1)])


def test_cutoffs_need_not_begin_a_week() -> None:
    book = simulate(Options(accounts=4_000, months=12, seed=8, start=START, base_rate=0.1))
    found = book.oracle([START + timedelta(days=day) for day in (73, 74, 75, 76, 180, 181, 182, 183)], draws=20)

    assert found.churned.mean() == pytest.approx(found.churn.mean(), rel=0.1)
    assert len(np.unique(found.as_of)) == 8


def test_more_draws_do_not_move_the_mean(book: Book) -> None:
    cutoff: Sequence[date] = [START + timedelta(days=200)]

    assert book.oracle(cutoff, draws=20).churn.mean() == pytest.approx(book.oracle(cutoff, draws=200).churn.mean(), rel=0.03)


def test_a_shift_of_the_base_rate_is_known_to_the_oracle_and_happens() -> None:
    drift = Drift(base_rate_from=12, base_rate_factor=2.0)
    plain, shifted = (simulate(Options(accounts=3_000, months=24, seed=6, start=START, drift=each)) for each in (Drift(), drift))
    cutoff = [date(2025, 1, 15)]
    before, after = plain.oracle(cutoff, draws=20), shifted.oracle(cutoff, draws=20)

    assert after.churn.mean() / before.churn.mean() == pytest.approx(1.9, abs=0.15)
    assert abs(surprise(after.churned, after.churn)) < 3
    early = plain.outcomes.left_at < plain.moment(date(2025, 1, 1))
    assert (plain.outcomes.left_at[early] == shifted.outcomes.left_at[early]).all()
    assert (shifted.outcomes.left_at <= plain.outcomes.left_at).all()


def test_a_treatment_multiplies_the_hazard_from_then_on() -> None:
    book = simulate(Options(accounts=6_000, months=12, seed=9, start=START, base_rate=0.03))
    at = START + timedelta(days=100)
    ids = book.accounts.ids.tolist()
    half = book.treat(ids, at, Effect(churn=0.5))
    twice = half.treat(ids, at, Effect(churn=0.5))
    day = book.moment(at)

    for treated, factor in ((half, 0.5), (twice, 0.25)):
        truth = treated.oracle([at + timedelta(days=1)], draws=40)
        assert abs(surprise(truth.churned, truth.churn)) < 3
        assert truth.churn.mean() / book.oracle([at + timedelta(days=1)], draws=40).churn.mean() == pytest.approx(factor, rel=0.12)
        early = book.outcomes.left_at <= day
        assert (treated.outcomes.left_at[early] == book.outcomes.left_at[early]).all()
        assert (treated.outcomes.left_at[~early] >= book.outcomes.left_at[~early]).all()


def test_a_hazard_of_nothing_lets_nobody_go(book: Book) -> None:
    at = START + timedelta(days=100)
    kept = book.treat(book.accounts.ids.tolist(), at, Effect(churn=0))

    assert not (np.isfinite(kept.outcomes.left_at) & (kept.outcomes.left_at > 100)).any()


def test_who_is_not_treated_fares_the_same(book: Book) -> None:
    treated = book.treat("B-0007", START + timedelta(days=30), Effect(churn=3.0, expansion=2.0))
    others = np.arange(len(book.accounts)) != book.place("B-0007")

    assert (treated.outcomes.left_at[others] == book.outcomes.left_at[others]).all()
    assert (treated.mrr_at(800.0)[others] == book.mrr_at(800.0)[others]).all()
