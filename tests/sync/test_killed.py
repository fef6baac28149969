from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from activities.contracts import SyncInput
from cli.dev.guard import GUARD
from cli.dev.server import free_port
from cli.dev.temporal import Temporal
from connectors.salesforce.fake import FakeSalesforce
from connectors.salesforce.vendor import SALESFORCE
from connectors.sandbox.serving import serving
from storage.repositories.connections import save_connection
from storage.session import Database
from storage.sync.rows import list_reports
from tests.api.conftest import KEYS
from tests.sync.killed import Counts, Killed
from workflows.client import Address, connect
from workflows.messages import QUEUE_PLAYS, SYNC, sync_workflow_id

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def say(line: str) -> None:
    """Nobody listens."""


async def test_a_sync_whose_workers_are_killed_has_every_record_once(server_folder: Path) -> None:
    found = await Killed(server_folder / "sync-killed", companies=6000, bills=3000, kill_at=(1000, 4000, 7500), say=say).run()

    first, second = found.counts
    assert found.kills == 3
    assert (found.accounts, found.records) == (6000, 9000)
    assert found.statuses == ["done", "done"]
    assert {kind: (of["read"], of["created"]) for kind, of in first.items()} == {"company": (6000, 6000), "bill": (3000, 3000)}
    assert {kind: (of["read"], of["changed"]) for kind, of in second.items()} == {"company": (100, 100), "bill": (0, 0)}


async def test_a_worker_that_dies_over_a_page_of_salesforce_leaves_the_rest_to_the_next(
    server_folder: Path, database: Database, application_url: str
) -> None:
    fake = FakeSalesforce()
    fake.now = datetime.now(UTC) - timedelta(hours=1)
    for number in range(1700):
        fake.add("Account", Name=f"Company {number}")
    async with database.begin("acme") as session:
        await save_connection(session, "salesforce", dict(SALESFORCE.sandbox), account="x", saved_by="maria")
    with serving(fake) as url, Temporal(server_folder / f"temporal-{free_port()}", with_ui=False) as temporal:
        environment = {
            **os.environ,
            "PLAYKEEPER_TENANT": "acme",
            "PLAYKEEPER_DATABASE_URL": application_url,
            "PLAYKEEPER_TEMPORAL_ADDRESS": temporal.address,
            "PLAYKEEPER_TEMPORAL_SEALED": "false",
            "PLAYKEEPER_ENCRYPTION_KEYS": KEYS,
            "PLAYKEEPER_SYNC_INTERVAL_MIN": "0",
            "PLAYKEEPER_VENDOR_SANDBOX_URL": url,
        }
        asked: list[subprocess.Popen[bytes]] = []

        def kill_at_the_third(method: str, path: str) -> None:
            if "/queryAll" in path:
                asked.append(worker)
                if len(asked) == 3:
                    worker.kill()

        fake._next_fault = kill_at_the_third  # type: ignore[method-assign]  # it looks in on the requests
        worker = started(environment)
        client = await connect(Address(temporal.address), cipher=None, wait_s=30, say=say)
        call = SyncInput(tenant="acme", vendor="salesforce", by="maria")
        handle = await client.start_workflow(SYNC, call, id=sync_workflow_id("acme", "salesforce"), task_queue=QUEUE_PLAYS)
        try:
            await asyncio.to_thread(worker.wait, 60)
            GUARD.release(worker.pid)
            worker = started(environment)
            await handle.result()
        finally:
            worker.terminate()
            await asyncio.to_thread(worker.wait, 20)
            GUARD.release(worker.pid)
    async with database.begin("acme") as session:
        (report,) = (await list_reports(session, "salesforce")).items
        accounts = (await session.execute(text("SELECT count(*) FROM account"))).scalar_one()

    counts = {kind: {name: count for name, count in of.items() if count} for kind, of in cast("Counts", report.counts).items()}
    assert asked[2] is not asked[-1]
    assert (report.status, accounts) == ("done", 1700)
    # Nobody of the team owns them there, which is counted of each once, too.
    assert counts["Account"] == {"read": 1700, "created": 1700, "skipped": 1700}


def started(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen([sys.executable, "-m", "worker"], env=environment)
    GUARD.watch(worker.pid)
    return worker
