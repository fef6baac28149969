"""What a probability rests on, in log-odds: exact, so that base and contributions add up to the calibrated log-odds.

Logistic regression: coefficient times (scaled) value. Boosted trees: TreeSHAP, which is exact because no column is a native category.
Both are of the estimator; the calibration is a line in log-odds, so each contribution is multiplied by its slope and the base is put on the
line. The columns of one feature (its texts, its gaps) are added together.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from scoring.anchors import scores_of
from scoring.features.definitions import Family
from scoring.models.metrics import Places
from scoring.models.model import Model
from scoring.models.words import is_silent, words_for
from scoring.panel import Numbers
from scoring.predictions import Factor

MOST_FACTORS: Final = 5
MOST_OF_FAMILY: Final = 2
"""Features of one family say much the same; of more than two nobody learns anything."""
LEAST_FACTORS: Final = 3
MOST_SILENT: Final = 1
"""Factors that say no more than that nothing is known of something."""
_SLIGHT: Final = 0.02
"""Log-odds below which nothing is worth a word."""


class Explainer:
    """Explains the predictions of one model."""

    def __init__(self, model: Model) -> None:
        """Prepare; takes a second the first time trees are explained, because shap is imported."""
        self.model = model
        self._owners = np.zeros((len(model.design.columns), len(model.features)))
        self._owners[np.arange(len(model.design.columns)), model.design.owners()] = 1.0
        self._trees = None
        line = model.calibration
        if model.algorithm == "boosting":
            from shap import TreeExplainer

            self._trees = TreeExplainer(model.estimator)
            expected = float(np.ravel(self._trees.expected_value)[0])
        else:
            expected = float(model.estimator.intercept_[0])
        self.base = float(line.log_odds(np.array([expected]))[0])
        """Calibrated log-odds of nobody in particular: contributions are added to it."""
        self._words: dict[tuple[int, float], str] = {}

    def contributions(self, values: Numbers) -> Numbers:
        """Give (n, k) contributions of features to calibrated log-odds."""
        columns = self.model.design.matrix(values)
        if self._trees is None:
            parts = columns * self.model.estimator.coef_[0]
        else:
            parts = np.asarray(self._trees.shap_values(columns, check_additivity=False))
        result: Numbers = self.model.calibration.slope * (parts @ self._owners)
        return result

    def additivity_error(self, values: Numbers) -> float:
        """Give the largest gap, in log-odds, between base and contributions added up and what the model says."""
        if not len(values):
            return 0.0
        return float(np.abs(self.base + self.contributions(values).sum(axis=1) - self.model.log_odds(values)).max())

    def families(self, contributions: Numbers) -> dict[Family, Numbers]:
        """Add (n, k) contributions up by family: (n,) each."""
        found: dict[Family, Numbers] = {}
        for place, feature in enumerate(self.model.features):
            found[feature.family] = found.get(feature.family, np.zeros(len(contributions))) + contributions[:, place]
        return found

    def factors(self, values: Numbers, probabilities: Numbers) -> list[tuple[Factor, ...]]:
        """Name what adds most to each of (n,) probabilities, the heaviest first: 3 to 5, at most two of a family, one that is not known.

        Where fewer than three add anything, what takes most away follows.
        """
        parts = self.contributions(values)
        points = self._points(parts, probabilities)
        order = np.argsort(-parts, axis=1, kind="stable")
        families = [feature.family for feature in self.model.features]
        return [
            tuple(
                self._factor(place, float(value[place]), float(part[place]), float(point[place]))
                for place in _chosen(ranks, part, families, self._silent(value))
            )
            for ranks, part, point, value in zip(order, parts, points, values, strict=True)
        ]

    def _silent(self, value: Numbers) -> set[int]:
        return {place for place in np.flatnonzero(np.isnan(value)).tolist() if is_silent(self.model.features[place], float("nan"))}

    def _points(self, parts: Numbers, probabilities: Numbers) -> Numbers:
        """Give what each contribution is worth in points of the score: the score less the score without it."""
        base_rate = self.model.base_rate
        odds = np.log(probabilities) - np.log1p(-probabilities)
        without = 1 / (1 + np.exp(parts - odds[:, None]))
        result: Numbers = scores_of(probabilities, base_rate)[:, None] - scores_of(without.ravel(), base_rate).reshape(without.shape)
        return result

    def _factor(self, place: int, value: float, part: float, points: float) -> Factor:
        feature = self.model.features[place]
        said = self.model.readable(place, value)
        reference = self.model.readable(place, float(self.model.reference[place]))
        key = (place, value)
        words = self._words.get(key)
        if words is None:
            words = words_for(feature, said, reference)
            if len(self._words) < 100_000 and value == value:  # NaN equals nothing, so it would fill the store
                self._words[key] = words
        return Factor(feature.name, feature.family, words, part, points, said, reference)


def _chosen(ranks: Places, part: Numbers, families: list[Family], silent: set[int]) -> list[int]:
    """Choose features; `ranks`: their places, the heaviest first; `silent`: those of which there is nothing to say."""
    chosen: list[int] = []
    count: dict[Family, int] = {}
    one_family = len(set(families)) == 1  # as in a table nobody has described
    for place in ranks.tolist():
        if part[place] < _SLIGHT or len(chosen) == MOST_FACTORS:
            break
        if place in silent and len(silent.intersection(chosen)) >= MOST_SILENT:
            continue
        if count.get(families[place], 0) < MOST_OF_FAMILY or one_family:
            count[families[place]] = count.get(families[place], 0) + 1
            chosen.append(place)
    if len(chosen) < LEAST_FACTORS:
        away = [place for place in ranks[::-1].tolist() if part[place] <= -_SLIGHT and place not in {*chosen, *silent}]
        chosen += away[: LEAST_FACTORS - len(chosen)]
    return chosen


def importances(explainer: Explainer, values: Numbers) -> Mapping[str, float]:
    """Give the mean size of each feature's contribution over rows, in log-odds."""
    sizes = np.abs(explainer.contributions(values)).mean(axis=0) if len(values) else np.zeros(len(explainer.model.features))
    return {feature.name: float(size) for feature, size in zip(explainer.model.features, sizes, strict=True)}
