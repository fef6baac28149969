"""Bodies of the routes about models."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from activities.contracts import JsonTree
from api.schemas.runs import Body

Because = Annotated[str, Field(min_length=3, max_length=1000, description="Why; it is kept in the audit.")]


class GateOut(BaseModel):
    """One gate that stands before a promotion."""

    name: str = Field(examples=["calibration"])
    passed: bool = Field(examples=[True])
    measured: float | None = Field(default=None, examples=[0.021])
    bar: str = Field(default="", examples=["ECE <= 0.03"])
    why: str = Field(examples=["Probabilities miss the rates by 0.021 on average."])
    blocks: str = Field(default="shadow", description="What becomes of a model that fails it: reject, or shadow.", examples=["shadow"])
    feature: str | None = Field(default=None, description="What a person may clear of suspicion.", examples=["overdue_days"])


class ModelOut(BaseModel):
    """A model that was trained."""

    target: str = Field(examples=["churn"])
    version: int = Field(examples=[7])
    status: Literal["champion", "shadow", "retired", "rejected"] = Field(examples=["champion"])
    algorithm: str = Field(examples=["boosted trees"])
    feature_set: str = Field(examples=["a1b2c3d4e5f6"])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"], description="Of its file.")
    metrics: dict[str, JsonTree] = Field(description="On the newest closed window, with intervals, base rate and number of accounts.")
    gates: list[GateOut]
    cleared: list[str] = Field(examples=[[]], description="Features that somebody looked at and found no leak in.")
    libraries: dict[str, JsonTree] = Field(examples=[{"scikit-learn": "1.9.1"}])
    trained_at: datetime
    promoted_at: datetime | None
    retired_at: datetime | None
    by: str | None = Field(examples=["schedule"])


class ModelCardOut(ModelOut):
    """A model with its card."""

    card: str = Field(description="Markdown.", examples=["# churn-7\n"])


class TrainNow(Body):
    """How to train."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"hold": False}]})
    hold: Annotated[bool, Field(description="Keep the model in shadow whatever the gates say.")] = False


class PromoteModel(Body):
    """Why a person lets a model score that the gates kept in shadow."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"because": "reviewed with the data team"}]})
    because: Because


class ClearFeature(Body):
    """A feature that looks like a leak and is none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"feature": "overdue_days", "because": "known before"}]})
    feature: Annotated[str, Field(max_length=100, description="Its name.")]
    because: Because


class BackfillNow(Body):
    """How far back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"months": 24}]})
    months: Annotated[int, Field(ge=1, le=120, description="Months, this one among them.")] = 24


class ScoringStarted(BaseModel):
    """The job is under way."""

    workflow_id: str = Field(examples=["scoring:main:train:churn"])
    link: str = Field(examples=["http://127.0.0.1:8233/namespaces/default/workflows/scoring:main:train:churn"])


class JobOut(BaseModel):
    """How a job gets on: `result` once it is completed, `error` once it has failed."""

    workflow_id: str = Field(examples=["scoring:main:train:churn"])
    status: str = Field(examples=["completed"], description="running, completed, failed, canceled, terminated, timed_out.")
    result: dict[str, JsonTree] | None = Field(default=None, examples=[{"version": 7, "status": "champion"}])
    error: str | None = None


class DriftOut(BaseModel):
    """What changed in a month against what the champion learned from."""

    target: str = Field(examples=["churn"])
    month: date
    model_version: int = Field(examples=[7])
    alarms: int = Field(examples=[1])
    report: dict[str, JsonTree] = Field(description="By feature: the index, its threshold for this many accounts, and the verdict.")
    created_at: datetime
