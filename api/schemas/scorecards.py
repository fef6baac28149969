"""Bodies of the routes about scorecards and the health of accounts."""

from datetime import date, datetime
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


class CardEffectOut(BaseModel):
    """Whose band changes only because of the card: computed over the accounts as they are now."""

    words: str = Field(examples=["By this card 37 of 255 accounts get another band than they have now (37 from green to yellow)."])
    changed: int = Field(description="Accounts that have a band now and get another one.", examples=[37])
    looked_at: int = Field(description="Customers that were looked at: all, or a sample of 2,000.", examples=[255])
    accounts: int = Field(description="How many accounts there are.", examples=[255])
    changes: dict[str, int] = Field(examples=[{"green to yellow": 37}])
    playbooks: list[str] = Field(description="Published playbooks that are entered by health.", examples=[["at-risk-save"]])


class ScorecardPublished(ScorecardOut):
    """A version that was published, and what that changes."""

    effect: CardEffectOut | None = Field(default=None, description="What the next night changes; null when it was published already.")


class ScorecardSaved(ScorecardPublished):
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
    shown: str = Field(description="The value in words.", examples=["-62 %"])
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
    words: str = Field(examples=["54 of 100, yellow. Change of logins (-62 %) takes 14 points away."])
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


class FigureOut(BaseModel):
    """A figure with its 95 % interval."""

    value: float | None = Field(description="null where it cannot be worked out.", examples=[0.75])
    low: float | None = Field(default=None, examples=[0.71])
    high: float | None = Field(default=None, examples=[0.79])


class BandRateOut(BaseModel):
    """What became of the accounts of a band."""

    band: Literal["green", "yellow", "red", "no score"] = Field(examples=["yellow"])
    rows: int = Field(description="Accounts at dates.", examples=[1273])
    churned: int = Field(examples=[104])
    rate: FigureOut


class BacktestOut(BaseModel):
    """What a scorecard would have said of accounts whose end is known."""

    card: str = Field(examples=["default"])
    words: str = Field(examples=["Of 5,673 rows (995 accounts) 3.2 % were lost. …"])
    rows: int = Field(description="Accounts at the first snapshot of each month.", examples=[5673])
    accounts: int = Field(examples=[995])
    churned: int = Field(description="Rows that were lost 14 to 104 days later.", examples=[180])
    scored: float = Field(description="Share of the rows with a score, 0 to 1.", examples=[0.99])
    first: date | None = Field(description="The first day there was.")
    last: date | None = None
    base_rate: FigureOut
    auc: FigureOut = Field(description="0.5 is chance, 1 is never wrong in the order of two accounts.")
    top_decile_lift: FigureOut = Field(description="How many times the base rate is lost among the tenth with the lowest scores.")
    top_decile_recall: FigureOut = Field(description="Share of all lost that is in that tenth.")
    bands: list[BandRateOut]
    unknown: dict[str, float] = Field(
        description="Measures that were not known then, with the share of the rows.", examples=[{"Satisfaction": 0.26}]
    )


class RemarkOut(BaseModel):
    """One remark of the lint."""

    kind: Literal["band", "missing", "weight", "exception", "change"] = Field(examples=["band"])
    subject: str = Field(examples=["red"])
    words: str = Field(examples=["No published playbook asks about health that is red."])


class LintOut(BaseModel):
    """What is legal in a scorecard and still hardly meant."""

    card: str = Field(examples=["default"])
    remarks: list[RemarkOut]
    accounts: int = Field(description="How many accounts were looked at.", examples=[3000])
    reach: dict[str, list[str]] = Field(
        description="Playbooks that ask about health, with the bands they reach.", examples=[{"at-risk-save": ["red"]}]
    )
    limits: str = Field(description="What the lint cannot see.")
    effect: CardEffectOut
