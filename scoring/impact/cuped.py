"""What was already different before is taken out of a comparison.

Source: A. Deng, Y. Xu, R. Kohavi, T. Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data",
WSDM 2013, equations 3 to 6.
"""

from dataclasses import dataclass

import numpy as np

from scoring.panel import Numbers


@dataclass(frozen=True)
class Adjusted:
    """Values without what their pre-period explains; `removed` is the share of their variance that is gone, 0 to 1."""

    values: Numbers
    removed: float


def adjust(after: Numbers, before: Numbers) -> Adjusted:
    """Take the pre-period out of an outcome.

    Args:
        after: (n,) outcomes, none missing.
        before: (n,) the same measure before the arm was drawn; NaN where unknown, which leaves the outcome as it is.

    Returns:
        Values whose difference between arms has the same expectation and a smaller variance.
    """
    known = np.isfinite(before)
    if known.sum() < 3 or not np.ptp(before[known]) or not np.ptp(after):
        return Adjusted(after, 0.0)
    away = np.where(known, before - before[known].mean(), 0.0)
    slope = float(np.cov(after[known], before[known])[0, 1] / before[known].var(ddof=1))
    values = after - slope * away
    return Adjusted(values, float(max(0.0, 1 - values.var() / after.var())))
