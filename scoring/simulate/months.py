"""Calendar months on whole columns of dates. No day is after the 28th, so that every month has it."""

import numpy as np

from scoring.panel import Days
from scoring.simulate.options import Places


def whole_months(began: Days, day: Days) -> Places:
    """Give the whole months from one day to another; below 0 when the other comes first."""
    month, began_month = day.astype("datetime64[M]"), began.astype("datetime64[M]")
    early = (day - month.astype("datetime64[D]")) < (began - began_month.astype("datetime64[D]"))
    months: Places = (month - began_month).astype(np.int64) - early
    return months


def months_later(began: Days, months: Places) -> Days:
    """Give the same day of another month."""
    month = began.astype("datetime64[M]")
    later: Days = (month + months).astype("datetime64[D]") + (began - month.astype("datetime64[D]"))
    return later
