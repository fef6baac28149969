from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.connections import Connections
from activities.contracts import ActionCall
from activities.effects import Ledger
from connectors.errors import Unavailable
from connectors.hubspot.fake import FakeHubSpot
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers


@asynccontextmanager
async def stage_set(database: Database, fake: FakeHubSpot) -> AsyncIterator[tuple[Ledger, ActionCall]]:
    fake.add("companies", "1", name="ACME", lifecyclestage="customer")
    inputs = {"company": "1", "set": {"lifecyclestage": "at risk"}}
    with serving(fake) as url:
        connections = Connections(database, url)
        call = call_of(run_of(await make_account(database)), "hubspot.company.update", inputs=inputs)
        yield ledger_of(database, connections=connections), call
        await connections.close()


def stage(fake: FakeHubSpot) -> str:
    return str(fake.objects["companies"]["1"]["properties"]["lifecyclestage"])


async def test_what_was_there_is_put_back_also_after_a_lost_answer(database: Database) -> None:
    """The second attempt finds the first one's value there, and must not take it for the earlier one."""
    fake = FakeHubSpot()
    async with stage_set(database, fake) as (ledger, call):
        fake.faults.append(Fault("lost", method="PATCH"))
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        await ledger.perform(call)
        changed = stage(fake)
        undone = await ledger.undo(undo_of(call))

    assert changed == "at risk"
    assert (undone.status, stage(fake)) == ("undone", "customer")


async def test_what_somebody_changed_since_is_left_alone_unless_forced(database: Database) -> None:
    fake = FakeHubSpot()
    async with stage_set(database, fake) as (ledger, call):
        await ledger.perform(call)
        fake.add("companies", "1", lifecyclestage="evangelist")
        left = await ledger.undo(undo_of(call))
        kept = stage(fake)
        forced = await ledger.undo(undo_of(call, force=True))

    assert (left.status, kept) == ("conflict", "evangelist")
    assert "lifecyclestage" in str(left.detail)
    assert (forced.status, stage(fake)) == ("undone", "customer")
