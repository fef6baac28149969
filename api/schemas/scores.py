"""Bodies of the routes about scores."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.runs import Body

Level: TypeAlias = Literal["low", "medium", "high"]
Source: TypeAlias = Literal["remote", "champion", "scorecard", "cached"]
Kind: TypeAlias = Literal["churn", "expansion", "health"]
Allow: TypeAlias = Literal["fresh", "fallback", "stale"]


class AnchorOut(BaseModel):
    """A published point between probability and score; between two of them the score is linear."""

    probability: float = Field(examples=[0.05])
    score: int = Field(examples=[50])


class FactorOut(BaseModel):
    """What a score is associated with; never what caused it."""

    feature: str = Field(examples=["logins_trend"])
    family: str = Field(default="", examples=["usage"])
    words: str = Field(examples=["logins fell 62 % against the 90 days before"])
    contribution: float = Field(default=0, description="In log-odds; above 0 raises the probability.", examples=[0.9])
    points: float = Field(default=0, description="The same in points of the score.", examples=[11.5])
    value: float | str | None = None
    reference: float | str | None = Field(default=None, description="The median of the accounts the model learned from.")


class FailedOut(BaseModel):
    """A scorer that was there and did not answer."""

    link: Source = Field(examples=["remote"])
    code: str = Field(examples=["ML001"])
    why: str = Field(examples=["it did not answer within 800 ms"])


class ScoreOut(BaseModel):
    """One score, what it rests on, and where it came from."""

    account: str = Field(examples=["C-0001"])
    target: Literal["churn", "expansion"] = Field(examples=["churn"])
    score: int = Field(description="0 to 100 by the anchors: 50 is what is usual, 80 four times that.", examples=[84])
    probability: float = Field(description="Calibrated, of the 90 days that begin in two weeks.", examples=[0.21])
    level: Level = Field(description="`high` from 80, `medium` from 50.", examples=["high"])
    factors: list[FactorOut] = []
    source: Source = Field(description="Who gave this answer.", examples=["champion"])
    given_by: Source | None = Field(default=None, description="Who made the score, also when it was kept.", examples=["champion"])
    model_version: str = Field(examples=["churn-7"])
    as_of: datetime = Field(description="The cutoff of what it rests on.")
    scored_at: datetime
    age_s: float = Field(default=0, description="How old the score is, or its features where they are older than two days.", examples=[0])
    stale: bool = Field(
        description="An old score for want of a new one, or one that rests on features older than two days.", examples=[False]
    )
    coverage: float = Field(description="Share of the features that were there.", examples=[0.87])
    base_rate: float = Field(description="What is usual, on which the anchors stand.", examples=[0.05])
    anchors: list[AnchorOut]
    code: str | None = Field(default=None, description="PRED001 when every scorer was away.", examples=["PRED001"])
    why: str = Field(default="", description="The same in words, or that the features are old.")
    failed: list[FailedOut] = Field(default=[], description="Scorers that were there and did not answer, the best first.")


class AccountHealth(BaseModel):
    """How an account is."""

    score: float = Field(description="0 (worst) to 100.", examples=[41])
    band: Literal["green", "yellow", "red"] = Field(examples=["yellow"])
    words: list[str] = Field(default=[], description="What weighs on it most.")
    model_version: str = Field(description="The scorecard, or `scorecard:facts` when somebody told it.", examples=["scorecard:default-3"])
    as_of: datetime
    stale: bool = Field(description="Not computed in the last two days.", examples=[False])
    coverage: float = Field(examples=[0.9])


class AccountScores(BaseModel):
    """The newest scores of an account; null where there is none."""

    account: str = Field(examples=["C-0001"])
    health: AccountHealth | None
    churn: ScoreOut | None
    expansion: ScoreOut | None


class ScoreNow(Body):
    """Which score is good enough."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"allow": "stale", "anew": False}]})
    allow: Allow = Field(
        default="stale",
        description="`fresh`: only of the best scorer there is. `fallback`: also of a stand-in. `stale`: also one from before.",
    )
    anew: bool = Field(default=False, description="Compute it also when the one from before is fresh.")


class RiskOut(BaseModel):
    """An account at risk. `money_at_risk` is the probability times the yearly revenue, in its own currency."""

    account: str = Field(examples=["C-0001"])
    name: str = Field(examples=["ACME"])
    csm: str | None = Field(default=None, examples=["maria"])
    score: int = Field(examples=[84])
    probability: float = Field(examples=[0.21])
    level: Level = Field(examples=["high"])
    arr: Decimal | None = Field(default=None, examples=["6000.00"])
    money_at_risk: Decimal | None = Field(default=None, examples=["1260.00"])
    currency: str | None = Field(default=None, examples=["EUR"])
    top_factors: list[str] = []
    source: Source = Field(examples=["champion"])
    model_version: str = Field(examples=["churn-7"])
    coverage: float = Field(examples=[0.87])
    as_of: datetime
    scored_at: datetime


class PastScore(BaseModel):
    """The score of a night."""

    as_of: datetime
    score: float | None = Field(examples=[84])
    probability: float | None = Field(default=None, examples=[0.21])
    level: str = Field(examples=["high"])
    source: str = Field(examples=["champion"])
    model_version: str = Field(examples=["churn-7"])
    coverage: float = Field(examples=[0.87])
