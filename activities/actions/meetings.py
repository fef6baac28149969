"""`meeting.*`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.actions.meeting_times import FindSlot
from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.definitions.meetings import (
    MEETING_BOOK,
    MEETING_CANCEL,
    MEETING_RESCHEDULE,
    BookMeetingInput,
    CancelledOutput,
    CancelMeetingInput,
    MeetingOutput,
    RescheduleMeetingInput,
)
from activities.effects import Action, ExternalAction, Inputs, Outcome, Work
from activities.failures import Nobody, NotFound
from activities.owners import resolve_owner
from activities.reading import output_of, read_inputs, read_moment
from activities.recipients import resolve_recipients
from connectors.google_calendar.events import CalendarEvent, end_of, start_of
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from storage.repositories.effects import EffectRecord
from storage.session import Session


def meeting_actions(connections: Connections) -> tuple[Action, ...]:
    """Give every action about meetings."""
    return (FindSlot(connections), BookMeeting(connections), RescheduleMeeting(connections), CancelMeeting(connections))


class BookMeeting(ExternalAction):
    """Puts a meeting into the calendar, under an id of ours, and invites people."""

    contract = MEETING_BOOK
    vendor = GOOGLE_CALENDAR

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle who is invited, and the event as Google wants it."""
        inputs = read_inputs(BookMeetingInput, work.call)
        host = await resolve_owner(session, work.run.account, inputs.host)
        guests = [{"email": host.email, "displayName": host.name}]
        if inputs.with_:
            found = await resolve_recipients(session, work.run.account, inputs.with_, channel="meeting")
            if not found.recipients:
                raise Nobody(f"nobody to invite: {found.why_nobody}")
            guests += [{"email": guest.address, "displayName": guest.name} for guest in found.recipients]
        start = read_moment(inputs.start, "start")
        event: Inputs = {
            "id": work.object_id,
            "summary": inputs.title,
            **_times(start, start + timedelta(minutes=inputs.minutes)),
            "attendees": guests,
            "extendedProperties": {"private": {"playkeeper": work.key}},
            "description": inputs.text,
            "location": inputs.place,
            "conferenceData": {"createRequest": {"requestId": work.object_id}} if inputs.video else None,
        }
        return {name: value for name, value in event.items() if value is not None}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Book it; an event that has the id already is ours."""
        client = await self._connections.client(work.run.tenant, GOOGLE_CALENDAR)
        return _outcome(await client.book(request))

    async def find(self, work: Work, request: Inputs) -> bool:
        """The id is ours, so a second one is refused."""
        return True

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Cancel it, unless a person moved it: then it is theirs."""
        client = await self._connections.client(tenant, GOOGLE_CALENDAR)
        request: Any = record.request
        event = await client.event(request["id"])
        if event is None or event.get("status") == "cancelled":
            return UndoResult(status="nothing", detail="the meeting is gone already")
        if not force and not _same_times(event, request):
            return UndoResult(status="conflict", detail="somebody moved the meeting since, so it was left in the calendar")
        await client.cancel(request["id"])
        return UndoResult(status="undone", detail="cancelled the meeting")


class RescheduleMeeting(ExternalAction):
    """Moves a meeting."""

    contract = MEETING_RESCHEDULE
    vendor = GOOGLE_CALENDAR

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle when it begins now."""
        inputs = read_inputs(RescheduleMeetingInput, work.call)
        return {"meeting": inputs.meeting, "start": read_moment(inputs.start, "start").isoformat(), "minutes": inputs.minutes}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give when it is so far.

        Raises:
            NotFound: there is no such meeting any more.
        """
        client = await self._connections.client(work.run.tenant, GOOGLE_CALENDAR)
        event = await client.event(request["meeting"])
        if event is None or event.get("status") == "cancelled":
            raise NotFound(f'there is no meeting "{request["meeting"]}" to move')
        return {"start": event["start"], "end": event["end"]}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Move it."""
        client = await self._connections.client(work.run.tenant, GOOGLE_CALENDAR)
        return _outcome(await client.change(request["meeting"], _moved(request, work.prior)))

    async def find(self, work: Work, request: Inputs) -> bool:
        """Moving it to the same time twice is moving it once."""
        return True

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Move it back, unless somebody moved it since."""
        client = await self._connections.client(tenant, GOOGLE_CALENDAR)
        request: Any = record.request
        event = await client.event(request["meeting"])
        prior: Any = record.prior
        if event is None or event.get("status") == "cancelled" or prior is None or _same_times(event, prior):
            return UndoResult(status="nothing", detail="the meeting is gone, or was not moved")
        if not force and not _same_times(event, _moved(request, prior)):
            return UndoResult(status="conflict", detail="somebody moved the meeting since, so it was left where it is")
        await client.change(request["meeting"], prior)
        return UndoResult(status="undone", detail="moved the meeting back")


class CancelMeeting(ExternalAction):
    """Cancels a meeting."""

    contract = MEETING_CANCEL
    vendor = GOOGLE_CALENDAR

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Name it."""
        return {"meeting": read_inputs(CancelMeetingInput, work.call).meeting}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Cancel it."""
        client = await self._connections.client(work.run.tenant, GOOGLE_CALENDAR)
        return Outcome(output_of(CancelledOutput(cancelled=await client.cancel(request["meeting"]))))

    async def find(self, work: Work, request: Inputs) -> bool:
        """Cancelling twice is cancelling once."""
        return True


def _times(start: datetime, end: datetime) -> dict[str, JsonTree]:
    return {"start": {"dateTime": start.astimezone(UTC).isoformat()}, "end": {"dateTime": end.astimezone(UTC).isoformat()}}


def _moved(request: Inputs, prior: JsonTree) -> dict[str, JsonTree]:
    """Give the new times; a length that was not named stays."""
    start = datetime.fromisoformat(request["start"])
    length = timedelta(minutes=request["minutes"]) if request["minutes"] else end_of(prior) - start_of(prior)
    return _times(start, start + length)


def _same_times(event: CalendarEvent, other: CalendarEvent) -> bool:
    return start_of(event) == start_of(other) and end_of(event) == end_of(other)


def _outcome(event: CalendarEvent) -> Outcome:
    output = MeetingOutput(
        meeting_id=event["id"],
        start=start_of(event),
        end=end_of(event),
        link=event.get("htmlLink"),
        status=event.get("status", "confirmed"),
    )
    return Outcome(output_of(output), vendor_id=event["id"], live=f"meeting:{event['id']}")
