"""From features to the columns of an estimator: plain numpy, so that one account costs microseconds.

Categories become one column for each frequent text, never a native category: exact tree contributions are wrong on those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from scoring.features.definitions import Feature
from scoring.panel import Numbers

Algorithm: TypeAlias = Literal["logistic", "boosting"]
Part: TypeAlias = Literal["number", "level", "rest", "missing"]

MOST_LEVELS: Final = 60
LEAST_ROWS: Final = 10
"""A text that fewer rows have shares the column of the rest."""
_FAR: Final = 5.0
"""Standard deviations at which a number of a linear model is cut off, so that one wild value does not decide everything."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the number itself, whether a category is at a level or at none of those that have a column, whether it is missing.

    Args:
        feature: place of the feature it comes from.
        part: what of it.
        level: place of the text, for `level`.
        center, scale: what is taken off and divided by; 0 and 1 for trees.
        fill: what stands for a missing number; None leaves it missing, as trees want it.
    """

    feature: int
    part: Part
    level: int = -1
    center: float = 0.0
    scale: float = 1.0
    fill: float | None = None


@dataclass(frozen=True)
class Design:
    """The columns of an estimator."""

    columns: tuple[Column, ...]

    def matrix(self, values: Numbers) -> Numbers:
        """Turn (n, k) features into (n, c) columns."""
        result = np.empty((len(values), len(self.columns)))
        for place, column in enumerate(self.columns):
            result[:, place] = self._filled(column, values[:, column.feature])
        return result

    def _filled(self, column: Column, given: Numbers) -> Numbers:
        missing = np.isnan(given)
        if column.part == "level":
            raw = (given == column.level).astype(float)
        elif column.part == "missing":
            raw = missing.astype(float)
        elif column.part == "rest":
            own = [each.level for each in self.columns if each.feature == column.feature and each.part == "level"]
            raw = (~missing & ~np.isin(given, own)).astype(float)
        else:
            raw = given if column.fill is None else np.where(missing, column.fill, given)
        if column.scale == 1 and column.center == 0:
            return np.asarray(raw, float)
        scaled: Numbers = (raw - column.center) / column.scale
        return np.clip(scaled, -_FAR, _FAR) if column.part == "number" else scaled

    def owners(self) -> list[int]:
        """Give for each column the place of its feature."""
        return [column.feature for column in self.columns]

    def as_json(self) -> list[dict[str, object]]:
        """Give it for storing."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: Sequence[Mapping[str, object]]) -> "Design":
        """Read what `as_json` gave."""
        return cls(tuple(Column(**column) for column in columns))  # type: ignore[arg-type]  # a wrong member fails here, which is wanted


def learn_design(features: Sequence[Feature], values: Numbers, algorithm: Algorithm) -> Design:
    """Choose the columns by the rows to learn from. Features that say the same of every row get none.

    Args:
        features: k of them.
        values: (n, k), as in `scoring.panel.Panel`.
        algorithm: linear models want numbers of one scale without gaps, and the gaps beside them.
    """
    columns: list[Column] = []
    for place, feature in enumerate(features):
        given = values[:, place]
        there = given[~np.isnan(given)]
        gaps = len(given) - len(there)
        if feature.kind == "category":
            columns += _levels(place, there, gaps)
        elif len(there) and (there.min() < there.max() or (gaps and algorithm == "boosting")):
            columns.append(Column(place, "number", fill=float(np.median(there)) if algorithm == "logistic" else None))
        if feature.kind == "number" and algorithm == "logistic" and LEAST_ROWS <= gaps <= len(given) - 1:
            columns.append(Column(place, "missing"))
    return _scaled(columns, values) if algorithm == "logistic" else Design(tuple(columns))


def _levels(place: int, there: Numbers, gaps: int) -> list[Column]:
    texts, counts = np.unique(there, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = sorted(float(text) for text, count in zip(texts[order], counts[order], strict=True) if count >= LEAST_ROWS)
    kept = sorted(float(text) for text in texts[order][:MOST_LEVELS] if text in kept)
    rare = int(counts.sum()) - int(counts[np.isin(texts, kept)].sum())
    if len(kept) + (rare > 0) + (gaps > 0) < 2:
        return []
    columns = [Column(place, "level", int(text)) for text in kept]
    return columns + [Column(place, "rest")] * (rare > 0) + [Column(place, "missing")] * (gaps > 0)


def _scaled(columns: Sequence[Column], values: Numbers) -> Design:
    raw = Design(tuple(columns)).matrix(values)
    centers, scales = raw.mean(axis=0), raw.std(axis=0)
    return Design(
        tuple(
            Column(each.feature, each.part, each.level, float(center), float(scale), each.fill)
            for each, center, scale in zip(columns, centers, scales, strict=True)
            if scale > 0
        )
    )


def constraints(design: Design, features: Sequence[Feature]) -> list[int]:
    """Give for each column whether the risk of churn may only rise (+1) or only fall (-1) with it; 0 where nobody can be certain."""
    return [features[column.feature].churn_sign if column.part == "number" else 0 for column in design.columns]
