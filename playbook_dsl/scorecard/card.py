"""A compiled scorecard: what health is made of. Everything evaluation needs, and nothing of the file."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from pydantic import Field

from playbook_dsl.plan_part import Expr, PlanPart

DEFAULT: Final = "default"
"""The card of every account that no other card is for."""
BAND_NAMES: Final = ("green", "yellow", "red")
Band: TypeAlias = Literal["green", "yellow", "red"]
Policy: TypeAlias = Literal["skip", "worst", "neutral", "fixed"]
NEUTRAL_POINTS: Final = 50.0


class Missing(PlanPart):
    """What a measure that is missing counts: nothing (`skip`), its worst, the middle (`neutral`), or a number of points (`fixed`)."""

    policy: Policy = "skip"
    points: float | None = None


class Ramp(PlanPart):
    """A straight line: `low` and all beyond it is 0 points, `high` and all beyond it 100. `low` may be above `high`."""

    low: float
    high: float


class Step(PlanPart):
    """Points of a value. Of numbers it is the least one that gets them; a step without a value is for all else."""

    value: bool | float | str | None = None
    points: float


class Measure(PlanPart):
    """One measure: an expression, and how its value becomes points, by a ramp or by steps. `paths` are the facts it reads."""

    id: str
    title: str
    value: Expr
    unit: str | None = None
    paths: tuple[str, ...] = ()
    ramp: Ramp | None = None
    steps: tuple[Step, ...] = ()
    weight: float = 1.0
    missing: Missing = Missing()


class Group(PlanPart):
    """Measures that belong together, with their weight in the whole."""

    id: str
    title: str
    weight: float = 1.0
    measures: tuple[Measure, ...]


class Limit(PlanPart):
    """An exception: while its condition holds the score is at most `cap`, and at least `floor`."""

    when: Expr
    because: str
    paths: tuple[str, ...] = ()
    cap: float | None = None
    floor: float | None = None


class Card(PlanPart):
    """A scorecard.

    `applies` chooses its accounts (all, where it is None). `segments` are the weights of accounts whose `segment_by` is that text, by
    group id or `group.measure`. `min_coverage` is 0 to 1. `bands` are the least scores of green and yellow.
    """

    name: str
    title: str
    applies: Expr | None = None
    groups: tuple[Group, ...]
    segment_by: Expr = "account.segment"
    segments: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    min_coverage: float = 0.6
    green: float = 70.0
    yellow: float = 40.0
    trend_days: int = 30

    def measures(self) -> Iterator[tuple[Group, Measure]]:
        """Give every measure with its group, in the order of the file."""
        return ((group, measure) for group in self.groups for measure in group.measures)

    def band_of(self, score: float) -> Band:
        """Give the band of a score."""
        return "green" if score >= self.green else "yellow" if score >= self.yellow else "red"

    def digest(self) -> str:
        """Give the sha256 of what the card says; the same for two files that differ in comments and spaces only."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
