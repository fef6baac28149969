"""A sweep whose worker is killed in the middle, twice: everybody of the audience has one play, and nobody two."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client, WorkflowHandle

from activities.contracts import LaunchInput
from cli.dev.guard import GUARD
from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Tenant
from tests.sweeps.book import TENANT, count, fill, publish
from workflows.client import Address, connect
from workflows.messages import QUEUE_PLAYS, SWEEP

pytestmark = pytest.mark.servers

ACCOUNTS, AUDIENCE = 6_000, 600
ENTERED = "SELECT count(*) FROM enrollment"


class Worker:
    """The product's own worker as a process, to be killed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "worker"], env=self._environment, stdout=subprocess.DEVNULL)
        GUARD.watch(self._process.pid)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        GUARD.release(self._process.pid)


async def until(database: Database, query: str, least: int) -> None:
    for _ in range(900):
        if await count(database, query) >= least:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{query} stayed below {least}: {await count(database, query)}")


async def begin(client: Client) -> WorkflowHandle[object, object]:
    call = LaunchInput(tenant=TENANT, playbook="nudge", trigger_id="daily")
    return await client.start_workflow(SWEEP, call, id="the-sweep", task_queue=QUEUE_PLAYS)


async def test_a_killed_worker_loses_nobody_and_lets_nobody_in_twice(server_folder: Path) -> None:
    async with (
        Postgres(server_folder / "postgres-sweep", settings={"fsync": "off"}) as postgres,
        Temporal(server_folder / "temporal-sweep", with_ui=False) as temporal,
    ):
        owner = await asyncpg.connect(postgres.url())
        await owner.execute("CREATE DATABASE sweep")
        await owner.close()
        await upgrade(postgres.url("sweep"), app_password="sweep")
        key = f"k1:{KeyRing.new_key()}"
        url = app_url(postgres.url("sweep"), "sweep")
        database = Database(url, KeyRing.parse(key), pooled=False)
        async with database.begin(TENANT) as session:
            await save_tenant(session, Tenant(id=TENANT, name="Acme"))
        await fill(database, ACCOUNTS)
        await publish(database)
        environment = {
            **os.environ,
            "PLAYKEEPER_TENANT": TENANT,
            "PLAYKEEPER_DATABASE_URL": url,
            "PLAYKEEPER_TEMPORAL_ADDRESS": temporal.address,
            "PLAYKEEPER_TEMPORAL_SEALED": "false",
            "PLAYKEEPER_ENCRYPTION_KEYS": key,
        }
        worker = Worker(environment)
        client = await connect(Address(temporal.address), cipher=None, wait_s=30, say=lambda line: None)
        worker.start()
        sweep = await begin(client)
        for least in (AUDIENCE // 6, AUDIENCE // 2):
            await until(database, ENTERED, least)
            await worker.kill()
            worker.start()
        try:
            await asyncio.wait_for(sweep.result(), 180)
            await until(database, "SELECT count(*) FROM enrollment WHERE state = 'left' AND reason = 'completed'", AUDIENCE)
        finally:
            await worker.kill()

        assert await count(database, ENTERED) == await count(database, "SELECT count(DISTINCT account) FROM enrollment") == AUDIENCE
        assert await count(database, "SELECT count(*) FROM run") == AUDIENCE
        assert await count(database, "SELECT count(*) FROM note") == AUDIENCE
        assert await count(database, "SELECT accounts FROM launch") == AUDIENCE
        assert (await client.count_workflows("WorkflowType = 'nudge'")).count == AUDIENCE
        await database.close()
