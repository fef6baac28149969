"""Bodies of the routes about scorecards and the health of accounts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.parts import JsonMap
from api.schemas.playbooks import DiagnosticOut
from api.schemas.runs import Body

EXAMPLE = (
    "scorecard: default\ngroups:\n  usage:\n    measures:\n      logins: {measure: usage.logins.change_30d, ramp: {low: -50, high: 10}}\n"
)

BandName = Literal["green", "yellow", "red"]


class ScorecardChecked(BaseModel):
    """What the compiler says of a scorecard."""

    ok: bool = Field(description="Whether it could be published.", examples=[True])
    scorecard: str | None = Field(default=None, examples=["default"])
    digest: str | None = Field(default=None, description="sha256 of what it says.", examples=["9f86d081884c7d659a2feaa0c55ad015"])
    diagnostics: list[DiagnosticOut]


class ScorecardOut(BaseModel):
    """A version of a scorecard."""

    name: str = Field(examples=["default"])
    version: int = Field(examples=[3])
    status: Literal["draft", "published", "archived"] = Field(examples=["published"])
    digest: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])
    created_by: str | None = Field(default=None, examples=["maria"])
    created_at: datetime
    published_at: datetime | None = None


class ScorecardSaved(ScorecardOut):
    """A version that was kept, with the compiler's warnings."""

    warnings: list[DiagnosticOut] = Field(default_factory=list)


class ScorecardDetails(ScorecardOut):
    """A version with its text and the card that came of it."""

    source: str = Field(examples=[EXAMPLE])
    card: JsonMap


class MeasureOut(BaseModel):
    """One measure of an account."""

    id: str = Field(examples=["usage.logins"])
    title: str = Field(examples=["Change of logins"])
    value: object = Field(default=None, description="What the expression gave; null when it is missing.", examples=[-62])
    unit: str | None = Field(default=None, examples=["percent"])
    points: float | None = Field(default=None, description="0 to 100; null when it is left out.", examples=[12.5])
    weight: float = Field(description="Its share of the score, 0 to 1; 0 when it is left out.", examples=[0.16])
    missing: bool = Field(description="Whether the value is missing, also when the card gives points for that.", examples=[False])
    lost: float = Field(description="Points it takes from the score.", examples=[14.0])


class GroupOut(BaseModel):
    """One group of measures."""

    id: str = Field(examples=["usage"])
    title: str = Field(examples=["Use of the product"])
    points: float | None = Field(default=None, description="0 to 100; null when nothing of it is known.", examples=[41.0])
    weight: float = Field(description="Its share of the score, 0 to 1.", examples=[0.4])
    measures: list[MeasureOut]


class ExceptionOut(BaseModel):
    """An exception of the card that holds."""

    because: str = Field(examples=["a ticket of the highest severity is open"])
    cap: float | None = Field(default=None, examples=[39])
    floor: float | None = None
    changed: bool = Field(description="Whether it changed the score.", examples=[True])


class TrendPoint(BaseModel):
    """The computed score at a moment."""

    as_of: datetime
    score: float | None = Field(description="null when too little was known.", examples=[71])


class OverrideOut(BaseModel):
    """What a person says instead of the computed score."""

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    account: str = Field(examples=["C-0001"])
    score: float = Field(examples=[30])
    reason: str = Field(examples=["Their CEO told us that they are looking around"])
    by: str = Field(examples=["maria"])
    created_at: datetime
    until: datetime
    ended_at: datetime | None = None
    ended_by: str | None = Field(default=None, examples=["expired"])


class HealthOut(BaseModel):
    """The health of an account as it is now, with everything it is made of."""

    account: str = Field(examples=["C-0001"])
    score: float | None = Field(description="What people and playbooks see: an override goes first; null when too little is known.")
    band: str | None = Field(default=None, examples=["yellow"])
    computed: float | None = Field(default=None, description="What the card says, override or not.", examples=[54])
    card: str = Field(description="The card and its version; version 0 comes with the product.", examples=["scorecard:default-3"])
    words: str = Field(examples=["54 of 100, yellow. Change of logins (-62 percent) takes 14 points away."])
    coverage: float = Field(description="Share of the weight that is known, 0 to 1.", examples=[0.83])
    min_coverage: float = Field(description="Below it there is no score.", examples=[0.6])
    change: float | None = Field(default=None, description="Computed points more than `trend_days` before.", examples=[-12])
    trend_days: int = Field(examples=[30])
    trend: list[TrendPoint] = Field(description="The nights of twice the trend's days, the oldest first.")
    factors: list[str] = Field(description="What takes most away, the heaviest first.")
    exceptions: list[ExceptionOut]
    groups: list[GroupOut]
    override: OverrideOut | None = None
    as_of: datetime


class PutOverride(Body):
    """What a person says of an account's health, why, and until when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"score": 30, "reason": "Their CEO told us that they are looking around", "until": "2027-01-31T00:00:00Z"}]
        },
    )
    score: float = Field(ge=0, le=100)
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
    until: AwareDatetime = Field(description="When it ends by itself; at most a year from now.")
