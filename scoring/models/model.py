"""A trained model: columns, estimator, calibration, and what its scores are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from scoring.features.definitions import Feature, schema_hash
from scoring.models.calibration import Calibration
from scoring.models.design import Algorithm, Design
from scoring.models.metrics import Threshold
from scoring.models.threads import one_thread
from scoring.panel import FeatureValue, Numbers

Estimator: TypeAlias = Any
"""scikit-learn's LogisticRegression or HistGradientBoostingClassifier, fitted; the package has no types."""


@dataclass(frozen=True)
class Model:
    """Gives probabilities for rows of features.

    Args:
        target: what is predicted: churn, expansion, or a table's label.
        algorithm: logistic or boosting.
        features: the columns of `values`, in their order.
        levels: texts of the categories by the feature's name, as rows must be encoded.
        design: how features become columns of the estimator.
        estimator: gives log-odds.
        calibration: what those are turned into.
        base_rate: share of cases among the rows it learned from.
        reference: (k,) medians of the rows it learned from, of a category the place of its commonest text; NaN where all are missing.
        threshold: from which probability on an account counts as at risk.
    """

    target: str
    algorithm: Algorithm
    features: tuple[Feature, ...]
    levels: Mapping[str, tuple[str, ...]]
    design: Design
    estimator: Estimator
    calibration: Calibration
    base_rate: float
    reference: Numbers
    threshold: Threshold | None = None

    @property
    def schema(self) -> str:
        """Give the hash of its features."""
        return schema_hash(self.features)

    def raw(self, values: Numbers) -> Numbers:
        """Give the estimator's log-odds for (n, k) rows."""
        return raw_log_odds(self.estimator, self.design, values)

    def log_odds(self, values: Numbers) -> Numbers:
        """Give calibrated log-odds for (n, k) rows."""
        return self.calibration.log_odds(self.raw(values))

    def predict(self, values: Numbers) -> Numbers:
        """Give calibrated probabilities for (n, k) rows, 0 to 1."""
        return self.calibration.probabilities(self.raw(values))

    def readable(self, feature: int, value: float) -> FeatureValue:
        """Give a number of a row as people know it: a category's text, None where it is missing."""
        if np.isnan(value):
            return None
        each = self.features[feature]
        return self.levels[each.name][int(value)] if each.kind == "category" else float(value)


def raw_log_odds(estimator: Estimator, design: Design, values: Numbers) -> Numbers:
    """Give an estimator's log-odds for (n, k) rows."""
    if not len(values):
        return np.empty(0)
    with one_thread():
        result: Numbers = np.asarray(estimator.decision_function(design.matrix(values)), float).reshape(-1)
    return result


def reference_of(features: tuple[Feature, ...], values: Numbers) -> Numbers:
    """Give medians, and the commonest level of categories."""
    result = np.full(len(features), np.nan)
    for place, feature in enumerate(features):
        there = values[:, place][~np.isnan(values[:, place])]
        if len(there):
            result[place] = np.bincount(there.astype(np.int64)).argmax() if feature.kind == "category" else np.median(there)
    return result
