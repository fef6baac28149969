"""Plays on a book: at random, as they should be, and in the two ways that mislead."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from scoring.panel import Flags, Numbers, Words
from scoring.simulate.book import Book
from scoring.simulate.oracle import probabilities
from scoring.simulate.outcomes import Effect


@dataclass(frozen=True)
class Results:
    """What became of the accounts of an experiment, one row each.

    Args:
        accounts: (n,) ids.
        treated: (n,) whether the play was played.
        churned: (n,) whether it left within the days.
        mrr_before: (n,) monthly revenue at the start, `mrr_after` at the end: 0 where it left.
        leading_before: (n,) the leading measure at the start, `leading_after` at the end: NaN where it left.
    """

    accounts: Words
    treated: Flags
    churned: Flags
    mrr_before: Numbers
    mrr_after: Numbers
    leading_before: Numbers
    leading_after: Numbers

    def __len__(self) -> int:
        """Give the number of accounts."""
        return len(self.accounts)


@dataclass(frozen=True)
class Experiment:
    """A play with a known effect on some of the accounts that could have got it.

    Args:
        before: the book without it; `after` with it.
        eligible: (n of the book,) flags: customers at the start who could have got it.
        treated: (n of the book,) flags: those who got it.
        at: the day; midnight UTC.
        effect: what it does.
    """

    before: Book
    after: Book
    eligible: Flags
    treated: Flags
    at: date
    effect: Effect

    def results(self, days: int = 90) -> Results:
        """Give what became of the eligible in so many days.

        Raises:
            ValueError: the book ends before.
        """
        begins = self.before.moment(self.at)
        ends = begins + days
        if ends > self.before.options.days:
            raise ValueError(f"the book ends on {self.before.end}; give fewer days than {days}, or more months to the book")
        chosen, book = self.eligible, self.after
        churned = book.outcomes.left_at <= ends
        return Results(
            accounts=book.accounts.ids[chosen],
            treated=self.treated[chosen],
            churned=churned[chosen],
            mrr_before=book.mrr_at(begins)[chosen],
            mrr_after=book.mrr_at(ends)[chosen],
            leading_before=self.before.leading_at(begins)[chosen],
            leading_after=np.where(churned, np.nan, book.leading_at(ends))[chosen],
        )

    def true_effect(self, days: int = 90, draws: int = 100) -> float:
        """Give the difference the play makes to the probability of churn, the mean over all who are eligible."""
        begins, n = self.before.moment(self.at), len(self.before.accounts)
        with_it = probabilities(self.before.world, begins, after=0, until=days, churn_factor=np.full(n, self.effect.churn), draws=draws)
        without = probabilities(self.before.world, begins, after=0, until=days, draws=draws)
        return float((with_it.churn - without.churn)[self.eligible].mean())


def arm_of(account: str, share: float, salt: str = "") -> bool:
    """Say whether the hash of an account puts it into the arm that gets the play. `share`: of the accounts, 0 to 1."""
    digest = hashlib.sha256(f"{salt}|{account}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def randomised(
    book: Book, at: date, effect: Effect, *, share: float = 0.5, salt: str = "", among: Sequence[str] | None = None
) -> Experiment:
    """Play on a share of the customers that their hash decides.

    Args:
        book: without the play.
        at: the day.
        effect: what it does; `NO_EFFECT` for an A/A test.
        share: of the eligible who get it.
        salt: another salt, other arms.
        among: ids of who is eligible; every customer where None.
    """
    eligible = _customers(book, at)
    if among is not None:
        eligible &= np.isin(book.accounts.ids, list(among))
    arms = np.array([arm_of(account, share, salt) for account in book.accounts.ids.tolist()])
    return _experiment(book, at, effect, eligible, arms & eligible)


def on_low_scores(book: Book, at: date, effect: Effect, *, below: float = 40) -> Experiment:
    """Play on all whose leading measure is low, and on nobody else: what is low by chance rises by itself."""
    eligible = _customers(book, at)
    return _experiment(book, at, effect, eligible, eligible & (book.leading_at(book.moment(at)) < below))


def picked_by_csm(book: Book, at: date, effect: Effect, *, share: float = 0.2) -> Experiment:
    """Play on those their CSMs worry about: they know the risk better than any data, so that the treated fare worse than the others."""
    eligible, begins = _customers(book, at), book.moment(at)
    week = book.world.week_of(begins)
    worry = np.log(book.world.churn.rates(week, book.state_at(begins))) + 0.6 * book.options.stream("CSMs").standard_normal(len(eligible))
    bound = np.quantile(worry[eligible], 1 - share)
    return _experiment(book, at, effect, eligible, eligible & (worry >= bound))


def _customers(book: Book, at: date) -> Flags:
    begins = book.moment(at)
    customers: Flags = (book.accounts.began < begins) & (book.outcomes.left_at > begins)
    return customers


def _experiment(book: Book, at: date, effect: Effect, eligible: Flags, treated: Flags) -> Experiment:
    return Experiment(book, book.treat_chosen(treated, at, effect), eligible, treated, at, effect)
