"""A book of business whose hazard is known: `simulate(Options(...))`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cached_property
from typing import cast

import numpy as np

from scoring.observations import Observation
from scoring.panel import Flags, Numbers
from scoring.simulate.accounts import Accounts
from scoring.simulate.latent import State
from scoring.simulate.options import Options
from scoring.simulate.oracle import DRAWS, Truth, truth_at
from scoring.simulate.outcomes import Effect, Outcomes, Treatment, multiplied, outcomes_of
from scoring.simulate.seen.feed import Feed
from scoring.simulate.world import World, build_world


def simulate(options: Options | None = None) -> Book:
    """Draw a book. 3,000 accounts over 30 months take about a second; observations are made when asked for."""
    return Book(build_world(options or Options()))


@dataclass(frozen=True)
class Book:
    """A book, and what is done about it. Nothing changes it: `treat` gives another one.

    Args:
        world: what was drawn.
        treatments: what was done, in the order in which it was said.
    """

    world: World
    treatments: tuple[Treatment, ...] = ()

    @property
    def accounts(self) -> Accounts:
        """The customers, in columns."""
        return self.world.accounts

    @property
    def options(self) -> Options:
        """What it was made from."""
        return self.world.options

    @property
    def end(self) -> date:
        """The day after its last."""
        return self.options.start + timedelta(days=int(self.options.days))

    @cached_property
    def outcomes(self) -> Outcomes:
        """What really happens."""
        return outcomes_of(self.world, self.treatments)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {account: place for place, account in enumerate(self.accounts.ids.tolist())}

    @cached_property
    def _feed(self) -> Feed:
        return Feed(self.world, self.outcomes)

    def place(self, account: str) -> int:
        """Give the place of an account in all columns.

        Raises:
            KeyError: the book has no such account.
        """
        return self._places[account]

    def observations(self, account: str | None = None) -> Iterator[Observation]:
        """Give what was seen of an account, or of all, up to the end of the book; what arrives later is included.

        Sorted by `occurred_at` and id, unless the options ask for no order.
        """
        return self._feed.of(None if account is None else self.place(account))

    def churned_on(self, account: str) -> date | None:
        """Give the day on which it left; None if it is still there at the end of the book."""
        left = float(self.outcomes.left_at[self.place(account)])
        return None if left > self.options.days else self.options.start + timedelta(days=int(left))

    def oracle(self, cutoffs: Sequence[date], draws: int = DRAWS) -> Truth:
        """Give what the best predictor knows at cutoffs, and what then happened; see `Truth`.

        Args:
            cutoffs: days within the book; midnight UTC of each.
            draws: futures drawn for each, `scoring.simulate.oracle.probabilities`.

        Raises:
            ValueError: a cutoff lies outside of the book.
        """
        parts = []
        for cutoff in cutoffs:
            at = self.moment(cutoff)
            factors = (self._factor(at, "churn"), self._factor(at, "expansion"))
            parts.append(truth_at(self.world, at, self.outcomes.left_at, self.expanded_between, factors, draws))
        return Truth(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Truth)})

    def moment(self, day: date) -> float:
        """Give midnight UTC of a day of the book in its own days.

        Raises:
            ValueError: it lies outside of the book.
        """
        at = float((day - self.options.start).days)
        if not 0 <= at <= self.options.days:
            raise ValueError(f"{day} is outside of the book; give a day from {self.options.start} to {self.end}")
        return at

    def expanded_between(self, begins: float, ends: float) -> Flags:
        """Say who bought 5 % or more on top in (begins, ends]: (n,)."""
        changes = self.outcomes.changes
        flags = np.zeros(len(self.accounts), dtype=bool)
        flags[changes.account[(changes.at > begins) & (changes.at <= ends) & (changes.factor > 1)]] = True
        return flags

    def growth_at(self, moment: float) -> Numbers:
        """Give by what revenue and seats were multiplied from the beginning to a moment, or to its end where one left before: (n,)."""
        changes = self.outcomes.changes
        logs = np.zeros(len(self.accounts))
        past = changes.at <= moment
        np.add.at(logs, changes.account[past], np.log(changes.factor[past]))
        growth: Numbers = np.exp(logs)
        return growth

    def mrr_at(self, moment: float) -> Numbers:
        """Give what each pays a month at a moment, 0 before it is a customer and after it left: (n,)."""
        here = (self.accounts.began <= moment) & (self.outcomes.left_at > moment)
        return np.where(here, np.round(self.accounts.mrr * self.growth_at(moment), 2), 0.0)

    def state_at(self, moment: float) -> State:
        """Give the state nobody sees."""
        return self.world.paths.week(self.world.week_of(moment))

    def leading_at(self, moment: float) -> Numbers:
        """Give the leading measure, which is like health: 0 to 100, with an error of 10 points that is new each week: (n,)."""
        state = self.state_at(moment)
        lift = np.zeros(len(self.accounts))
        for each in self.treatments:
            if each.at <= moment:
                lift = lift + np.where(each.chosen, each.effect.leading, 0.0)
        points = 55 + 12 * state.satisfaction + 8 * state.adoption - 8 * ~state.champion
        return cast(Numbers, np.clip(points + lift + self.world.wobble[self.world.week_of(moment)], 0, 100))

    def treat(self, account: str | Sequence[str], at: date, effect: Effect) -> Book:
        """Give the book as it is when an account, or several, are treated at midnight UTC of a day."""
        chosen = np.zeros(len(self.accounts), dtype=bool)
        chosen[[self.place(each) for each in ([account] if isinstance(account, str) else account)]] = True
        return self.treat_chosen(chosen, at, effect)

    def treat_chosen(self, chosen: Flags, at: date, effect: Effect) -> Book:
        """Give the book as it is when the flagged accounts, (n,), are treated."""
        return replace(self, treatments=(*self.treatments, Treatment(chosen, self.moment(at), effect)))

    def _factor(self, at: float, what: str) -> Numbers:
        return multiplied(self.treatments, len(self.accounts), at, what)
