"""An estimate with its interval: no figure of impact is given without one."""

from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, ndtri

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the interval that holds the truth in `level` of all experiments. Infinite bounds: nothing is known on that side."""

    value: float
    low: float
    high: float
    level: float = LEVEL

    def scaled(self, factor: float) -> "Estimate":
        """Give the estimate of so many times the figure; a negative factor swaps the bounds."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, low, high, self.level)

    @property
    def excludes_zero(self) -> bool:
        """Say whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def critical(level: float = LEVEL) -> float:
    """Give the two-sided quantile of the normal distribution: 1.96 for a level of 0.95."""
    return float(ndtri((1 + level) / 2))


def level_of(z: float) -> float:
    """Give the level of an interval that reaches `z` standard errors to either side."""
    return float(1 - 2 * ndtr(-z))
