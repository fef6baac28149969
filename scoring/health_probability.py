"""Health as a probability of churn: what stands in for a model where there is none.

A logistic curve over the score. With enough lost accounts it is fitted to them; else its slope is the documented one and only its height
is brought to the base rate. It always falls: more health is never more risk.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.anchors import USUAL_BASE_RATE
from scoring.panel import Flags, Numbers

LEAST_CHURNED: Final = 20
"""With fewer lost accounts the slope is not fitted."""
USUAL_SLOPE: Final = -0.04
"""Change of the log-odds a point of health: from 20 to 80 points the odds fall to a eleventh."""
_STEPS: Final = 50
_PRIOR: Final = 0.5
"""Accounts that are added to each side, so that no curve becomes a cliff."""


@dataclass(frozen=True, slots=True)
class HealthProbability:
    """The curve: log-odds = intercept + slope x (score - 50).

    Args:
        intercept: log-odds at a health of 50.
        slope: change of the log-odds a point; never above 0.
        base_rate: of the accounts it was made of.
        rows: how many these were; `churned`: how many of them were lost.
        fitted: whether the slope is theirs, and not the documented one.
    """

    intercept: float
    slope: float
    base_rate: float
    rows: int
    churned: int
    fitted: bool

    def of(self, score: float) -> float:
        """Give the probability of a score, 0 to 1."""
        return float(self.of_all(np.array([score]))[0])

    def of_all(self, scores: Numbers) -> Numbers:
        """Give the probabilities of (n,) scores; of one that is NaN the base rate."""
        found: Numbers = 1 / (1 + np.exp(-(self.intercept + self.slope * (scores - 50))))
        return np.where(np.isnan(scores), self.base_rate, found)

    def to_json(self) -> dict[str, object]:
        """Give the form in which it is kept."""
        return {name: getattr(self, name) for name in ("intercept", "slope", "base_rate", "rows", "churned", "fitted")}

    @classmethod
    def from_json(cls, kept: Mapping[str, object]) -> "HealthProbability":
        """Read what `to_json` gave."""
        return cls(
            intercept=float(str(kept["intercept"])),
            slope=float(str(kept["slope"])),
            base_rate=float(str(kept["base_rate"])),
            rows=int(str(kept["rows"])),
            churned=int(str(kept["churned"])),
            fitted=kept["fitted"] is True,
        )


def scorecard_probability(scores: Numbers, labels: Flags | None = None, *, base_rate: float | None = None) -> HealthProbability:
    """Make the curve.

    Args:
        scores: (n,) health, 0 to 100, NaN where there is none; may be empty.
        labels: (n,) whether the account was lost in the window of labels; None where that is not known.
        base_rate: what the curve's mean is brought to where it is not fitted; by itself the labels' own, or the usual one.

    Returns:
        the curve; its mean over the scores is the base rate.
    """
    known = ~np.isnan(scores)
    own = None if labels is None else labels[known]
    churned = 0 if own is None else int(own.sum())
    if own is not None and churned >= LEAST_CHURNED and churned < len(own):
        intercept, slope = _fit(scores[known] - 50, own)
        if slope < 0:
            return HealthProbability(intercept, slope, float(own.mean()), len(own), churned, fitted=True)
    rate = base_rate
    if rate is None:
        rate = USUAL_BASE_RATE if own is None or not len(own) else (churned + 1) / (len(own) + 1 / USUAL_BASE_RATE)
    rate = min(0.5, max(0.001, rate))
    rows = int(known.sum())
    points = scores[known] - 50 if rows else np.array([20.0])
    return HealthProbability(_height(points, USUAL_SLOPE, rate), USUAL_SLOPE, rate, rows, churned, fitted=False)


def _fit(points: Numbers, labels: Flags) -> tuple[float, float]:
    """Fit by Newton's steps; a little of both answers is added at every point's mean, so that it always ends."""
    scale = max(1.0, float(points.std()))
    x = points / scale
    rate = float(labels.mean())
    beta = np.array([math.log(rate / (1 - rate)), 0.0])
    design = np.column_stack([np.ones_like(x), x])
    ridge = np.diag([0.0, 2 * _PRIOR])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (labels - p) - ridge @ beta
        step = np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]) + ridge + 1e-9 * np.eye(2), gradient)
        beta = beta + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(beta[0]), float(beta[1] / scale)


def _height(points: Numbers, slope: float, rate: float) -> float:
    """Find the intercept at which the mean probability is the base rate."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((1 / (1 + np.exp(-(middle + slope * points)))).mean())
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2
