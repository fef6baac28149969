"""A table of accounts at cutoffs, as models learn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from scoring.features.definitions import Feature

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
"""Floating-point numbers, NaN where missing."""
Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
"""Yes or no."""
Days: TypeAlias = np.ndarray[Any, np.dtype[np.datetime64]]
"""Dates, `datetime64[D]`."""
Words: TypeAlias = np.ndarray[Any, np.dtype[np.str_]]
"""Texts."""

FeatureValue: TypeAlias = float | str | None
"""What one feature of one account is."""


@dataclass(frozen=True)
class Panel:
    """Rows of accounts at cutoffs.

    Args:
        features: the columns, in the order of `values`.
        accounts: (n,) ids; an account may come at several cutoffs.
        as_of: (n,) cutoffs.
        values: (n, k) numbers; of a category the place of its text in `levels`, NaN where it is missing or unknown.
        labels: (n,) whether it happened in the window after the cutoff.
        levels: the texts of each category, by the feature's name.
        groups: (n,) texts by the name of a grouping (`plan`, `size`) over which models must be fair.
        mrr: (n,) monthly revenue, for money at risk; NaN where unknown.
    """

    features: tuple[Feature, ...]
    accounts: Words
    as_of: Days
    values: Numbers
    labels: Flags
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, Words] = field(default_factory=dict)
    mrr: Numbers | None = None

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.accounts)

    def rows(self, chosen: Flags) -> "Panel":
        """Give some of the rows. `chosen`: (n,) flags."""
        return Panel(
            features=self.features,
            accounts=self.accounts[chosen],
            as_of=self.as_of[chosen],
            values=self.values[chosen],
            labels=self.labels[chosen],
            levels=self.levels,
            groups={name: column[chosen] for name, column in self.groups.items()},
            mrr=None if self.mrr is None else self.mrr[chosen],
        )


def encode(
    features: Sequence[Feature], rows: Sequence[Mapping[str, FeatureValue]], levels: Mapping[str, Sequence[str]] | None = None
) -> tuple[Numbers, dict[str, tuple[str, ...]]]:
    """Turn features by name into numbers.

    Args:
        features: the columns that are wanted; a name a row lacks is missing.
        rows: one mapping a row.
        levels: the texts of the categories as a model knows them; those found in the rows where it is None.

    Returns:
        (n, k) numbers as in `Panel.values`, and the levels they were encoded with.
    """
    known = {
        each.name: tuple(levels.get(each.name, ()))
        if levels is not None
        else tuple(sorted({str(v) for row in rows if (v := row.get(each.name)) is not None}))
        for each in features
        if each.kind == "category"
    }
    places = {name: {text: float(place) for place, text in enumerate(texts)} for name, texts in known.items()}
    values = np.full((len(rows), len(features)), np.nan)
    for column, each in enumerate(features):
        if each.kind == "category":
            place = places[each.name]
            values[:, column] = [place.get(str(row.get(each.name)), np.nan) for row in rows]
        else:
            values[:, column] = [np.nan if (value := row.get(each.name)) is None else float(value) for row in rows]
    return values, known
