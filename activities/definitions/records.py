"""`note.add`, `event.emit`, `account.update`: what is written down about an account."""

from typing import Annotated

from pydantic import Field

from activities.contracts import JsonTree
from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Written


class AddNoteInput(ActionInput):
    """A note for the account's timeline."""

    text: Annotated[str, Field(min_length=1, max_length=20_000, description="The note, in Markdown.")]


class NoteOutput(ActionOutput):
    """The note that was added."""

    note_id: str


class EmitEventInput(ActionInput):
    """An event for other plays."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=100, description="Its name, such as `review.finished`.")
    ]
    fields: Annotated[dict[str, JsonTree], Written("fields"), Field(default_factory=dict, description="What else is to be known of it.")]


class EventOutput(ActionOutput):
    """The event that was written down. `told` counts the plays that were listening."""

    event_id: str
    told: int = 0


class UpdateAccountInput(ActionInput):
    """Fields of the account to set."""

    set: Annotated[dict[str, JsonTree], Written("fields"), Field(min_length=1, description="New values by field name.")]


class UpdateAccountOutput(ActionOutput):
    """The names of the fields whose value is another one now."""

    changed: list[str]


NOTE_ADD = ActionContract(
    name="note.add",
    title="Add a note",
    effect="reversible",
    inputs=AddNoteInput,
    outputs=NoteOutput,
    undo="removes the note, unless a person changed it since",
    help="Writes a note on the account's timeline.",
)
EVENT_EMIT = ActionContract(
    name="event.emit",
    title="Emit an event",
    effect="irreversible",
    inputs=EmitEventInput,
    outputs=EventOutput,
    help="Tells other plays of the account that something happened. They may have acted on it, so it cannot be taken back.",
)
ACCOUNT_UPDATE = ActionContract(
    name="account.update",
    title="Update the account",
    effect="reversible",
    inputs=UpdateAccountInput,
    outputs=UpdateAccountOutput,
    undo="puts back the values from before, except where a person changed them since",
    help="Sets fields of the account: stage, tier, segment, tags, csm, …, and your own fields as `custom.<name>`.",
)
