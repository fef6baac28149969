from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.connections import Connections
from activities.contracts import RunRef
from activities.effects import Ledger
from activities.failures import Nobody
from connectors.errors import NotAuthorized, Unavailable
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.slack.fake import FakeSlack
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers

LOST = Fault("lost", path="chat.postMessage")


@asynccontextmanager
async def workspace(database: Database) -> AsyncIterator[tuple[FakeSlack, Ledger, RunRef]]:
    fake = FakeSlack()
    fake.add_user("maria@acme.example")
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
        posted = [message["text"] for message in fake.messages["D00000000"]]
        undone = await ledger.undo(undo_of(call))

    assert posted == ["ACME is silent"]
    assert (undone.status, fake.all_messages()) == ("undone", [])


async def test_what_a_fact_says_mentions_nobody(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        await ledger.perform(call_of(run, "slack.post", inputs={"channel": "C00000000", "text": "A & B <!channel>"}))

    assert [message["text"] for message in fake.messages["C00000000"]] == ["A &amp; B &lt;!channel&gt;"]


async def test_a_message_in_doubt_is_taken_back_too(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        call = call_of(run, "slack.post", inputs={"channel": "C00000000", "text": "ACME is silent"})
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        undone = await ledger.undo(undo_of(call))

    assert (undone.status, fake.messages["C00000000"]) == ("undone", [])


async def test_a_message_in_doubt_is_found_in_a_channel_that_was_named(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        call = call_of(run, "slack.post", inputs={"channel": "#renewals", "text": "ACME is silent"})
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        again = await ledger.perform(call)
        posted = fake.all_messages()
        undone = await ledger.undo(undo_of(call))

    assert (again.status, again.output["channel"], len(posted)) == ("done", "C00000001", 1)
    assert (undone.status, fake.all_messages()) == ("undone", [])


async def test_a_message_in_doubt_where_the_app_cannot_read_is_not_repeated(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        fake.add_channel("closed", is_member=False)
        call = call_of(run, "slack.post", inputs={"channel": "#closed", "text": "Hello"})
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        again = await ledger.perform(call)
        with pytest.raises(NotAuthorized, match="nobody can tell"):
            await ledger.undo(undo_of(call))

    assert again.status == "unknown"
    assert len(fake.all_messages()) == 1


async def test_somebody_who_is_not_in_slack_is_told(database: Database) -> None:
    async with workspace(database) as (fake, ledger, run):
        fake.users.clear()
        with pytest.raises(Nobody, match="Maria Lopez") as raised:
            await ledger.perform(call_of(run, "slack.dm", inputs={"to": "csm", "text": "Hello"}))

    assert "maria@" not in str(raised.value)
