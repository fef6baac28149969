"""`task.*`: work for people."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Due, Form, Owner

Priority = Literal["low", "normal", "high", "urgent"]


class CreateTaskInput(ActionInput):
    """A task for somebody."""

    title: Annotated[str, Field(min_length=1, max_length=300, description="What is to be done, in a few words.")]
    owner: Annotated[Owner, Field(description="Who does it; a list is tried in order.")]
    due: Annotated[Due, Field(description="When it is due: `3 business days`, or `5 business days before account.renewal_date`.")] = None
    description: Annotated[str, Field(max_length=20_000, description="More about it, in Markdown.")] = ""
    checklist: Annotated[list[str], Field(default_factory=list, max_length=50, description="What belongs to it.")]
    priority: Annotated[Priority, Field(description="How pressing it is.")] = "normal"
    form: Annotated[Form, Field(default_factory=list, description="What is to be filled in when it is completed.")]
    when_owner_changes: Annotated[
        Literal["follow", "stay"], Field(description="Whether the task follows the account to a new owner, or stays.")
    ] = "follow"


class TaskOutput(ActionOutput):
    """A task as steps see it; `status` and what follows it change with the task."""

    task_id: str
    owner: str
    owner_name: str
    due_at: datetime | None = None
    status: Literal["open", "done", "cancelled"] = "open"
    answers: dict[str, object] = Field(default_factory=dict)
    outcome: str | None = None
    completed_at: datetime | None = None
    completed_by: str | None = None


class CloseTaskInput(ActionInput):
    """A task to close."""

    task: Annotated[str, Field(description="The task: `{{ steps.call.task_id }}`.")]
    outcome: Annotated[str | None, Field(max_length=300, description="A word on why, or what came of it.")] = None


class CloseTaskOutput(ActionOutput):
    """What became of the task. `changed` is false when it was closed already."""

    task_id: str
    status: Literal["done", "cancelled"]
    changed: bool


TASK_CREATE = ActionContract(
    name="task.create",
    title="Create a task",
    effect="compensable",
    inputs=CreateTaskInput,
    outputs=TaskOutput,
    undo="cancels the task unless it is done",
    live=True,
    can_wait=True,
    help="Puts a task into somebody's inbox. With `wait: true` the play waits until it is done.",
)
TASK_CANCEL = ActionContract(
    name="task.cancel",
    title="Cancel a task",
    effect="reversible",
    inputs=CloseTaskInput,
    outputs=CloseTaskOutput,
    undo="opens the task again",
    help="Takes a task out of the inbox. A task that is closed already stays as it is.",
)
TASK_COMPLETE = ActionContract(
    name="task.complete",
    title="Complete a task",
    effect="reversible",
    inputs=CloseTaskInput,
    outputs=CloseTaskOutput,
    undo="opens the task again",
    help="Marks a task as done. A task that is closed already stays as it is.",
)
