"""Servers of their own with the product's worker as a process, to be killed in the middle of something."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import text
from temporalio.client import Client

from cli.dev.guard import GUARD
from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Tenant
from workflows.client import Address, connect


class Worker:
    """The product's own worker as a process."""

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

    async def replace(self) -> None:
        await self.kill()
        self.start()


@dataclass(frozen=True)
class Ground:
    """Where it happens. The worker is not started yet."""

    tenant: str
    database: Database
    client: Client
    worker: Worker

    async def count(self, query: str) -> int:
        async with self.database.begin(self.tenant) as session:
            return int((await session.execute(text(query))).scalar_one())

    async def until(self, query: str, least: int) -> None:
        for _ in range(900):
            if await self.count(query) >= least:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{query} stayed below {least}: {await self.count(query)}")


@asynccontextmanager
async def ground(server_folder: Path, name: str, tenant: str) -> AsyncIterator[Ground]:
    """Start PostgreSQL and Temporal under this name, with the tenant in the database."""
    async with (
        Postgres(server_folder / f"postgres-{name}", settings={"fsync": "off"}) as postgres,
        Temporal(server_folder / f"temporal-{name}", with_ui=False) as temporal,
    ):
        owner = await asyncpg.connect(postgres.url())
        await owner.execute(f"CREATE DATABASE {name}")
        await owner.close()
        await upgrade(postgres.url(name), app_password=name)
        key, url = f"k1:{KeyRing.new_key()}", app_url(postgres.url(name), name)
        database = Database(url, KeyRing.parse(key), pooled=False)
        async with database.begin(tenant) as session:
            await save_tenant(session, Tenant(id=tenant, name="Acme"))
        environment = {
            **os.environ,
            "PLAYKEEPER_TENANT": tenant,
            "PLAYKEEPER_DATABASE_URL": url,
            "PLAYKEEPER_TEMPORAL_ADDRESS": temporal.address,
            "PLAYKEEPER_TEMPORAL_SEALED": "false",
            "PLAYKEEPER_ENCRYPTION_KEYS": key,
        }
        client = await connect(Address(temporal.address), cipher=None, wait_s=30, say=lambda line: None)
        yield Ground(tenant, database, client, Worker(environment))
        await database.close()
