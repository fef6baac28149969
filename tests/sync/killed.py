"""A sync whose worker is killed in the middle, on servers of its own; used by a test and, with 100,000 accounts, by `make benchsync`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncpg
import psutil
from temporalio.client import Client, WorkflowHandle

from activities.contracts import SyncInput
from cli.dev.guard import GUARD
from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal
from playbook_dsl.values import Json
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.connections import save_connection
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.sync.rows import list_reports, save_setting
from storage.tables import Tenant
from tests.sync.generated import MAPPING
from workflows.client import Address, connect
from workflows.messages import QUEUE_PLAYS, SYNC, sync_workflow_id

Counts = dict[str, dict[str, int]]
TENANT = "acme"
_COUNT = "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE updated_by = 'sync generated') FROM account"


@dataclass
class Outcome:
    """What was measured, and what is in the database at the end."""

    seconds: float = 0.0
    kills: int = 0
    rss_idle_mb: float = 0.0
    rss_peak_mb: float = 0.0
    accounts: int = 0
    records: int = 0
    counts: list[Counts] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)


class Killed:
    """The servers, a worker, and its death."""

    def __init__(self, folder: Path, *, companies: int, bills: int, kill_at: tuple[int, ...], say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._given: dict[str, Json] = {"companies": companies, "bills": bills}
        self._kill_at = kill_at
        self._outcome = Outcome()
        self._key = f"k1:{KeyRing.new_key()}"

    async def run(self) -> Outcome:
        """Sync, kill, sync on; then change a few records and sync again."""
        async with (
            Postgres(self._folder / "postgres", settings={"fsync": "off"}) as postgres,
            Temporal(self._folder / "temporal", with_ui=False) as temporal,
        ):
            connection = await asyncpg.connect(postgres.url())
            await connection.execute("CREATE DATABASE sync")
            await connection.close()
            await upgrade(postgres.url("sync"), app_password="sync")  # of a server that lives for a minute
            url = app_url(postgres.url("sync"), "sync")
            self._temporal = temporal
            self._owner = await asyncpg.connect(postgres.url("sync"))
            self._environment = {
                **os.environ,
                "PLAYKEEPER_TENANT": TENANT,
                "PLAYKEEPER_DATABASE_URL": url,
                "PLAYKEEPER_TEMPORAL_ADDRESS": temporal.address,
                "PLAYKEEPER_TEMPORAL_SEALED": "false",
                "PLAYKEEPER_ENCRYPTION_KEYS": self._key,
                "PLAYKEEPER_SYNC_INTERVAL_MIN": "0",
            }
            database = Database(url, KeyRing.parse(self._key), pooled=False)
            try:
                await self._play(database, await connect(Address(temporal.address), cipher=None, wait_s=30, say=self._say))
            finally:
                await database.close()
                await self._owner.close()
        return self._outcome

    async def _play(self, database: Database, client: Client) -> None:
        async with database.begin(TENANT) as session:
            await save_tenant(session, Tenant(id=TENANT, name="Acme"))
            await save_setting(session, "generated", {"mapping": MAPPING}, by="test")
        await self._save(database, changes=0)
        began = time.monotonic()
        await self._sync(client, self._kill_at)
        self._outcome.seconds = time.monotonic() - began
        await self._save(database, changes=100)
        await self._sync(client, ())
        self._outcome.accounts, distinct, _ = tuple(await self._owner.fetchrow(_COUNT))
        assert distinct == self._outcome.accounts
        self._outcome.records = await self._owner.fetchval("SELECT count(*) FROM sync_record")
        async with database.begin(TENANT) as session:
            reports = (await list_reports(session, "generated")).items
        self._outcome.counts = [cast("Counts", report.counts) for report in reversed(reports)]
        self._outcome.statuses = [report.status for report in reversed(reports)]

    async def _save(self, database: Database, *, changes: int) -> None:
        async with database.begin(TENANT) as session:
            await save_connection(session, "generated", {**self._given, "changes": changes}, account="x", saved_by="test")

    async def _sync(self, client: Client, kill_at: tuple[int, ...]) -> None:
        worker = self._worker()
        try:
            await self._idle(worker)
            handle = await client.start_workflow(
                SYNC,
                SyncInput(tenant=TENANT, vendor="generated", by="test"),
                id=sync_workflow_id(TENANT, "generated"),
                task_queue=QUEUE_PLAYS,
            )
            for count in kill_at:
                await self._until(count, worker, handle)
                worker.kill()
                worker.wait()
                GUARD.release(worker.pid)
                self._outcome.kills += 1
                self._say(f"killed the worker at {await self._records():,} records")
                worker = self._worker()
            done = asyncio.ensure_future(handle.result())
            while not done.done():
                self._measure(worker)
                await asyncio.wait({done}, timeout=0.2)
            await done
        finally:
            worker.terminate()
            await asyncio.to_thread(worker.wait, 20)
            GUARD.release(worker.pid)

    async def _idle(self, worker: subprocess.Popen[bytes]) -> None:
        """Wait until the worker is ready, and see what it needs then."""
        while not await asyncio.to_thread(self._temporal.has_worker, QUEUE_PLAYS):  # noqa: ASYNC110  # another process has no event
            await asyncio.sleep(0.2)
        if not self._outcome.rss_idle_mb:
            await asyncio.sleep(2)
            self._outcome.rss_idle_mb = psutil.Process(worker.pid).memory_info().rss / 1e6

    async def _until(self, count: int, worker: subprocess.Popen[bytes], handle: WorkflowHandle[object, object]) -> None:
        deadline = time.monotonic() + 300
        while await self._records() < count:
            assert worker.poll() is None, "the worker died by itself"
            assert time.monotonic() < deadline, f"the sync does not get on: {await handle.describe()}"
            self._measure(worker)
            await asyncio.sleep(0.05)

    async def _records(self) -> int:
        found: int = await self._owner.fetchval("SELECT count(*) FROM sync_record")
        return found

    def _worker(self) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen([sys.executable, "-m", "tests.sync.worker"], env=self._environment)
        GUARD.watch(worker.pid)
        return worker

    def _measure(self, worker: subprocess.Popen[bytes]) -> None:
        try:
            used = psutil.Process(worker.pid).memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            return
        self._outcome.rss_peak_mb = max(self._outcome.rss_peak_mb, used)
