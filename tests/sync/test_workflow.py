from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import text
from temporalio.client import Client, ScheduleOverlapPolicy, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

import workflows.sync
from activities import syncing
from activities.attempts import Attempts
from activities.connections import Connections
from activities.contracts import SyncInput
from activities.syncing import Syncing, Vendors
from connectors.vendor import Allowance
from playbook_dsl.values import Json
from storage.repositories.connections import save_connection
from storage.session import Database
from storage.sync.rows import list_reports, save_setting
from storage.tables import METADATA
from tests.sync.generated import GENERATED, MAPPING, VENDORS
from workflows.client import Address, connect
from workflows.messages import SYNC, SYNC_TICK, sync_workflow_id
from workflows.schedules import keep_schedules
from workflows.sync import SyncTick, VendorSync

pytestmark = pytest.mark.servers

Counts = dict[str, dict[str, int]]


@pytest.fixture(autouse=True)
async def emptied(database: Database) -> None:
    """The tests of a module share a database, and their order is drawn."""
    async with database.begin("acme") as session:
        for table in ("account", "link", "sync_cursor", "sync_record", "sync_report", "vendor_limit"):
            await session.execute(METADATA.tables[table].delete())


async def prepare(database: Database, **credentials: Json) -> None:
    async with database.begin("acme") as session:
        await save_connection(session, "generated", dict(credentials), account="x", saved_by="maria")
        await save_setting(session, "generated", {"mapping": MAPPING}, by="maria")


async def sync(client: Client, database: Database, vendors: Vendors = VENDORS) -> WorkflowHandle[Any, Any]:
    queue = uuid.uuid4().hex
    connections = Connections(database)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[VendorSync, SyncTick],
        activities=Syncing(database, connections, vendors).all(),
        interceptors=[Attempts()],
    )
    async with worker:
        call = SyncInput(tenant="acme", vendor="generated", by="maria")
        handle = await client.start_workflow(SYNC, call, id=f"sync-{queue}", task_queue=queue)
        await handle.result()
    await connections.close()
    return handle


async def last_report(database: Database) -> tuple[str, dict[str, object]]:
    async with database.begin("acme") as session:
        report = (await list_reports(session, "generated")).items[0]
    return report.status, report.counts


async def test_a_second_sync_reads_only_what_changed(temporal_address: str, database: Database) -> None:
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    await prepare(database, companies=1200, bills=2400)
    await sync(client, database)
    first = await last_report(database)
    await prepare(database, companies=1200, bills=2400, changes=30)
    await sync(client, database)
    second = await last_report(database)
    async with database.begin("acme") as session:
        accounts = (await session.execute(text("SELECT count(*), count(*) FILTER (WHERE name LIKE '%v0') FROM account"))).one()
        facts = (await session.execute(text("SELECT facts FROM account WHERE id = 'co-1'"))).scalar_one()

    none = {"read": 0, "created": 0, "changed": 0, "unchanged": 0, "unmatched": 0, "failed": 0, "skipped": 0}
    assert first == ("done", {"company": {**none, "read": 1200, "created": 1200}, "bill": {**none, "read": 2400, "created": 2400}})
    assert second == ("done", {"company": {**none, "read": 30, "changed": 30}, "bill": none})
    assert tuple(accounts) == (1200, 1170)
    assert facts == {"billing": {"open_invoices": 2, "overdue_amount": {"$money": ["20.00", "EUR"]}}}


async def test_a_long_sync_goes_on_in_a_fresh_history_with_its_cursor(
    temporal_address: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A batch takes one page of ten records, and after a few batches the history counts as long.
    monkeypatch.setattr(syncing, "PAGE_RECORDS", 10)
    monkeypatch.setattr(syncing, "BATCH_S", 0.01)
    monkeypatch.setattr(workflows.sync, "_FRESH_HISTORY_EVENTS", 30)
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    await prepare(database, companies=150, bills=90, pause_s=0.02)
    handle = await sync(client, database)
    last = await client.get_workflow_handle(handle.id).describe()
    async with database.begin("acme") as session:
        reports = (await list_reports(session, "generated")).items

    assert last.run_id != handle.first_execution_run_id
    assert last.history_length < 60
    assert [report.status for report in reports] == ["done"]
    counts = {kind: (of["read"], of["created"], of["unchanged"]) for kind, of in cast("Counts", reports[0].counts).items()}
    assert counts == {"company": (150, 150, 0), "bill": (90, 90, 0)}


async def test_a_schedule_is_changed_in_place_and_starts_one_sync_at_a_time(temporal_address: str, database: Database) -> None:
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    tenant = f"t{uuid.uuid4().hex[:8]}"
    handle = client.get_schedule_handle(sync_workflow_id(tenant, "generated"))
    first = await keep_schedules(client, tenant, VENDORS, {"generated": 60}, None)
    await handle.pause()
    # A worker that has just started knows of nothing.
    await keep_schedules(client, tenant, VENDORS, {"generated": 30}, None)
    kept = (await handle.describe()).schedule
    gone = await keep_schedules(client, tenant, VENDORS, {}, None)
    with pytest.raises(RPCError):
        await handle.describe()

    assert (first, gone) == ({"generated": 60}, {})
    assert [each.every for each in kept.spec.intervals] == [timedelta(minutes=30)]
    assert (kept.state.paused, kept.policy.overlap) == (True, ScheduleOverlapPolicy.SKIP)


async def test_a_tick_beside_a_sync_that_is_under_way_does_nothing(temporal_address: str, database: Database) -> None:
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    queue = uuid.uuid4().hex
    call = SyncInput(tenant=f"t{queue[:8]}", vendor="generated")
    # Nobody serves the queue of the first one, so it stays under way.
    first = await client.start_workflow(SYNC, call, id=sync_workflow_id(call.tenant, call.vendor), task_queue=f"{queue}-idle")
    async with Worker(client, task_queue=queue, workflows=[VendorSync, SyncTick]):
        began = await client.execute_workflow(SYNC_TICK, call, id=f"tick-{queue}", task_queue=queue, result_type=bool)
    await first.terminate()

    assert began is False


async def test_a_sync_that_is_refused_says_so_in_its_report(temporal_address: str, database: Database) -> None:
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    async with database.begin("acme") as session:
        await save_setting(session, "generated", {"mapping": "company: {into: account}"}, by="maria")
    with pytest.raises(WorkflowFailureError):
        await sync(client, database)
    async with database.begin("acme") as session:
        report = (await list_reports(session, "generated")).items[0]

    assert report.status == "failed"
    assert report.ended_at is not None
    assert (report.error or "").startswith("the mapping of generated cannot be used; correct it: mapping.yaml:1:1:")


async def test_a_spent_allowance_is_waited_for_on_a_timer(temporal_address: str, database: Database) -> None:
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    await prepare(database, companies=1600)
    slow = replace(GENERATED, allowance=Allowance(per_hour=3600, burst=1))
    began = time.monotonic()
    await sync(client, database, vendors={"generated": slow})

    assert time.monotonic() - began > 3
    assert (await last_report(database))[0] == "done"
