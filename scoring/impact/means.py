"""Differences of means: revenue, health, usage. Heavy tails are the rule, so intervals come from permutations and not from a t table.

Sources: A. Janssen, Statistics & Probability Letters 36 (1997) 9-21, and E. Chung, J. P. Romano, Annals of Statistics 41 (2013) 484-507,
for permutations of a studentised difference; H. White, Econometrica 48 (1980), for its standard error; J. W. Tukey (1962) for winsorising;
J. A. Hanley, B. MacGibbon, Computer Methods and Programs in Biomedicine 83 (2006), for bootstrap weights drawn from Poisson's distribution.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from scoring.impact.estimates import Estimate, critical, level_of
from scoring.panel import Flags, Numbers, Words

Places: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
"""(n,) numbers of strata."""

WINSORISED: Final = 0.01
"""The share at each end of both arms together whose values are moved to the quantile there."""
PERMUTATIONS: Final = 999
SEED: Final = 20_240_229
_FEWEST: Final = 199
_MOST_CELLS: Final = 6_000_000
"""Permutations times accounts: with more accounts there are fewer permutations, which then matter less."""
_CHUNK_CELLS: Final = 500_000


@dataclass(frozen=True)
class Difference:
    """A difference of means, treated minus control, within strata.

    Args:
        value: weighted over strata as Mantel and Haenszel do; NaN when no stratum has both arms.
        error: its standard error, without the assumption that both arms vary alike.
        low: the quantile of 2.5 % of the studentised difference under permutation; about -1.96.
        high: that of 97.5 %.
    """

    value: float
    error: float
    low: float
    high: float

    def at_boundary(self, z: float) -> Estimate:
        """Give the estimate with an interval that reaches as far as `z` standard errors of a normal one would.

        For `z` other than 1.96 the permuted quantiles are stretched: none are so far out that they could be counted.
        """
        if not self.error > 0 or not np.isfinite(self.value):
            return Estimate(self.value, float("-inf"), float("inf"), level_of(z))
        stretch = z / critical()
        return Estimate(
            self.value, self.value - self.high * self.error * stretch, self.value - self.low * self.error * stretch, level_of(z)
        )


def winsorise(values: Numbers, share: float = WINSORISED) -> Numbers:
    """Move the extreme `share` at each end to the quantile there; (n,) values of both arms together."""
    if not len(values):
        return values
    low, high = np.quantile(values, [share, 1 - share])
    result: Numbers = np.clip(values, low, high)
    return result


def difference(
    values: Numbers, treated: Flags, strata: Words | None = None, *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> Difference:
    """Compare the means of both arms.

    Args:
        values: (n,) one for each account, none missing.
        treated: (n,) its arm.
        strata: (n,) its stratum; accounts are permuted within it only.
        permutations: how many, unless there are so many accounts that fewer do.
        seed: of the permutations; the same one gives the same interval.
    """
    groups: Places = np.zeros(len(values), np.intp) if strata is None else np.unique(strata, return_inverse=True)[1]
    order = np.argsort(groups, kind="stable")
    groups, y = groups[order], values[order].astype(float)
    arm = treated[order].astype(float)
    sizes = np.bincount(groups)
    contrast = arm - (np.bincount(groups, arm) / sizes)[groups]
    weight = float(contrast @ contrast)
    if not weight:
        return Difference(float("nan"), float("nan"), -critical(), critical())
    y = y - (np.bincount(groups, y) / sizes)[groups]
    freedom = max(1, len(y) - len(sizes) - 1)
    value, error = (float(each[0]) for each in _studentised(y[None, :], contrast, weight, len(y) / freedom))
    low, high = _quantiles(y, groups, contrast, len(y) / freedom, permutations, seed)
    return Difference(value, error, low, high)


def _quantiles(y: Numbers, groups: Places, contrast: Numbers, correction: float, permutations: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    wanted = min(permutations, max(_FEWEST, _MOST_CELLS // len(y)))
    found: list[Numbers] = []
    weight = float(contrast @ contrast)
    for rows in _chunks(wanted, max(1, _CHUNK_CELLS // len(y))):
        # A random number below 1 beside the number of the stratum sorts accounts at random within their stratum.
        places = np.argsort(groups[None, :] + rng.random((rows, len(y))), axis=1)
        value, error = _studentised(y[places], contrast, weight, correction)
        found.append(np.divide(value, error, out=np.zeros_like(value), where=error > 0))
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    return float(low), float(high)


def _studentised(y: Numbers, contrast: Numbers, weight: float, correction: float) -> tuple[Numbers, Numbers]:
    """Give (rows,) differences and their standard errors; `y` (rows, n) centred within strata."""
    value = y @ contrast / weight
    squares = (y**2) @ contrast**2 - 2 * value * (y @ contrast**3) + value**2 * float((contrast**4).sum())
    return value, np.sqrt(np.maximum(squares, 0) * correction) / weight


def _chunks(wanted: int, most: int) -> list[int]:
    return [most] * (wanted // most) + ([wanted % most] if wanted % most else [])


def retention(before: Numbers, after: Numbers, treated: Flags, *, draws: int = PERMUTATIONS, seed: int = SEED) -> tuple[Estimate, ...]:
    """Give the net revenue retention of the treated, of the control, and their difference.

    Retention is what all accounts of an arm pay afterwards over what they paid before: large accounts weigh as they do in the books.
    The intervals are percentiles of a bootstrap by account.

    Args:
        before: (n,) revenue before, at least 0.
        after: (n,) revenue after, 0 of those that were lost.
        treated: (n,) the arm.
        draws: of the bootstrap.
        seed: of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    wanted = min(draws, max(_FEWEST, _MOST_CELLS // max(1, len(before))))
    arms = [_ratios(before[chosen], after[chosen], wanted, rng) for chosen in (treated, ~treated)]
    together = [*arms, (arms[0][0] - arms[1][0], arms[0][1] - arms[1][1])]
    return tuple(_percentiles(value, drawn) for value, drawn in together)


def _ratios(before: Numbers, after: Numbers, wanted: int, rng: np.random.Generator) -> tuple[float, Numbers]:
    total = float(before.sum())
    if total <= 0:
        return float("nan"), np.full(wanted, np.nan)
    found: list[Numbers] = []
    for rows in _chunks(wanted, max(1, _CHUNK_CELLS // len(before))):
        times = rng.poisson(1.0, (rows, len(before)))
        paid = times @ before
        found.append(np.divide(times @ after, paid, out=np.full(rows, np.nan), where=paid > 0))
    return float(after.sum()) / total, np.concatenate(found)


def _percentiles(value: float, drawn: Numbers) -> Estimate:
    known = drawn[np.isfinite(drawn)]
    if not len(known) or not np.isfinite(value):
        return Estimate(float("nan"), float("-inf"), float("inf"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(value, float(low), float(high))
