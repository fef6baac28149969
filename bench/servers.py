"""What is measured: PostgreSQL, the Temporal development server, and one worker process that serves both forms."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
from temporalio.client import Client

from cli.dev.guard import GUARD
from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.session import Database
from tests.drill.plays import fill
from workflows.client import Address, connect
from workflows.messages import QUEUE_PLAYS


@dataclass(frozen=True)
class Servers:
    """A client, and the processes whose CPU is read."""

    client: Client
    worker: psutil.Process
    temporal: psutil.Process
    postgres: psutil.Process


def make_folder() -> Path:
    """Make a folder for the servers' data."""
    folder = Path(tempfile.mkdtemp(prefix="playkeeper-bench-"))
    folder.chmod(0o755)  # PostgreSQL runs as nobody when we are root
    return folder


def _start_worker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen([sys.executable, "-m", "bench.worker"], env=environment)
    GUARD.watch(worker.pid)
    return worker


@asynccontextmanager
async def running() -> AsyncIterator[Servers]:
    """Start everything, and stop it at the end."""
    folder = make_folder()
    async with Postgres(folder / "postgres") as postgres, Temporal(folder / "temporal", with_ui=False) as temporal:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        await upgrade(postgres.url("bench"), app_password="bench")  # noqa: S106  # of a server that lives for a minute
        url = app_url(postgres.url("bench"), "bench")
        key = f"k1:{KeyRing.new_key()}"
        database = Database(url, KeyRing.parse(key), pooled=False)
        await fill(database)
        await database.close()
        environment = {
            **os.environ,
            "PLAYKEEPER_DATABASE_URL": url,
            "PLAYKEEPER_TEMPORAL_ADDRESS": temporal.address,
            "PLAYKEEPER_TEMPORAL_SEALED": "false",
            "PLAYKEEPER_ENCRYPTION_KEYS": key,
        }
        worker = _start_worker(environment)
        try:
            client = await connect(Address(temporal.address), cipher=None, wait_s=10, say=lambda line: None)
            await _until_ready(temporal, worker)
            yield Servers(client, psutil.Process(worker.pid), psutil.Process(temporal.pid), psutil.Process(postgres.pid))
        finally:
            worker.terminate()
            await asyncio.to_thread(worker.wait, 20)
            GUARD.release(worker.pid)


async def _until_ready(temporal: Temporal, worker: subprocess.Popen[bytes]) -> None:
    while not await asyncio.to_thread(temporal.has_worker, QUEUE_PLAYS):
        if worker.poll() is not None:
            raise RuntimeError("the worker of the benchmark did not start")
        await asyncio.sleep(0.2)
