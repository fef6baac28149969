from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.worker import Worker

from activities.attempts import Attempts
from activities.connections import Connections
from activities.contracts import SyncInput
from activities.syncing import Syncing
from playbook_dsl.values import Json
from storage.repositories.connections import save_connection
from storage.session import Database
from storage.sync.rows import list_reports, save_setting
from tests.sync.generated import MAPPING, VENDORS
from workflows.client import Address, connect
from workflows.messages import SYNC
from workflows.sync import SyncTick, VendorSync

pytestmark = pytest.mark.servers


async def prepare(database: Database, **credentials: Json) -> None:
    async with database.begin("acme") as session:
        await save_connection(session, "generated", dict(credentials), account="x", saved_by="maria")
        await save_setting(session, "generated", {"mapping": MAPPING}, by="maria")


async def sync(client: Client, database: Database, **particulars: object) -> None:
    queue = uuid.uuid4().hex
    connections = Connections(database)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[VendorSync, SyncTick],
        activities=Syncing(database, connections, VENDORS).all(),
        interceptors=[Attempts()],
    )
    async with worker:
        call = SyncInput.model_validate({"tenant": "acme", "vendor": "generated", "by": "maria", **particulars})
        await client.execute_workflow(SYNC, call, id=f"sync-{queue}", task_queue=queue)
    await connections.close()


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
