"""Differences of proportions: lost accounts, renewals, goals reached.

Sources: E. B. Wilson, JASA 22 (1927); R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10; N. Mantel and W. Haenszel,
JNCI 22 (1959), for the weights of strata; X. Yan and X. G. Su, Statistics in Biopharmaceutical Research 2 (2010) 331-335, for the
stratified interval.

Every function takes counts whose last axis is the stratum, and works on all leading axes at once.
"""

from dataclasses import dataclass

import numpy as np

from scoring.impact.estimates import LEVEL, Estimate, critical, level_of
from scoring.panel import Numbers


@dataclass(frozen=True)
class Counts:
    """Hits among accounts of both arms by stratum, each (…, strata). A stratum that has one arm only says nothing and weighs nothing."""

    treated_hits: Numbers
    treated: Numbers
    control_hits: Numbers
    control: Numbers

    @classmethod
    def of(cls, treated_hits: float, treated: float, control_hits: float, control: float) -> "Counts":
        """Give the counts of one stratum."""
        return cls(*(np.array([float(each)]) for each in (treated_hits, treated, control_hits, control)))

    def weights(self) -> Numbers:
        """Give the Mantel-Haenszel weights of the strata, which sum to 1; NaN when no stratum has both arms."""
        together = self.treated + self.control
        raw = np.divide(self.treated * self.control, together, out=np.zeros_like(together, dtype=float), where=together > 0)
        total = raw.sum(axis=-1, keepdims=True)
        result: Numbers = np.divide(raw, total, out=np.full_like(raw, np.nan), where=total > 0)
        return result


def wilson(hits: Numbers | float, n: Numbers | float, z: Numbers | float) -> tuple[Numbers, Numbers]:
    """Give Wilson's score limits of a proportion; without accounts they are 0 and 1."""
    hits, n, z = np.broadcast_arrays(np.asarray(hits, float), np.asarray(n, float), np.asarray(z, float))
    known = np.maximum(n, 1)
    share = hits / known
    middle = (share + z**2 / (2 * known)) / (1 + z**2 / known)
    half = z * np.sqrt(share * (1 - share) / known + z**2 / (4 * known**2)) / (1 + z**2 / known)
    low, high = np.where(n > 0, middle - half, 0.0), np.where(n > 0, middle + half, 1.0)
    # Rounding must not turn an exact 0 or 1 into something beside it.
    return np.where(hits == 0, 0.0, low), np.where(hits == n, 1.0, high)


def limits(counts: Counts, z: float) -> tuple[Numbers, Numbers, Numbers]:
    """Give the difference treated minus control with its lower and upper limit, each (…).

    With one stratum this is Newcombe's hybrid score interval; with several Yan and Su's stratified one with Mantel-Haenszel weights.
    """
    weights = counts.weights()
    sides = [_side(hits, n, weights, z) for hits, n in ((counts.treated_hits, counts.treated), (counts.control_hits, counts.control))]
    (p1, low1, high1, spread1), (p0, low0, high0, spread0) = sides
    difference = p1 - p0
    low = difference - z * np.sqrt(spread1 * low1 * (1 - low1) + spread0 * high0 * (1 - high0))
    high = difference + z * np.sqrt(spread1 * high1 * (1 - high1) + spread0 * low0 * (1 - low0))
    return difference, np.maximum(low, -1), np.minimum(high, 1)


def difference(counts: Counts, *, level: float = LEVEL) -> Estimate:
    """Give the difference of proportions, treated minus control, over all strata."""
    return at_boundary(counts, critical(level))


def at_boundary(counts: Counts, z: float) -> Estimate:
    """Give the difference with the interval that reaches `z` standard errors, for looks that ask for more than 1.96."""
    if not np.nansum(counts.weights()):
        return Estimate(float("nan"), -1.0, 1.0, level_of(z))
    value, low, high = limits(counts, z)
    return Estimate(float(value), float(low), float(high), level_of(z))


def _side(hits: Numbers, n: Numbers, weights: Numbers, z: float) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Give an arm's weighted proportion, its stratified Wilson limits, and the sum of squared weights over accounts."""
    known = np.maximum(n, 1)
    share = hits / known
    error = np.sqrt(share * (1 - share) / known)
    # Where no stratum varies, all are as if they varied alike.
    error = np.where((weights * error).sum(axis=-1, keepdims=True) > 0, error, 1 / np.sqrt(known))
    factor = np.sqrt((weights**2 * error**2).sum(axis=-1, keepdims=True)) / (weights * error).sum(axis=-1, keepdims=True)
    low, high = wilson(hits, n, z * factor)
    return (weights * share).sum(axis=-1), (weights * low).sum(axis=-1), (weights * high).sum(axis=-1), (weights**2 / known).sum(axis=-1)
