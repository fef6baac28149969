"""A model that scores in this process, loaded from its file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, cast

import numpy as np

from scoring.anchors import level_of, scores_of
from scoring.models.explain import Explainer
from scoring.models.files import Manifest, load
from scoring.models.model import Model
from scoring.panel import FeatureValue, Numbers, encode
from scoring.predictions import Prediction, Target

_SURE: Final = 1e-9
_CHUNK: Final = 10_000
"""Rows explained at a time, so that a whole book needs no more memory than that."""


class LocalModel:
    """Gives predictions with factors; the version is `churn-7`."""

    def __init__(self, model: Model, manifest: Manifest) -> None:
        """Take a model and what its file says of it."""
        self.model = model
        self.manifest = manifest
        self.explainer = Explainer(model)

    @classmethod
    def load(cls, data: bytes, sha256: str, *, feature_set: str | None = None) -> "LocalModel":
        """Read a model file; see `scoring.models.files.load`.

        Raises:
            ModelRefused: the file is not what it must be.
        """
        return cls(*load(data, sha256, feature_set=feature_set))

    @property
    def version(self) -> str:
        """Give what predictions call it."""
        return f"{self.model.target}-{self.manifest.version}"

    def values(self, rows: Sequence[Mapping[str, FeatureValue]]) -> Numbers:
        """Turn features by name into (n, k) numbers; infinite ones are missing."""
        values, _ = encode(self.model.features, rows, self.model.levels)
        values[~np.isfinite(values)] = np.nan
        return values

    def predict(self, values: Numbers) -> Numbers:
        """Give calibrated probabilities of (n, k) rows."""
        return self.model.predict(values)

    def predictions(
        self, rows: Sequence[Mapping[str, FeatureValue]], accounts: Sequence[str], as_of: Sequence[datetime], scored_at: datetime
    ) -> list[Prediction]:
        """Score accounts by their features.

        Args:
            rows: features by name; one that is absent is missing.
            accounts: ids, in the order of the rows.
            as_of: the cutoff of each row.
            scored_at: now.
        """
        found: list[Prediction] = []
        for begins in range(0, len(rows), _CHUNK):
            part = slice(begins, begins + _CHUNK)
            found += self._chunk(self.values(rows[part]), accounts[part], as_of[part], scored_at)
        return found

    def _chunk(self, values: Numbers, accounts: Sequence[str], as_of: Sequence[datetime], scored_at: datetime) -> list[Prediction]:
        probabilities = np.clip(self.predict(values), _SURE, 1 - _SURE)
        scores = np.rint(scores_of(probabilities, self.model.base_rate)).astype(np.int64).tolist()
        coverage = (1 - np.isnan(values).mean(axis=1)).tolist()
        factors = self.explainer.factors(values, probabilities)
        return [
            Prediction(
                account=account,
                target=cast("Target", self.model.target),
                probability=probability,
                score=score,
                level=level_of(score),
                factors=named,
                source="champion",
                model_version=self.version,
                as_of=cutoff,
                scored_at=scored_at,
                coverage=covered,
                base_rate=self.model.base_rate,
            )
            for account, probability, score, named, cutoff, covered in zip(
                accounts, probabilities.tolist(), scores, factors, as_of, coverage, strict=True
            )
        ]
