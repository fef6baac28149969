"""What becomes of the accounts of a world under the treatments they get."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.panel import Flags, Numbers
from scoring.simulate.options import WEEK, Places
from scoring.simulate.world import World


@dataclass(frozen=True, slots=True)
class Effect:
    """What a play does to an account, from the moment of treatment on.

    Args:
        churn: what the hazard of churn is multiplied by; 1 has no effect, 0.7 prevents 30 % of it, 0 all.
        expansion: what the hazard of expansion is multiplied by.
        leading: points added to the leading measure.
    """

    churn: float = 1.0
    expansion: float = 1.0
    leading: float = 0.0

    def __post_init__(self) -> None:
        if self.churn < 0 or self.expansion < 0:
            raise ValueError("a hazard is multiplied by 0 or more")


NO_EFFECT = Effect()


@dataclass(frozen=True)
class Treatment:
    """Some accounts, treated at a moment. `chosen`: (n,) flags; `at`: days of the book."""

    chosen: Flags
    at: float
    effect: Effect


@dataclass(frozen=True)
class Changes:
    """Changes of what is paid, in order of time.

    Args:
        account: (k,) places of the accounts.
        at: (k,) moments.
        factor: (k,) what revenue and seats were multiplied by; above 1 is an expansion, by 5 % or more.
    """

    account: Places
    at: Numbers
    factor: Numbers


@dataclass(frozen=True)
class Outcomes:
    """What really happens.

    Args:
        left_at: (n,) moments of churn in days of the book; infinite for who is still there at its end.
        changes: expansions and downgrades, none after the churn.
    """

    left_at: Numbers
    changes: Changes


def outcomes_of(world: World, treatments: Sequence[Treatment]) -> Outcomes:
    """Work out what happens. The same chance decides with and without treatments: accounts nobody treats fare the same."""
    left_at = _left_at(world, treatments)
    return Outcomes(left_at, _changes(world, treatments, left_at))


def multiplied(treatments: Sequence[Treatment], n: int, before: float, what: str) -> Numbers:
    """Give by what treatments up to and at a moment multiply a hazard, `what` being the name in `Effect`: (n,)."""
    factors = np.ones(n)
    for each in treatments:
        if each.at <= before:
            factors = np.where(each.chosen, factors * getattr(each.effect, what), factors)
    return factors


def _left_at(world: World, treatments: Sequence[Treatment]) -> Numbers:
    """An account leaves when its hazard has used up its patience; after a treatment by m, what is left of that lasts 1/m as long."""
    patience = world.patience
    for each in sorted(treatments, key=lambda treatment: treatment.at):
        used = world.summed_at(each.at)
        with np.errstate(divide="ignore"):
            longer = used + (patience - used) / np.float64(each.effect.churn)
        patience = np.where(each.chosen & (patience > used), longer, patience)
    gone = world.summed[1:] >= patience
    week = gone.argmax(axis=0)
    here = np.arange(len(patience))
    rates = (world.summed[week + 1, here] - world.summed[week, here]) / np.maximum(1e-12, world.exposed[week, here])
    begins = np.maximum(week * WEEK, world.accounts.began)
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = begins + WEEK * (patience - world.summed[week, here]) / rates
    return np.where(gone.any(axis=0), moments, np.inf)


def _changes(world: World, treatments: Sequence[Treatment], left_at: Numbers) -> Changes:
    """At most one expansion and one downgrade a week. Within the week the moment is that at which the summed hazard reaches the chance."""
    weeks = len(world.more)
    starts = np.maximum(np.arange(weeks)[:, None] * WEEK, world.accounts.began)
    more = world.expansion.of_paths(world.paths)
    for each in treatments:
        if each.effect.expansion != 1:
            more = np.where(each.chosen & (starts >= each.at), more * each.effect.expansion, more)
    found = []
    for rates, chance, factors in (
        (more, world.more, 1 + world.more_by),
        (world.downgrade.of_paths(world.paths), world.less, 1 - world.less_by),
    ):
        after = starts - WEEK * np.log1p(-chance) / np.maximum(1e-12, rates)
        happens = (after < np.arange(1, weeks + 1)[:, None] * WEEK) & (world.exposed > 0) & (after < left_at)
        week, account = np.nonzero(happens)
        found.append((account, after[week, account], factors[week, account]))
    account, at, factor = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(at, kind="stable")
    return Changes(account[order], at[order], factor[order])
