"""Who knows the state and the hazard: the best anybody could predict, and what then happened."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from scoring.panel import Days, Flags, Numbers, Words
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS
from scoring.simulate.latent import State, next_state
from scoring.simulate.options import WEEK
from scoring.simulate.world import World

DRAWS = 100


@dataclass(frozen=True)
class Truth:
    """One row for each account that is a customer at a cutoff.

    The window is (cutoff + 14 d, cutoff + 104 d]; a cutoff is midnight UTC of its day. Who leaves in the 14 days of lead time has neither
    churned nor expanded in the window; the probabilities are those of the same events, so that they are calibrated with these rows kept.

    Args:
        accounts: (n,) ids.
        as_of: (n,) cutoffs.
        churn: (n,) probability of churn in the window, from the state at the cutoff and the hazard.
        expansion: (n,) probability of an expansion (revenue up by 5 % or more) in the window while a customer.
        churned: (n,) whether it happened; `expanded` likewise.
        left_in_lead: (n,) whether it left in the lead time.
        closed: (n,) whether the book runs to the end of the window; otherwise `churned` and `expanded` may still become true.
        lead: (n,) probability of leaving in the lead time.
    """

    accounts: Words
    as_of: Days
    churn: Numbers
    expansion: Numbers
    churned: Flags
    expanded: Flags
    left_in_lead: Flags
    closed: Flags
    lead: Numbers

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.accounts)

    def rows(self, chosen: Flags) -> "Truth":
        """Give some of the rows. `chosen`: (n,) flags."""
        return Truth(**{each.name: getattr(self, each.name)[chosen] for each in fields(Truth)})

    def after_lead(self) -> "Truth":
        """Give the rows that did not leave in the lead time, with the probabilities given that: the rows of `scoring.features.panels`."""
        stayed = self.rows(~self.left_in_lead)
        return replace(stayed, churn=stayed.churn / (1 - stayed.lead), expansion=stayed.expansion / (1 - stayed.lead))


@dataclass(frozen=True)
class Chances:
    """Probabilities of who is a customer at a moment, (n,): of leaving before a window, of churn and of expansion in it."""

    before: Numbers
    churn: Numbers
    expansion: Numbers


def probabilities(
    world: World,
    cutoff: float,
    *,
    after: float = LEAD_DAYS,
    until: float = LEAD_DAYS + WINDOW_DAYS,
    churn_factor: Numbers | None = None,
    expansion_factor: Numbers | None = None,
    draws: int = DRAWS,
) -> Chances:
    """Give the probabilities of churn and of expansion in (cutoff + after, cutoff + until], for who is a customer at the cutoff.

    Futures of the state are drawn (Monte Carlo); in each the probability is exact, so that chance enters only through the state. With the
    default of 100 draws the standard error is about 5 % of a probability.

    Args:
        world: the book.
        cutoff: in days of the book.
        after: days from the cutoff to the beginning of the window.
        until: days from the cutoff to its end; 365 at most.
        churn_factor: (n,) what the hazard of churn is multiplied by; ones where None.
        expansion_factor: the same of expansion.
        draws: how many futures.

    Returns:
        Probabilities in the order of the accounts.
    """
    n = len(world.accounts)
    rng = world.options.stream(f"futures {cutoff:g}")
    week = world.week_of(cutoff)
    now = world.paths.week(week)
    shape = (draws, n)
    state = State(np.broadcast_to(now.satisfaction, shape), np.broadcast_to(now.adoption, shape), np.broadcast_to(now.champion, shape))
    churn_factor = np.ones(n) if churn_factor is None else churn_factor
    expansion_factor = np.ones(n) if expansion_factor is None else expansion_factor
    there, early, lost = np.ones((draws, n)), np.zeros((draws, n)), np.zeros((draws, n))
    not_more, more = np.ones((draws, n)), np.zeros((draws, n))
    for begins, ends, changes_week in _pieces(cutoff, after, until):
        share = (ends - begins) / WEEK
        leaves = there * -np.expm1(-share * churn_factor * world.churn.rates(week, state))
        buys = -np.expm1(-share * expansion_factor * world.expansion.rates(week, state))
        if begins >= cutoff + after:
            lost = lost + leaves
            # Who leaves in this piece does so at its middle on average.
            more = more + (there - leaves / 2) * not_more * buys
            not_more = not_more * (1 - buys)
        else:
            early = early + leaves
        there = there - leaves
        if changes_week:
            week, state = week + 1, next_state(state, world.accounts, rng)
    return Chances(early.mean(axis=0), lost.mean(axis=0), more.mean(axis=0))


def _pieces(cutoff: float, after: float, until: float) -> list[tuple[float, float, bool]]:
    """Cut (cutoff, cutoff + until] at the beginning of the window and at every change of week, which the flag marks."""
    last = cutoff + until
    marks = {cutoff + after, last, *(WEEK * k for k in range(int(cutoff // WEEK) + 1, int(last // WEEK) + 1))}
    places = sorted(mark for mark in marks if cutoff < mark <= last)
    return [(begins, ends, ends % WEEK == 0) for begins, ends in zip([cutoff, *places], places, strict=False)]


def truth_at(
    world: World, cutoff: float, left_at: Numbers, expanded: Callable[[float, float], Flags], factors: tuple[Numbers, Numbers], draws: int
) -> Truth:
    """Give the rows of a cutoff. `expanded` says who did so between two moments; `factors` are those of the two hazards."""
    chances = probabilities(world, cutoff, churn_factor=factors[0], expansion_factor=factors[1], draws=draws)
    here = (world.accounts.began < cutoff) & (left_at > cutoff)
    begins, ends = cutoff + LEAD_DAYS, cutoff + LEAD_DAYS + WINDOW_DAYS
    day = world.accounts.start + np.timedelta64(int(cutoff), "D")
    count = int(here.sum())
    return Truth(
        accounts=world.accounts.ids[here],
        as_of=np.full(count, day),
        churn=chances.churn[here],
        expansion=chances.expansion[here],
        churned=((left_at > begins) & (left_at <= ends))[here],
        expanded=expanded(begins, ends)[here],
        left_in_lead=(left_at <= begins)[here],
        closed=np.full(count, ends <= world.options.days),
        lead=chances.before[here],
    )
