"""Planned looks at an experiment that goes on: how far a result must be from nothing at each of them.

Sources: P. C. O'Brien and T. R. Fleming, Biometrics 35 (1979); K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), the spending function
that resembles O'Brien and Fleming's boundaries; the same, Statistics in Medicine 8 (1989), for spending by the calendar while the
correlation of looks is by information; P. Armitage, C. K. McPherson, B. C. Rowe, JRSS A 132 (1969), for the integration.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import pi, sqrt
from typing import Final, TypeAlias

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from scoring.panel import Numbers

ALPHA: Final = 0.05
FARTHEST: Final = 8.0
"""No boundary is farther out than this many standard errors: nothing is ever spent beyond it."""
_POINTS: Final = 601
Stage: TypeAlias = tuple[Numbers, Numbers, float]
"""Where an experiment that was not stopped may be: (m,) places, (m,) densities times their spacing, information."""


def spent(share: float, *, alpha: float = ALPHA) -> float:
    """Give how much of `alpha` may be spent by a share (0 to 1) of the plan, both sides together."""
    if share <= 0:
        return 0.0
    return float(4 * ndtr(ndtri(alpha / 4) / sqrt(min(1.0, share))))


def boundaries(shares: Sequence[float], information: Sequence[float] | None = None, *, alpha: float = ALPHA) -> tuple[float, ...]:
    """Give for each look the standard errors a result must be away from nothing.

    Args:
        shares: of the plan that is over at each look that is taken, rising, the last at most 1.
        information: at each look, rising; in any unit, such as accounts. Without it, it grows with the shares.
        alpha: of false positives over all looks.
    """
    return _boundaries(tuple(shares), tuple(information or shares), alpha)


@lru_cache(maxsize=256)
def _boundaries(shares: tuple[float, ...], information: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    found: list[float] = []
    stage: Stage = (np.zeros(1), np.ones(1), 0.0)
    before = 0.0
    for share, known in zip(shares, information, strict=True):
        # The same information twice says nothing new; a little more keeps the integration going.
        known = max(known, stage[2] * (1 + 1e-3), 1e-9)
        allowed = spent(share, alpha=alpha) - before
        bound = _bound(stage, known, allowed)
        before += _leaves(stage, known, bound)
        stage = _onwards(stage, known, bound)
        found.append(bound)
    return tuple(found)


def crossing(bounds: Sequence[float], information: Sequence[float]) -> float:
    """Give the probability that nothing at all crosses one of the boundaries."""
    stage: Stage = (np.zeros(1), np.ones(1), 0.0)
    total = 0.0
    for bound, known in zip(bounds, information, strict=True):
        total += _leaves(stage, known, bound)
        stage = _onwards(stage, known, bound)
    return total


def _bound(stage: Stage, known: float, allowed: float) -> float:
    if allowed <= _leaves(stage, known, FARTHEST):
        return FARTHEST
    return float(brentq(lambda z: _leaves(stage, known, z) - allowed, 0, FARTHEST, xtol=1e-7))


def _leaves(stage: Stage, known: float, bound: float) -> float:
    """Give the probability to be beyond the boundary at this look and not before."""
    places, density, before = stage
    step, edge = sqrt(known - before), bound * sqrt(known)
    return float(density @ (ndtr((places - edge) / step) + ndtr((-edge - places) / step)))


def _onwards(stage: Stage, known: float, bound: float) -> Stage:
    """Give where those may be that stayed within the boundary."""
    places, density, before = stage
    step, edge = sqrt(known - before), bound * sqrt(known)
    grid = np.linspace(-edge, edge, _POINTS)
    weights = np.full(_POINTS, grid[1] - grid[0])
    weights[[0, -1]] /= 2
    away = (grid[:, None] - places[None, :]) / step
    reached = np.exp(-(away**2) / 2) @ density / (step * sqrt(2 * pi))
    return grid, reached * weights, known
