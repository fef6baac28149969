"""`cta.*`: calls to action on an account."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Due, Owner

CtaPriority = Literal["low", "medium", "high", "critical"]
CtaType = Literal["risk", "opportunity", "lifecycle", "activity", "other"]


class OpenCtaInput(ActionInput):
    """A call to action to open."""

    type: Annotated[CtaType, Field(description="What kind of matter it is.")]
    title: Annotated[str | None, Field(max_length=300, description="A headline; without one the step's title.")] = None
    priority: Annotated[CtaPriority, Field(description="How much it matters.")] = "medium"
    owner: Annotated[Owner, Field(description="Who looks after it; a list is tried in order.")] = "csm"
    because: Annotated[object, Field(description="Why it is open: a text, or a list of reasons.")] = ""
    due: Annotated[Due, Field(description="When it should be settled.")] = None


class CtaOutput(ActionOutput):
    """A call to action as steps see it; `status` and what follows it change with it."""

    cta_id: str
    owner: str
    owner_name: str
    priority: CtaPriority
    status: Literal["open", "closed"] = "open"
    outcome: str | None = None
    closed_at: datetime | None = None


class UpdateCtaInput(ActionInput):
    """What to change of a call to action."""

    cta: Annotated[str, Field(description="The call to action: `{{ steps.flag.cta_id }}`.")]
    priority: Annotated[CtaPriority | None, Field(description="Its new priority.")] = None
    owner: Annotated[Owner, Field(description="Its new owner.")] = None
    title: Annotated[str | None, Field(max_length=300, description="Its new headline.")] = None
    because: Annotated[object, Field(description="Its new reason.")] = None


class CloseCtaInput(ActionInput):
    """A call to action to close."""

    cta: Annotated[str, Field(description="The call to action: `{{ steps.flag.cta_id }}`.")]
    outcome: Annotated[str | None, Field(max_length=300, description="What came of it.")] = None


class ChangedCtaOutput(ActionOutput):
    """Whether anything was changed; a call to action that is gone or closed already is left alone."""

    cta_id: str
    changed: bool


CTA_OPEN = ActionContract(
    name="cta.open",
    title="Open a call to action",
    effect="compensable",
    inputs=OpenCtaInput,
    outputs=CtaOutput,
    undo="closes it, unless a person changed it since",
    live=True,
    help="Opens a call to action on the account.",
)
CTA_UPDATE = ActionContract(
    name="cta.update",
    title="Change a call to action",
    effect="reversible",
    inputs=UpdateCtaInput,
    outputs=ChangedCtaOutput,
    undo="puts back what it was",
    help="Changes priority, owner, headline or reason.",
)
CTA_CLOSE = ActionContract(
    name="cta.close",
    title="Close a call to action",
    effect="reversible",
    inputs=CloseCtaInput,
    outputs=ChangedCtaOutput,
    undo="opens it again",
    help="Closes a call to action. One that is closed already stays as it is.",
)
