"""How a probability is shown as a score from 0 to 100 that means the same whatever the base rate."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from scoring.panel import Numbers
from scoring.predictions import Level

_MIN_BASE: Final = 0.001
_MAX_BASE: Final = 0.2
"""Above it four times the base rate would leave no room for the scores from 80 on."""
USUAL_BASE_RATE: Final = 0.03
"""The share of accounts it happens to in 90 days, as long as nothing of the tenant's own says better."""
HIGH: Final = 80
MEDIUM: Final = 50


def anchors(base_rate: float) -> tuple[tuple[float, int], ...]:
    """Give the published points (probability, score): 0 is 0, the base rate 50, four times the base rate 80, 1 is 100.

    Between them the score is linear. A base rate outside 0.1 % to 20 % is taken as that bound.
    """
    base = min(_MAX_BASE, max(_MIN_BASE, base_rate))
    return ((0.0, 0), (base, MEDIUM), (4 * base, HIGH), (1.0, 100))


def scores_of(probabilities: Sequence[float] | Numbers, base_rate: float) -> Numbers:
    """Give the scores of (n,) probabilities, not rounded, 0 to 100."""
    points = anchors(base_rate)
    result: Numbers = np.interp(np.asarray(probabilities, float), [point for point, _ in points], [score for _, score in points])
    return result


def score_of(probability: float, base_rate: float) -> int:
    """Give the score of a probability, 0 to 100."""
    return round(float(scores_of([probability], base_rate)[0]))


def level_of(score: float) -> Level:
    """Give the level: high from 80, medium from 50, else low."""
    return "high" if score >= HIGH else "medium" if score >= MEDIUM else "low"
