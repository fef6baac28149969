"""Bodies of the routes about syncs."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.runs import Body

_MAPPING = "Account:\n  into: account\n  create: true\n  fields: {name: Name}\n"


class StartSync(Body):
    """How to sync."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"from_start": False}]})
    from_start: Annotated[bool, Field(description="Read every record again, also those that did not change since the last sync.")] = False


class SyncStarted(BaseModel):
    """The sync is under way; its report shows how it gets on."""

    vendor: str = Field(examples=["salesforce"])
    workflow_id: str = Field(examples=["sync:main:salesforce"])
    link: str = Field(examples=["http://127.0.0.1:8233/namespaces/default/workflows/sync:main:salesforce"])


class SyncSettingOut(BaseModel):
    """What becomes of a vendor's records, and how often they are read."""

    vendor: str = Field(examples=["salesforce"])
    kinds: list[str] = Field(examples=[["Account", "Contact", "Opportunity"]], description="What the connector can read.")
    mapping: str | None = Field(examples=[_MAPPING], description="The mapping in force, YAML.")
    shipped: bool = Field(examples=[True], description="Whether it is the one that comes with the connector.")
    every_min: int = Field(examples=[60], description="Minutes between two syncs; 0: only when asked.")
    queued: int = Field(examples=[3], description="Records that could not be taken in and are tried again.")


class PutSyncSetting(Body):
    """What is to be otherwise than as shipped; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mapping": _MAPPING, "every_min": 30}]})
    mapping: Annotated[str | None, Field(max_length=262_144, description="YAML; null goes back to the shipped one.")] = None
    every_min: Annotated[int | None, Field(ge=0, le=10_080, description="Minutes between two syncs; null goes back to the usual.")] = None


class KindCounts(BaseModel):
    """What came of the records of a kind; `skipped` counts values."""

    read: int = Field(default=0, examples=[1200])
    created: int = Field(default=0, examples=[3])
    changed: int = Field(default=0, examples=[14])
    unchanged: int = Field(default=0, examples=[1180])
    unmatched: int = Field(default=0, examples=[2], description="No account of ours was found for them.")
    failed: int = Field(default=0, examples=[1])
    skipped: int = Field(default=0, examples=[5], description="Values left alone by the conflict rules.")


class SkippedValues(BaseModel):
    """Values of a field that were left alone for one reason."""

    kind: str = Field(examples=["Account"])
    field: str = Field(examples=["tier"])
    why: str = Field(examples=["somebody changed it here, and that stays"])
    count: int = Field(examples=[5])
    example: str = Field(examples=["0015g00000XYZ"], description="The vendor's id of one of the records.")


class SyncReportOut(BaseModel):
    """One sync."""

    id: str = Field(examples=["0b7a1e0e-3f5c-4c4e-9a6e-0f4f7c1f2a11"])
    vendor: str = Field(examples=["salesforce"])
    status: Literal["running", "done", "failed"] = Field(examples=["done"])
    started_by: str | None = Field(examples=["maria"])
    started_at: datetime
    ended_at: datetime | None
    counts: dict[str, KindCounts]
    skipped: list[SkippedValues]
    cursors: dict[str, str] = Field(examples=[{"Account": "2026-11-23T09:00:00Z"}], description="How far each kind is read.")
    error: str | None = Field(examples=["Salesforce does not accept the credentials [NotAuthorized]"])


class SyncFailureOut(BaseModel):
    """A record that could not be taken in. What it holds is kept sealed and not shown."""

    id: str = Field(examples=["0197a3c0-5a43-7a54-8b43-1f0c2f7b3d11"])
    vendor: str = Field(examples=["salesforce"])
    kind: str = Field(examples=["Account"])
    external_id: str = Field(examples=["0015g00000XYZ"])
    reason: Literal["bad_value", "unmatched", "refused"] = Field(examples=["bad_value"])
    why: str = Field(examples=['AnnualRevenue: "a lot" is no number; wanted is digits with a point, such as 1234.50'])
    attempts: int = Field(examples=[2])
    first_at: datetime
    tried_at: datetime


class RetriedOut(BaseModel):
    """What came of trying a record again."""

    taken: bool = Field(examples=[True])
    why: str | None = Field(default=None, examples=[None], description="Why it is still queued.")
    told: int = Field(examples=[0], description="Plays that were told.")
