from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.connections import Connections
from activities.contracts import RunRef
from activities.effects import Ledger
from connectors.errors import Rejected, Unavailable
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.slack.fake import FakeSlack
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers


@asynccontextmanager
async def workspace(database: Database) -> AsyncIterator[tuple[FakeSlack, Ledger, RunRef]]:
    fake = FakeSlack()
    fake.people["maria@acme.example"] = "U7"
    with serving(fake) as url:
        connections = Connections(database, url)
        try:
            yield fake, ledger_of(database, connections=connections), run_of(await make_account(database))
        finally:
            await connections.close()


async def test_the_owner_is_found_by_address_and_the_message_deleted_again(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        call = call_of(run, "slack.dm", inputs={"to": "csm", "text": "ACME is silent"})
        await ledger.perform(call)
        posted = [message["text"] for message in fake.channels["DU7"]]
        undone = await ledger.undo(undo_of(call))

    assert posted == ["ACME is silent"]
    assert (undone.status, fake.channels["DU7"]) == ("undone", [])


async def test_what_a_fact_says_mentions_nobody(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        await ledger.perform(call_of(run, "slack.post", inputs={"channel": "C1", "text": "A & B <!channel>"}))

    assert [message["text"] for message in fake.channels["C1"]] == ["A &amp; B &lt;!channel&gt;"]


async def test_a_message_in_doubt_is_taken_back_too(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        call = call_of(run, "slack.post", inputs={"channel": "C1", "text": "ACME is silent"})
        fake.faults.append(Fault("lost", path="chat.postMessage"))
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        undone = await ledger.undo(undo_of(call))

    assert (undone.status, fake.channels["C1"]) == ("undone", [])


async def test_nobody_can_tell_of_a_channel_that_was_named(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        call = call_of(run, "slack.post", inputs={"channel": "#renewals", "text": "ACME is silent"})
        fake.faults.append(Fault("lost", path="chat.postMessage"))
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        again = await ledger.perform(call)
        with pytest.raises(Rejected, match="look in the channel"):
            await ledger.undo(undo_of(call))

    assert again.status == "unknown"
    assert len(fake.channels["C1"]) == 1


async def test_somebody_who_is_not_in_slack_is_told(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        fake.people.clear()
        with pytest.raises(Rejected, match="users_not_found"):
            await ledger.perform(call_of(run, "slack.dm", inputs={"to": "csm", "text": "Hello"}))
