"""`meeting.*`: finding a time, and meetings in Google Calendar."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.contracts import JsonTree
from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Owner, Recipient, Written
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from playbook_dsl.types import DATETIME

Moment = Annotated[JsonTree, Written("value", DATETIME)]
Minutes = Annotated[int, Field(ge=5, le=480, description="How long it takes.")]
Meeting = Annotated[str, Field(min_length=5, max_length=1024, description="The meeting: `steps.<id>.meeting_id`.")]


class FindSlotInput(ActionInput):
    """Who meets, and when at the earliest and latest."""

    with_: Annotated[
        Recipient, Field(alias="with", description="Who of the customer: a role such as `champion`, an address, a contact.")
    ] = None
    host: Annotated[Owner, Field(description="Who of us.")] = "csm"
    minutes: Minutes = 30
    after: Annotated[Moment, Field(description="Not before this moment; without it an hour from now.")] = None
    days: Annotated[int, Field(ge=1, le=60, description="How many days ahead to look.")] = 14
    at_most: Annotated[int, Field(ge=1, le=20, description="How many times to give.")] = 3


class Slot(ActionOutput):
    """A time at which everybody can."""

    start: datetime
    end: datetime


class SlotsOutput(ActionOutput):
    """The first times at which everybody can; `start` and `end` are missing when there is none.

    `not_asked` counts the people whose calendar nobody may look at.
    """

    found: bool
    start: datetime | None = None
    end: datetime | None = None
    slots: list[Slot] = []
    not_asked: int = 0


class BookMeetingInput(ActionInput):
    """A meeting to book."""

    title: Annotated[str, Field(min_length=1, max_length=500, description="What it is called.")]
    start: Annotated[Moment, Field(description="When it begins, such as `{{ steps.slot.start }}`.")]
    minutes: Minutes = 30
    with_: Annotated[Recipient, Field(alias="with", description="Who of the customer is invited.")] = None
    host: Annotated[Owner, Field(description="Who of us is invited.")] = "csm"
    text: Annotated[str | None, Field(max_length=8000, description="What it is about.")] = None
    place: Annotated[str | None, Field(max_length=500, description="Where.")] = None
    video: Annotated[bool, Field(description="Whether Google makes a video call for it.")] = False


class MeetingOutput(ActionOutput):
    """The meeting. `status` changes when it is moved or cancelled."""

    meeting_id: str
    start: datetime
    end: datetime
    link: str | None = None
    status: Literal["confirmed", "tentative", "cancelled"] = "confirmed"


class RescheduleMeetingInput(ActionInput):
    """A meeting to move."""

    meeting: Meeting
    start: Annotated[Moment, Field(description="When it begins now.")]
    minutes: Annotated[int | None, Field(ge=5, le=480, description="How long it takes; without it as long as before.")] = None


class CancelMeetingInput(ActionInput):
    """A meeting to cancel."""

    meeting: Meeting


class CancelledOutput(ActionOutput):
    """Whether there was a meeting to cancel."""

    cancelled: bool


_RETRY = GOOGLE_CALENDAR.backoff.as_retry()
MEETING_FIND_SLOT = ActionContract(
    name="meeting.find_slot",
    title="Find a time for a meeting",
    effect="read",
    inputs=FindSlotInput,
    outputs=SlotsOutput,
    internal=False,
    retry=_RETRY,
    help="Looks at the calendars of everybody it may look at, within the working hours of both sides.",
)
MEETING_BOOK = ActionContract(
    name="meeting.book",
    title="Book a meeting",
    effect="compensable",
    inputs=BookMeetingInput,
    outputs=MeetingOutput,
    undo="cancels the meeting, unless somebody moved it since; the guests hear of it",
    live=True,
    internal=False,
    policy="at_least_once",
    retry=_RETRY,
    help="Invites people to a meeting. Trying again never books a second one.",
)
MEETING_RESCHEDULE = ActionContract(
    name="meeting.reschedule",
    title="Move a meeting",
    effect="compensable",
    inputs=RescheduleMeetingInput,
    outputs=MeetingOutput,
    undo="moves it back, unless somebody moved it since; the guests hear of it",
    live=True,
    internal=False,
    policy="at_least_once",
    retry=_RETRY,
    help="Moves a meeting and tells the guests.",
)
MEETING_CANCEL = ActionContract(
    name="meeting.cancel",
    title="Cancel a meeting",
    effect="irreversible",
    inputs=CancelMeetingInput,
    outputs=CancelledOutput,
    internal=False,
    policy="at_least_once",
    retry=_RETRY,
    help="Cancels a meeting and tells the guests.",
)
MEETING_CONTRACTS = (MEETING_FIND_SLOT, MEETING_BOOK, MEETING_RESCHEDULE, MEETING_CANCEL)
