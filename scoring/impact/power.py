"""How many accounts it takes to see an effect, and which effect so many accounts can show.

Source: J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions (3rd ed. 2003), chapter 4, with unpooled variances
and without a correction for continuity; the same formula for means.
"""

from math import ceil, sqrt
from typing import Final

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

ALPHA: Final = 0.05
POWER: Final = 0.8
_WHOLE: Final = 0.9999


def accounts_per_arm(base_rate: float, relative_reduction: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Give how many accounts each of two equal arms needs.

    Args:
        base_rate: of what happens without the playbook, above 0 and below 1.
        relative_reduction: that is to be seen, above 0 and at most 1: 0.3 is 30 % fewer.
        alpha: two-sided.
        power: probability to see it.
    """
    lower = base_rate * (1 - relative_reduction)
    spread = base_rate * (1 - base_rate) + lower * (1 - lower)
    return ceil(_reach(alpha, power) ** 2 * spread / (base_rate - lower) ** 2)


def accounts_in_all(base_rate: float, relative_reduction: float, share: float) -> int:
    """Give how many accounts it takes when a share of them (above 0, below 1) is left alone; see `accounts_per_arm`."""
    lower = base_rate * (1 - relative_reduction)
    spread = base_rate * (1 - base_rate) / share + lower * (1 - lower) / (1 - share)
    return ceil(_reach(ALPHA, POWER) ** 2 * spread / (base_rate - lower) ** 2)


def power_of(treated: float, control: float, base_rate: float, relative_reduction: float, *, alpha: float = ALPHA) -> float:
    """Give the probability to see a relative reduction with so many accounts in each arm."""
    lower = base_rate * (1 - relative_reduction)
    error = sqrt(base_rate * (1 - base_rate) / control + lower * (1 - lower) / treated)
    return float(ndtr((base_rate - lower) / error - ndtri(1 - alpha / 2)))


def smallest_detectable(treated: float, control: float, base_rate: float, *, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Give the smallest relative reduction that can be seen, 0 to 1; None when even the end of all of them could not be."""
    if treated < 1 or control < 1 or not 0 < base_rate < 1:
        return None
    if power_of(treated, control, base_rate, _WHOLE, alpha=alpha) < power:
        return None
    return float(brentq(lambda cut: power_of(treated, control, base_rate, cut, alpha=alpha) - power, 1e-9, _WHOLE))


def detectable_from(half_width: float, *, level: float = 0.95, power: float = POWER) -> float:
    """Give the smallest difference of means that can be seen, from half the width of the interval that was found."""
    z = float(ndtri((1 + level) / 2))
    return half_width / z * _reach(1 - level, power)


def _reach(alpha: float, power: float) -> float:
    return float(ndtri(1 - alpha / 2) + ndtri(power))
