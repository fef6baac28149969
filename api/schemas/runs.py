"""Bodies of the routes about plays."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.parts import AccountId, JsonMap, PlaybookSlug, Reason

Rule = Literal["audience", "again", "suppress", "holdout", "limits"]
RunState = Literal["starting", "running", "waiting", "held", "paused", "undoing", "closed"]


class Body(BaseModel):
    """A request body; unknown keys are refused, because they are mistyped ones."""

    model_config = ConfigDict(extra="forbid")


class StartRun(Body):
    """Start a playbook on one account, by hand or by a program."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"playbook": "at-risk-save", "account": "C-0001", "inputs": {"discount_percent": 10}}]},
    )
    playbook: PlaybookSlug
    account: AccountId
    inputs: JsonMap = Field(default_factory=dict, description="By name, as the playbook's form says; defaults fill in the rest.")
    key: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="What this enrollment is about, such as an invoice. The same key again is the same play, even after its end.",
        ),
    ] = None
    version: Annotated[int | None, Field(ge=1, le=1_000_000, description="Another version than the published one.")] = None


class RunOut(BaseModel):
    """A play, as lists show it."""

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    account: str = Field(examples=["C-0001"])
    state: RunState = Field(examples=["waiting"])
    outcome: str | None = Field(default=None, examples=["completed"])
    progress: str = Field(default="", examples=["waiting: Save call with ACME"])
    error: JsonMap | None = None
    launch: str | None = None
    parent: str | None = None
    trigger: str = Field(examples=["manual"])
    started_by: str | None = Field(default=None, examples=["maria"])
    owner: str | None = Field(default=None, examples=["maria"])
    started_at: datetime
    ended_at: datetime | None = None
    temporal_url: str = Field(
        description="The play in the Temporal UI.",
        examples=["http://127.0.0.1:8233/namespaces/default/workflows/play:main:at-risk-save:C-0001:e1"],
    )


class StepOut(BaseModel):
    """One step of a play."""

    key: str = Field(examples=["call"])
    title: str = Field(examples=["Save call with ACME"])
    kind: str = Field(examples=["task.create"])
    status: str = Field(examples=["done"])
    detail: str | None = None
    error: JsonMap | None = None
    output: JsonMap | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class EffectOut(BaseModel):
    """Something a play did to the world, and whether it was taken back."""

    key: str = Field(examples=["6f1ed002ab5595859014ebf0951522d9"])
    run: str
    account: str = Field(examples=["C-0001"])
    step: str = Field(examples=["flag"])
    action: str = Field(examples=["cta.open"])
    title: str = Field(default="", examples=["Open a risk CTA"])
    effect_class: str = Field(examples=["compensable"])
    status: str = Field(examples=["undone"], description="intended, done, skipped, failed, unknown, undone, undo_failed or conflict.")
    detail: str | None = None
    vendor_id: str | None = None
    intended_at: datetime
    ended_at: datetime | None = None
    undone_at: datetime | None = None


class RunDetails(RunOut):
    """A play with its steps and its effects, and where its undo stands."""

    title: str = Field(default="", examples=["Save an account whose health dropped"])
    inputs: JsonMap = Field(default_factory=dict)
    steps: list[StepOut]
    effects: list[EffectOut]
    undo: "UndoState"


class UndoState(BaseModel):
    """How much of what a play did is taken back. `open`: could still be; `impossible`: cannot be, such as a sent e-mail."""

    done: int = Field(default=0, examples=[2])
    open: int = Field(default=0, examples=[0])
    impossible: int = Field(default=0, examples=[1])
    conflicts: int = Field(default=0, examples=[0])
    failed: int = Field(default=0, examples=[0])


class Refusal(BaseModel):
    """An account of a list on which the playbook was not started, and why."""

    account: str = Field(examples=["C-0404"])
    code: str = Field(examples=["DATA006"])
    reason: str | None = Field(default=None, examples=["unknown_account"], description="Which rule said no.")
    detail: str = Field(examples=['There is no account "C-0404".'])


class Told(Body):
    """A command without particulars."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "The customer asked us to wait."}]})
    reason: Reason = None


class CancelRun(Body):
    """End a play. With `undo` what it did is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"undo": True, "reason": "Wrong account."}]})
    undo: bool = False
    reason: Reason = None


class UndoRun(Body):
    """Take back what a play did. `force` overwrites what people changed since."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"force": False, "reason": "Started by mistake."}]})
    force: bool = False
    reason: Reason = None


class EditStep(Body):
    """Other inputs for a held step, which is then tried again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"inputs": {"url": "https://example.com/hook"}}]})
    inputs: Annotated[JsonMap, Field(min_length=1, description="The inputs to change, by name; the others stay.")]
    reason: Reason = None


class RetryRun(Body):
    """Go on with a finished play from one of its steps."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", json_schema_extra={"examples": [{"from": "offer"}]})
    from_: Annotated[str, Field(alias="from", min_length=1, max_length=200, description="The key of the step to begin with.")]
    reason: Reason = None


class Answered(BaseModel):
    """What a command did. `changed` is false when nothing was to be done, as after a repetition."""

    run: str
    changed: bool = Field(examples=[True])
    state: str = Field(examples=["paused"])
    message: str = Field(default="", examples=["paused: the next step waits until the play is resumed"])
