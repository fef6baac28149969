"""Bodies of the routes about sweeps and schedules."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas.runs import Body


class SweepNow(Body):
    """Look at every account of a playbook's audience now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"dry_run": True}]})
    trigger: str | None = Field(default=None, max_length=100, description="Which of its schedules this is a turn of; the first without.")
    dry_run: bool = Field(default=False, description="Say what would become of each account, and change nothing.")


class SweepBegun(BaseModel):
    """A sweep that was begun; `GET /v1/launches/{id}` shows how it gets on."""

    launch: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    dry_run: bool


class ScheduleOut(BaseModel):
    """A schedule of a playbook, as Temporal keeps it."""

    playbook: str = Field(examples=["at-risk-save"])
    trigger: str = Field(examples=["schedule_1"])
    paused: bool
    note: str = Field(default="", description="Why it is paused.")
    next: list[datetime] = Field(default=[], description="Its next turns.")
    turns: int = Field(default=0, description="How often it came.")
    missed: int = Field(default=0, description="Turns that were left out because nothing ran when they came.")
    skipped: int = Field(default=0, description="Turns that were left out because the one before was under way.")


class PauseSchedule(Body):
    """Pause or resume a schedule."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "until the new price list is out"}]})
    note: str = Field(default="", max_length=500, description="Why.")


class Backfill(Body):
    """Make up for turns that were missed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"since": "2026-11-20T00:00:00Z", "dry_run": True}]})
    since: AwareDatetime
    until: AwareDatetime | None = Field(default=None, description="Until now without.")
    dry_run: bool = Field(default=True, description="Say what would become of each account, and change nothing.")


class BackfillDone(BaseModel):
    """Which turns were missed, and the one sweep that makes up for them: accounts are looked at as they are now."""

    missed: list[datetime]
    launch: str | None = None
    dry_run: bool = Field(examples=[True])
