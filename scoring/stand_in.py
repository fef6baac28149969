"""A health scorecard in the place of a model: its score as a probability, by the anchors that are published."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from scoring.anchors import anchors, level_of, score_of
from scoring.predictions import Factor, Prediction, Source, Target
from scoring.serve import Row, ScorerError

_MOST_EXPANSION: Final = 79
"""Health says who is well, not who is about to buy: alone it never makes the readiness for more high."""


def probability_of(score: float, base_rate: float) -> float:
    """Give the probability that is shown as this score, 0 to 100: the anchors read backwards."""
    points = anchors(base_rate)
    return float(np.interp(score, [float(shown) for _, shown in points], [probability for probability, _ in points]))


def risk_of_health(health: float) -> float:
    """Give the score of risk, 0 to 100, that stands in for a model's: what health lacks."""
    return min(100.0, max(0.0, 100.0 - health))


class ScorecardScorer:
    """Scores accounts by their health alone."""

    source: Source = "scorecard"

    def __init__(self, target: Target, base_rate: float, scored_at: datetime) -> None:
        """Stand in for a model of this target."""
        self._target: Target = target
        self._base_rate = base_rate
        self._scored_at = scored_at

    def version(self, row: Row) -> str:
        """Give the card's version."""
        return row.health.version if row.health else ""

    def lacks(self, row: Row) -> str | None:
        """Say that there is no health."""
        return "the account has no health score" if row.health is None else None

    def as_of(self, row: Row) -> datetime | None:
        """Give when its health was computed."""
        return row.health.as_of if row.health else None

    async def ready(self) -> None:
        """Nothing is to be loaded."""

    async def score(self, rows: Sequence[Row]) -> Mapping[str, Prediction]:
        """Score accounts that have a health."""
        return {row.account: self._one(row) for row in rows}

    def _one(self, row: Row) -> Prediction:
        health = row.health
        if health is None:
            raise ScorerError("an account without a health score was asked for")
        shown = risk_of_health(health.score) if self._target == "churn" else min(float(_MOST_EXPANSION), health.score)
        probability = probability_of(shown, self._base_rate)
        score = score_of(probability, self._base_rate)
        return Prediction(
            account=row.account,
            target=self._target,
            probability=probability,
            score=score,
            level=level_of(score),
            factors=tuple(Factor("health", "health", words, 0.0, 0.0, health.score, None) for words in health.words),
            source=self.source,
            model_version=health.version,
            as_of=health.as_of,
            scored_at=self._scored_at,
            coverage=health.coverage,
            base_rate=self._base_rate,
        )
