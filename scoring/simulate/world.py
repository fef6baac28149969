"""All that was drawn once for a book: accounts, states, hazards, and the chance that decides."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from scoring.panel import Numbers
from scoring.simulate.accounts import Accounts, make_accounts
from scoring.simulate.hazard import Hazard, churn_hazard, downgrade_hazard, expansion_hazard, exposures
from scoring.simulate.latent import Paths, draw_paths
from scoring.simulate.options import WEEK, Options


@dataclass(frozen=True)
class World:
    """What a book is, before anybody does anything about it.

    Args:
        patience: (n,) how much hazard each stands before it leaves: exponential with mean 1.
        summed: (weeks + 1, n) hazard of churn summed from the beginning to the start of each week, without treatments.
        more: (weeks, n) what decides about expansion, 0 to 1, and by how much (`more_by`, a share of the revenue).
        less: the same of downgrades.
        wobble: (weeks, n) what the leading measure is off by, in points.
    """

    options: Options
    accounts: Accounts
    paths: Paths
    churn: Hazard
    expansion: Hazard
    downgrade: Hazard
    exposed: Numbers
    patience: Numbers
    summed: Numbers
    more: Numbers
    more_by: Numbers
    less: Numbers
    less_by: Numbers
    wobble: Numbers

    def week_of(self, moment: float) -> int:
        """Give the week in which a moment lies, the last one for its end."""
        return min(self.options.weeks - 1, int(moment // WEEK))

    def summed_at(self, moment: float) -> Numbers:
        """Give the hazard of churn summed up to a moment: (n,)."""
        week = self.week_of(moment)
        rate = self.churn.rates(week, self.paths.week(week))
        from_start = np.clip(moment - np.maximum(week * WEEK, self.accounts.began), 0, WEEK) / WEEK
        summed: Numbers = self.summed[week] + rate * from_start
        return summed

    def moment_of(self, at: datetime) -> float:
        """Give a moment of the book from an aware time."""
        return (at - self.first) / timedelta(days=1)

    @property
    def first(self) -> datetime:
        """Midnight UTC of the book's first day."""
        start = self.options.start
        return datetime(start.year, start.month, start.day, tzinfo=UTC)


def build_world(options: Options) -> World:
    """Draw a book."""
    accounts = make_accounts(options)
    shape = (options.weeks, options.accounts)
    paths = draw_paths(accounts, options.weeks, options.stream("states"))
    churn = churn_hazard(options, accounts, paths)
    exposed = exposures(options, accounts)
    chance = options.stream("outcomes")
    summed = np.cumsum(churn.of_paths(paths) * exposed, axis=0)
    return World(
        options=options,
        accounts=accounts,
        paths=paths,
        churn=churn,
        expansion=expansion_hazard(options, accounts, paths),
        downgrade=downgrade_hazard(options, accounts, paths),
        exposed=exposed,
        patience=chance.exponential(1.0, options.accounts),
        summed=np.concatenate([np.zeros((1, options.accounts)), summed]),
        more=chance.random(shape),
        more_by=0.06 + 0.34 * chance.beta(1.2, 2.5, shape),
        less=chance.random(shape),
        less_by=0.1 + 0.25 * chance.random(shape),
        wobble=chance.normal(0, 10, shape),
    )
