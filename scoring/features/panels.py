"""Panels to learn from: the features of many accounts at many cutoffs, with what became of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
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


@dataclass(frozen=True, slots=True)
class Labelled:
    """An account at a cutoff, with what became of it."""

    account: str
    on: date
    values: Features
    label: bool


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
    rows: list[Labelled] = []
    for history in kept:
        course = Course(history, end)
        for cutoff, at in closed:
            if has_chance(history, course, at):
                rows.append(Labelled(history.account, cutoff.date(), features_at(history, cutoff), label_of(course, at, target)))
    return panel_of(rows)


def label_snapshots(snapshots: Iterable[tuple[datetime, Features]], history: History, target: Target, until: datetime) -> list[Labelled]:
    """Give the same rows of one account whose features were kept when they were known.

    Args:
        snapshots: moments and features.
        history: what is known of the account's contracts.
        target: what the labels are about.
        until: up to when what happened is known.
    """
    end = seconds(until)
    course = Course(history, end)
    return [
        Labelled(history.account, as_of.date(), values, label_of(course, at, target))
        for as_of, values in snapshots
        if window_of(at := seconds(as_of))[1] <= end and course.is_customer(at) and not course.was_lost(at, window_of(at)[0])
    ]


def panel_of(rows: Sequence[Labelled]) -> Panel:
    """Give rows as a panel whose groups are `plan` and `size`."""
    values, levels = encode(FEATURES, [row.values for row in rows])
    return Panel(
        features=FEATURES,
        accounts=np.array([row.account for row in rows], dtype=np.str_),
        as_of=np.array([row.on for row in rows], dtype="datetime64[D]"),
        values=values,
        labels=np.array([row.label for row in rows], dtype=np.bool_),
        levels=levels,
        groups={
            "plan": np.array([row.values.get("plan") or UNKNOWN for row in rows], dtype=np.str_),
            "size": np.array([size_of(row.values) for row in rows], dtype=np.str_),
        },
        mrr=np.array([mrr_of(row.values) for row in rows], dtype=np.float64),
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
