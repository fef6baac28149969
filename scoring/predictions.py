"""What a score is: the number, what it rests on, and where it came from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from scoring.panel import FeatureValue

Target: TypeAlias = Literal["churn", "expansion"]
"""What is predicted: the loss of an account, or that it buys more."""
Source: TypeAlias = Literal["remote", "champion", "scorecard", "cached"]
"""Who gave the score, the best first."""
Level: TypeAlias = Literal["low", "medium", "high"]

LEAD_DAYS = 14
"""Days after a cutoff that are left to act: what happens in them is no label."""
WINDOW_DAYS = 90
"""Length of the window of labels, which begins after the lead time: churn in (cutoff + 14 d, cutoff + 104 d]."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for a score: what it is associated with, never what caused it.

    Args:
        feature: its name, or the measure's of a scorecard.
        family: as in `Feature.family`.
        words: in plain words, with value and reference: "logins fell 62 % against the 90 days before".
        contribution: in log-odds; above 0 raises the probability.
        points: the same in points of the score shown.
        value: the feature now.
        reference: what it is compared with: the median of the accounts the model learned from.
    """

    feature: str
    family: str
    words: str
    contribution: float
    points: float
    value: FeatureValue
    reference: FeatureValue


@dataclass(frozen=True, slots=True)
class Prediction:
    """One score of one account.

    Args:
        account: its id.
        target: what is predicted.
        probability: calibrated, 0 to 1, of the event in the window of labels.
        score: 0 to 100 by the published anchors: the base rate is 50, four times the base rate 80 (`scoring.anchors`).
        level: low below 50, medium up to 79, high from 80.
        factors: what adds most, the heaviest first.
        source: who gave it.
        model_version: `churn-7`, `scorecard:default-3`, the endpoint's name.
        as_of: the cutoff of the features it rests on.
        scored_at: when it was computed.
        coverage: share of the features that were there, 0 to 1.
        stale: whether it is an old answer given for want of a new one.
        base_rate: what the score's anchors stand on.
    """

    account: str
    target: Target
    probability: float
    score: int
    level: Level
    factors: tuple[Factor, ...]
    source: Source
    model_version: str
    as_of: datetime
    scored_at: datetime
    coverage: float
    stale: bool = False
    base_rate: float = 0.0
