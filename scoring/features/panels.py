"""Panels to learn from: the features of many accounts at many cutoffs, with what became of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from scoring.features.compute import Features, features_at
from scoring.features.definitions import FEATURES
from scoring.features.history import History
from scoring.features.labels import Course, has_chance, label_of, window_of
from scoring.features.values import seconds
from scoring.panel import FeatureValue, Panel, encode
from scoring.predictions import Target

SIZES: Final = ((10, "1-10"), (50, "11-50"), (200, "51-200"), (math.inf, "201+"))
"""Bands of seats: the most that belongs to each, and its name."""
UNKNOWN: Final = "unknown"


def build_panel(histories: Iterable[History], cutoffs: Sequence[datetime], target: Target, *, until: datetime | None = None) -> Panel:
    """Give the rows of the accounts that were customers at each cutoff, where what became of them is known.

    Args:
        histories: of the accounts.
        cutoffs: aware moments; those whose window of labels is not over are left out.
        target: what the labels are about.
        until: up to when what happened is known; labels rest on what was known by then. The newest moment of the histories by default.

    Returns:
        A panel whose groups are `plan` and `size`, sorted by account, then by cutoff.
    """
    kept = list(histories)
    end = seconds(until) if until is not None else max((_newest(each) for each in kept), default=-math.inf)
    closed = [(cutoff, at) for cutoff in sorted(set(cutoffs)) if window_of(at := seconds(cutoff))[1] <= end]
    rows: list[Features] = []
    accounts, days, labels = [], [], []
    for history in kept:
        course = Course(history, end)
        for cutoff, at in closed:
            if has_chance(history, course, at):
                rows.append(features_at(history, cutoff))
                accounts.append(history.account)
                days.append(cutoff.date())
                labels.append(label_of(course, at, target))
    values, levels = encode(FEATURES, rows)
    return Panel(
        features=FEATURES,
        accounts=np.array(accounts, dtype=np.str_),
        as_of=np.array(days, dtype="datetime64[D]"),
        values=values,
        labels=np.array(labels, dtype=np.bool_),
        levels=levels,
        groups={
            "plan": np.array([row["plan"] or UNKNOWN for row in rows], dtype=np.str_),
            "size": np.array([size_of(row) for row in rows], dtype=np.str_),
        },
        mrr=np.array([mrr_of(row) for row in rows], dtype=np.float64),
    )


def _newest(history: History) -> float:
    return max((track.latest[-1] for track in history.tracks.values() if track.latest), default=-math.inf)


def size_of(values: Mapping[str, FeatureValue]) -> str:
    """Give the band of an account's seats, `unknown` where they are."""
    seats = values.get("seats")
    return next((name for most, name in SIZES if seats <= most), UNKNOWN) if isinstance(seats, int | float) else UNKNOWN


def mrr_of(values: Mapping[str, FeatureValue]) -> float:
    """Give the monthly revenue back of which the feature is the logarithm, NaN where it is unknown."""
    logged = values.get("mrr_log")
    return round(math.expm1(logged), 2) if isinstance(logged, int | float) else math.nan
