from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.connections import Connections
from activities.contracts import RunRef
from activities.effects import Ledger
from activities.failures import NotFound
from connectors.errors import Unavailable
from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from storage.session import Database
from tests.activities.acting import Loose, call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers

MONDAY_10 = {"$datetime": "2030-03-04T10:00:00+00:00"}


@asynccontextmanager
async def calendar(database: Database) -> AsyncIterator[tuple[FakeGoogleCalendar, Ledger, RunRef]]:
    fake = FakeGoogleCalendar()
    with serving(fake) as url:
        connections = Connections(database, url)
        try:
            yield fake, ledger_of(database, connections=connections), run_of(await make_account(database, zone="Europe/Berlin"))
        finally:
            await connections.close()


def booking(run: RunRef, **inputs: Loose) -> Loose:
    return call_of(run, "meeting.book", "book", {"title": "Review", "start": MONDAY_10, "with": "champion", **inputs})


async def test_people_are_invited_by_their_roles(database: Database) -> None:
    async with calendar(database) as (fake, ledger, run):
        made = await ledger.perform(booking(run, text="Let us talk", video=True))
    [event] = fake.events.values()

    assert made.output["meeting_id"] == event["id"]
    assert made.live == f"meeting:{event['id']}"
    assert made.output["start"] == MONDAY_10
    assert {guest["email"] for guest in event["attendees"]} == {"maria@acme.example", f"ann@{run.account}.example"}
    assert event["conferenceData"]["createRequest"]["requestId"] == event["id"]


async def test_a_meeting_that_somebody_moved_stays_unless_forced(database: Database) -> None:
    async with calendar(database) as (fake, ledger, run):
        made = await ledger.perform(booking(run))
        event = fake.events[str(made.output["meeting_id"])]
        fake.move(event["id"], "2030-03-05T10:00:00Z", "2030-03-05T10:30:00Z")
        left = await ledger.undo(undo_of(booking(run)))
        kept = event["status"]
        forced = await ledger.undo(undo_of(booking(run), force=True))

    assert (left.status, kept) == ("conflict", "confirmed")
    assert (forced.status, event["status"]) == ("undone", "cancelled")


async def test_a_meeting_is_moved_and_moved_back_also_after_a_lost_answer(database: Database) -> None:
    async with calendar(database) as (fake, ledger, run):
        made = await ledger.perform(booking(run))
        event = fake.events[str(made.output["meeting_id"])]
        before = dict(event["start"])
        move = call_of(run, "meeting.reschedule", "move", {"meeting": event["id"], "start": {"$datetime": "2030-03-06T09:00:00+00:00"}})
        fake.faults.append(Fault("lost", method="PATCH"))
        with pytest.raises(Unavailable):
            await ledger.perform(move)
        moved = await ledger.perform(move)
        length = event["end"]["dateTime"]
        undone = await ledger.undo(undo_of(move))

    assert moved.output["start"] == {"$datetime": "2030-03-06T09:00:00+00:00"}
    assert length.startswith("2030-03-06T09:30")
    assert (undone.status, event["start"]) == ("undone", before)


async def test_a_cancelled_meeting_cannot_be_moved(database: Database) -> None:
    async with calendar(database) as (_fake, ledger, run):
        made = await ledger.perform(booking(run))
        meeting = str(made.output["meeting_id"])
        cancelled = await ledger.perform(call_of(run, "meeting.cancel", "cancel", {"meeting": meeting}))
        with pytest.raises(NotFound):
            await ledger.perform(call_of(run, "meeting.reschedule", "move", {"meeting": meeting, "start": MONDAY_10}))
        gone = await ledger.undo(undo_of(booking(run)))

    assert cancelled.output["cancelled"] is True
    assert gone.status == "nothing"


async def test_a_time_is_found_around_what_people_have(database: Database) -> None:
    async with calendar(database) as (fake, ledger, run):
        fake.busy["maria@acme.example"] = [("2030-03-04T08:00:00Z", "2030-03-04T13:00:00Z")]
        inputs = {"with": "champion", "after": {"$datetime": "2030-03-04T07:00:00+00:00"}, "minutes": 60, "at_most": 2}
        found = await ledger.perform(call_of(run, "meeting.find_slot", "slot", inputs))

    assert found.output["found"] is True
    assert found.output["start"] == {"$datetime": "2030-03-04T13:00:00+00:00"}
    assert len(found.output["slots"]) == 2


async def test_a_refresh_token_that_was_revoked_is_told(database: Database) -> None:
    async with calendar(database) as (fake, ledger, run):
        fake.revoked = True
        with pytest.raises(Exception, match="connect google_calendar again"):
            await ledger.perform(booking(run))
