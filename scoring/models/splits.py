"""Which rows a model learns from, which calibrate it, and which test it: by time, never by chance."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from scoring.models.metrics import Json, Places
from scoring.panel import Days, Flags, Panel, Words
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS

PURGE_DAYS: Final = LEAD_DAYS + WINDOW_DAYS
"""What lies between two parts: labels of the earlier one are all known by the first cutoff of the later one."""
ENOUGH: Final = 30
"""Cases with which a part is content."""
_MONTH_DAYS: Final = 31


@dataclass(frozen=True)
class Split:
    """Rows by part; every flag is (n,).

    Args:
        learning: what the model learns from in the end: cutoffs that end one full window of labels before the test.
        training: what it learns from to be calibrated: those that end one full window before the calibration.
        calibration: the window before the test; none of the rows where there was too little, and folds of the learning calibrate instead.
        test: the newest closed window.
    """

    learning: Flags
    training: Flags
    calibration: Flags
    test: Flags

    @property
    def by_folds(self) -> bool:
        """Say whether folds of the training calibrate."""
        return not self.calibration.any()

    def as_json(self, as_of: Days) -> Json:
        """Give first and last cutoff of each part."""
        parts = {"learning": self.learning, "training": self.training, "calibration": self.calibration, "test": self.test}
        ends = {
            name: {"rows": int(rows.sum()), "from": _day(as_of[rows].min()), "to": _day(as_of[rows].max())}
            for name, rows in parts.items()
            if rows.any()
        }
        return {"purge_days": PURGE_DAYS, "calibrated_by": "folds" if self.by_folds else "window", **ends}


def _day(moment: np.datetime64) -> str:
    day: date = moment.astype("datetime64[D]").item()
    return day.isoformat()


def cases_of(panel: Panel, rows: Flags) -> int:
    """Give how many accounts among some rows are cases; an account with several cutoffs before one churn is one."""
    return len(np.unique(panel.accounts[rows & panel.labels]))


def time_split(panel: Panel) -> Split:
    """Split by time.

    The test takes the newest cutoff, and the ones before as long as it has fewer than `ENOUGH` cases and its cutoffs lie within one window;
    the calibration likewise before it. Where this leaves too few cases to learn from, folds of the training calibrate; where it still does,
    the test is the newest cutoff alone. An account first seen in mid-month has a cutoff of its own: every part takes as many more as hold
    half of the accounts of the 31 days up to its newest.
    """
    everything, none = np.ones(len(panel), bool), np.zeros(len(panel), bool)
    test = _newest(panel, everything)
    learning = _before(panel.as_of, test)
    calibration = _newest(panel, learning)
    training = _before(panel.as_of, calibration) if calibration.any() else none
    if cases_of(panel, training) >= 2 * ENOUGH and cases_of(panel, calibration) >= ENOUGH:
        return Split(learning, training, calibration, test)
    if cases_of(panel, learning) >= ENOUGH:
        return Split(learning, learning, none, test)
    last = _newest(panel, everything, 0)
    learning = _before(panel.as_of, last)
    return Split(learning, learning, none, last)


def _before(as_of: Days, rows: Flags) -> Flags:
    """Give the rows whose window of labels is over by the first cutoff of others."""
    result: Flags = as_of <= as_of[rows].min() - np.timedelta64(PURGE_DAYS, "D")
    return result


def _newest(panel: Panel, among: Flags, cases: int = ENOUGH) -> Flags:
    """Give the rows of the newest cutoffs that hold so many cases and half of the accounts of a month, as far as one window goes."""
    taken = np.zeros(len(panel), bool)
    cutoffs = np.unique(panel.as_of[among])[::-1]
    newest = cutoffs[0] if len(cutoffs) else np.datetime64("1970-01-01", "D")
    month = among & (panel.as_of > newest - np.timedelta64(_MONTH_DAYS, "D"))
    least = len(np.unique(panel.accounts[month])) / 2
    for cutoff in cutoffs:
        enough = len(np.unique(panel.accounts[taken])) >= least and cases_of(panel, taken) >= cases
        if cutoffs[0] - cutoff >= np.timedelta64(WINDOW_DAYS, "D") or enough:
            break
        taken |= panel.as_of == cutoff
    return taken


def folds_of(accounts: Words, labels: Flags, folds: int = 5, seed: int = 0) -> Places:
    """Give each row a fold, all rows of an account the same, cases spread evenly. (n,) numbers from 0."""
    names, place = np.unique(accounts, return_inverse=True)
    case = np.bincount(place, labels, minlength=len(names)) > 0
    order = np.random.default_rng(seed).permutation(len(names))
    fold = np.empty(len(names), np.int64)
    for kind in (True, False):
        mine = order[case[order] == kind]
        fold[mine] = np.arange(len(mine)) % folds
    return fold[place]
