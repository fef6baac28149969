"""Bodies of the routes about the inbox and events."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.parts import AccountId, JsonMap
from api.schemas.runs import Answered, Body


class TaskOut(BaseModel):
    """An inbox item, and why it is there."""

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    kind: Literal["task", "approval", "form", "review", "hold", "notice"] = Field(examples=["approval"])
    status: Literal["open", "done", "cancelled"] = Field(examples=["open"])
    account: str = Field(examples=["C-0001"])
    title: str = Field(examples=["Send the save offer?"])
    why: str = Field(default="", examples=['"Save an account whose health dropped" asks before its step "offer"'])
    owner: str | None = Field(default=None, examples=["maria"])
    priority: str = Field(default="normal", examples=["normal"])
    due_at: datetime | None = None
    checklist: list[JsonMap] = Field(default_factory=list)
    form: list[JsonMap] = Field(default_factory=list)
    context: JsonMap = Field(default_factory=dict)
    answers: JsonMap = Field(default_factory=dict)
    run: str | None = None
    step_key: str | None = Field(default=None, examples=["review"])
    outcome: str | None = None
    created_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None


class CompleteTask(Body):
    """A task that is done, with what its form asks for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"outcome": "They stay.", "answers": {}}]})
    outcome: Annotated[str | None, StringConstraints(max_length=300)] = None
    answers: JsonMap = Field(default_factory=dict)


class AnswerTask(Body):
    """The answer to a question.

    Approvals and reviews want `approved` (and may carry `comment`; reviews also the fields that may be edited); forms want their fields;
    a held step wants `decision`: retry, skip, undo, or edit with `inputs`.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"answers": {"approved": True, "comment": "Go ahead."}}, {"answers": {"decision": "retry"}}]},
    )
    answers: Annotated[JsonMap, Field(min_length=1)]


class TaskAnswered(BaseModel):
    """The item as it is now, and what the play said."""

    task: TaskOut
    answer: Answered | None = Field(default=None, description="What the play answered; null for a task that belongs to no play under way.")


class DeliverEvent(Body):
    """Something that happened, in the manner of CloudEvents."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"id": "evt-1", "source": "billing", "type": "invoice.payment_failed", "account": "C-0001", "data": {"amount_due": 500}}
            ]
        },
    )
    id: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Unique in its source: the same again is the same event."
    )
    source: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "api"
    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=100)]
    account: AccountId | None = None
    time: AwareDatetime | None = Field(default=None, description="When it happened; now, if left out.")
    data: JsonMap = Field(default_factory=dict)


class EventOut(BaseModel):
    """An event as it was stored."""

    id: str
    source: str = Field(examples=["billing"])
    vendor_id: str = Field(description="The id its source gave it.", examples=["evt-1"])
    name: str = Field(examples=["invoice.payment_failed"])
    account: str | None = Field(default=None, examples=["C-0001"])
    fields: JsonMap = Field(default_factory=dict)
    occurred_at: datetime
    received_at: datetime
    matched: int = Field(description="Plays it was sent to.", examples=[1])


class EventDelivered(BaseModel):
    """What became of an event."""

    event: EventOut
    repeated: bool = Field(description="It was delivered before; nothing was done now.", examples=[False])
    delivered: int = Field(description="Plays of the account that were told. Those that wait for it go on.", examples=[1])
    message: str = Field(examples=["1 play of C-0001 was told"])
