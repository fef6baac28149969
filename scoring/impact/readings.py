"""One measure of an experiment: what each arm came to, the difference, and what could be seen at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from scoring.impact import proportions
from scoring.impact.cuped import adjust
from scoring.impact.estimates import Estimate, critical
from scoring.impact.means import difference, retention, winsorise
from scoring.impact.power import ALPHA, detectable_from, smallest_detectable
from scoring.panel import Flags, Numbers, Words

Measure: TypeAlias = Literal["churn", "renewed", "arr", "nrr", "expansion", "health", "usage"]
Unit: TypeAlias = Literal["share", "money", "points", "logins"]
FEWEST: Final = 10
"""Accounts each arm must have before anything is said about a measure."""
_MONTHS: Final = 12


@dataclass(frozen=True)
class Cohort:
    """The accounts of an experiment whose time is over, as they were drawn; (n,) each, NaN where it is not known.

    Args:
        treated: the arm; all others are the control.
        strata: within which accounts are compared.
        lost: 1 when it was lost at the end of its window, else 0.
        renewed: 1 when it renewed within its window, else 0.
        mrr: before and after, monthly; after is 0 of those that were lost.
        health: before and after.
        usage: logins in the 30 days before the draw, and before the window's end.
    """

    treated: Flags
    strata: Words
    lost: Numbers
    renewed: Numbers
    mrr: tuple[Numbers, Numbers]
    health: tuple[Numbers, Numbers]
    usage: tuple[Numbers, Numbers]

    def __len__(self) -> int:
        """Give the number of accounts."""
        return len(self.treated)

    @property
    def arr_change(self) -> Numbers:
        """Give how much more (or less) an account pays a year."""
        return (self.mrr[1] - self.mrr[0]) * _MONTHS


@dataclass(frozen=True)
class Side:
    """One arm: accounts whose outcome is known, those it is not known of, and what they came to on average."""

    accounts: int
    unknown: int
    value: float | None
    interval: Estimate | None = None


@dataclass(frozen=True)
class Reading:
    """What one measure says.

    Args:
        measure: its name.
        unit: of every figure of it.
        good: whether less or more of it is what is wanted.
        treated: the arm that was played.
        control: the arm that was left alone.
        effect: treated minus control, within strata, with an interval that holds for one look.
        effect_now: the same with an interval that holds at this look of the plan.
        detectable: the smallest effect such a comparison would find in 4 of 5 cases; None when there is none it could find.
        removed: share of the variance that the pre-period took away.
        method: how it was computed, in words.
    """

    measure: Measure
    unit: Unit
    good: Literal["lower", "higher"]
    treated: Side
    control: Side
    effect: Estimate
    effect_now: Estimate
    detectable: float | None
    removed: float = 0.0
    method: str = ""

    @property
    def enough(self) -> bool:
        """Say whether both arms have enough accounts for a word about it."""
        return min(self.treated.accounts, self.control.accounts) >= FEWEST

    @property
    def for_the_better(self) -> bool:
        """Say whether the effect goes where it is wanted."""
        return (self.effect.value < 0) == (self.good == "lower") and self.effect.value != 0


def read(cohort: Cohort, measure: Measure, z: float | None = None) -> Reading:
    """Read one measure. `z`: the boundary of the look in standard errors, that of a single look when it is None."""
    return _READERS[measure](cohort, measure, critical() if z is None else z)


def _share(cohort: Cohort, measure: Measure, z: float) -> Reading:
    values = cohort.lost if measure == "churn" else cohort.renewed
    known = np.isfinite(values)
    counts = _counts(values[known], cohort.treated[known], cohort.strata[known])
    sides = [_share_side(values, arm) for arm in (cohort.treated, ~cohort.treated)]
    base = sides[1].value
    # Of what is wanted more of, it is the rest that can be cut down.
    cut = None if base is None else base if measure == "churn" else 1 - base
    detectable = None if cut is None else smallest_detectable(sides[0].accounts, sides[1].accounts, cut, alpha=ALPHA)
    return Reading(
        measure=measure,
        unit="share",
        good="lower" if measure == "churn" else "higher",
        treated=sides[0],
        control=sides[1],
        effect=proportions.difference(counts),
        effect_now=proportions.at_boundary(counts, z),
        detectable=None if detectable is None or cut is None else detectable * cut,
        method="difference of proportions, Newcombe's score interval, Mantel-Haenszel weights over strata",
    )


def _counts(values: Numbers, treated: Flags, strata: Words) -> proportions.Counts:
    groups = np.unique(strata, return_inverse=True)[1] if len(strata) else np.zeros(0, int)
    most = int(groups.max()) + 1 if len(groups) else 1
    hits = [np.bincount(groups[arm], values[arm], minlength=most).astype(float) for arm in (treated, ~treated)]
    sizes = [np.bincount(groups[arm], minlength=most).astype(float) for arm in (treated, ~treated)]
    return proportions.Counts(hits[0], sizes[0], hits[1], sizes[1])


def _share_side(values: Numbers, arm: Flags) -> Side:
    known = values[arm & np.isfinite(values)]
    n, unknown = len(known), int(arm.sum()) - len(known)
    if not n:
        return Side(0, unknown, None)
    low, high = proportions.wilson(float(known.sum()), n, critical())
    return Side(n, unknown, float(known.mean()), Estimate(float(known.mean()), float(low), float(high)))


def _money(cohort: Cohort, measure: Measure, z: float) -> Reading:
    change = cohort.arr_change
    values = np.maximum(change, 0) if measure == "expansion" else change
    return _mean(cohort, measure, values, z, "change an account a year, winsorised at 1 % and 99 %, studentised permutations within strata")


def _leading(cohort: Cohort, measure: Measure, z: float) -> Reading:
    before, after = cohort.health if measure == "health" else cohort.usage
    return _mean(cohort, measure, after, z, "value at the end less what the value at the draw explains (CUPED), permutations", before)


def _mean(cohort: Cohort, measure: Measure, values: Numbers, z: float, method: str, before: Numbers | None = None) -> Reading:
    known = np.isfinite(values)
    y, removed = winsorise(values[known]) if before is None else values[known], 0.0
    if before is not None:
        adjusted = adjust(y, before[known])
        y, removed = adjusted.values, adjusted.removed
    found = difference(y, cohort.treated[known], cohort.strata[known])
    effect = found.at_boundary(critical())
    half = (effect.high - effect.low) / 2
    units: Mapping[Measure, Unit] = {"health": "points", "usage": "logins"}
    return Reading(
        measure=measure,
        unit=units.get(measure, "money"),
        good="higher",
        treated=_mean_side(values, cohort.treated),
        control=_mean_side(values, ~cohort.treated),
        effect=effect,
        effect_now=found.at_boundary(z),
        detectable=detectable_from(half) if np.isfinite(half) else None,
        removed=removed,
        method=method,
    )


def _mean_side(values: Numbers, arm: Flags) -> Side:
    known = values[arm & np.isfinite(values)]
    return Side(len(known), int(arm.sum()) - len(known), float(known.mean()) if len(known) else None)


def _retention(cohort: Cohort, measure: Measure, z: float) -> Reading:
    before, after = cohort.mrr
    known = np.isfinite(before) & np.isfinite(after)
    treated, control, effect = retention(before[known], after[known], cohort.treated[known])
    half = (effect.high - effect.low) / 2
    stretch = z / critical()
    now = Estimate(
        effect.value, effect.value - (effect.value - effect.low) * stretch, effect.value + (effect.high - effect.value) * stretch
    )
    return Reading(
        measure=measure,
        unit="share",
        good="higher",
        treated=_retention_side(cohort.treated, known, treated),
        control=_retention_side(~cohort.treated, known, control),
        effect=effect,
        effect_now=effect if stretch == 1 or not np.isfinite(half) else now,
        detectable=detectable_from(half) if np.isfinite(half) else None,
        method="revenue of the arm after over before, percentile bootstrap by account",
    )


def _retention_side(arm: Flags, known: Flags, value: Estimate) -> Side:
    n = int((arm & known).sum())
    return Side(n, int(arm.sum()) - n, value.value if np.isfinite(value.value) else None, value if np.isfinite(value.value) else None)


_READERS: Final[Mapping[Measure, Callable[[Cohort, Measure, float], Reading]]] = {
    "churn": _share,
    "renewed": _share,
    "arr": _money,
    "nrr": _retention,
    "expansion": _money,
    "health": _leading,
    "usage": _leading,
}
MEASURES: Final = tuple(_READERS)
