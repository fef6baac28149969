"""From an estimator's log-odds to probabilities that come true as often as they say.

Platt's sigmoid, which is a straight line in log-odds: `calibrated = center + shift + slope * (raw - center)`. Contributions to the log-odds
therefore stay additive: each is multiplied by the slope. An isotonic step function would take that away.
"""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from scoring.panel import Flags, Numbers

_SLOPE_SPREAD: Final = 0.25
_SHIFT_SPREAD: Final = 1.0
_LEAST_SLOPE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line in log-odds; by itself it changes nothing."""

    center: float = 0.0
    slope: float = 1.0
    shift: float = 0.0

    def log_odds(self, raw: Numbers) -> Numbers:
        """Give calibrated log-odds."""
        return self.center + self.shift + self.slope * (raw - self.center)

    def probabilities(self, raw: Numbers) -> Numbers:
        """Give probabilities for an estimator's log-odds."""
        result: Numbers = expit(self.log_odds(raw))
        return result

    def as_json(self) -> dict[str, float]:
        """Give it for storing."""
        return asdict(self)


def learn_calibration(raw: Numbers, labels: Flags) -> Calibration:
    """Find slope and shift by rows the estimator did not learn from.

    The likeliest values under the prior that the estimator is right (slope 1 +- 0.25, shift 0 +- 1): with six cases the prior decides, with
    sixty the rows do.

    Args:
        raw: (n,) log-odds.
        labels: (n,) what happened.
    """
    if not len(raw):
        return Calibration()
    center = float(raw.mean())
    spread, y = raw - center, labels.astype(float)

    def loss(at: Numbers) -> tuple[float, Numbers]:
        slope, shift = at
        odds = center + shift + slope * spread
        off = expit(odds) - y
        prior = (slope - 1) / _SLOPE_SPREAD**2, shift / _SHIFT_SPREAD**2
        value = np.logaddexp(0, odds).sum() - (y * odds).sum() + (prior[0] * (slope - 1) + prior[1] * shift) / 2
        return float(value), np.array([(off * spread).sum() + prior[0], off.sum() + prior[1]])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(_LEAST_SLOPE, 20.0), (-10.0, 10.0)])
    return Calibration(center, float(found.x[0]), float(found.x[1]))
