"""The drill: many plays, and meanwhile workers, Temporal and PostgreSQL are killed without warning."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from cli.dev.postgres import Postgres
from cli.dev.server import Server
from cli.dev.temporal import Temporal
from playbook_dsl.plan import Plan
from storage.encryption import PAYLOADS, BoundKeys, KeyRing
from storage.migrate import app_url, upgrade
from storage.session import Database
from storage.tables import Run
from tests.drill.plays import TENANT, fill, make_input, make_plan
from tests.drill.tally import Tally, read_tally
from tests.drill.vendor import Vendors
from tests.drill.workers import Workers
from workflows.client import Address, connect
from workflows.messages import QUEUE_PLAYS

Say = Callable[[str], None]


@dataclass(frozen=True)
class Program:
    """How hard the drill is.

    Between two kills the plays make `entries_between` entries in the vendors' books. After every `server_after` kills of workers a
    server is killed too, PostgreSQL and Temporal in turn; 0: never.
    """

    kills: int = 200
    plays_at_once: int = 40
    workers: int = 2
    pause_s: tuple[float, float] = (0.0, 0.4)
    suicides: float = 0.05
    server_after: int = 0
    seed: int = 1
    patience_s: float = 180
    least_plays: int = 10
    entries_between: int = 3


@dataclass
class Report:
    """What happened and what was found."""

    tally: Tally
    worker_kills: int
    kills_after_an_answer: int
    server_kills: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    busy: int = 0
    took_s: float = 0.0


class Drill:
    """One drill on servers of its own."""

    def __init__(self, folder: Path, program: Program, say: Say) -> None:
        self.program, self._say = program, say
        self._chance = random.Random(program.seed)
        # The files of a killed server are whole without flushing each write: the machine itself lives on.
        self._postgres = Postgres(folder / "postgres", settings={"fsync": "off", "max_connections": "100"})
        self._temporal = Temporal(folder / "temporal", with_ui=False)
        self._vendors = Vendors(program.seed)
        self._started: list[str] = []
        self._killed: dict[str, int] = {}
        self._killing = False
        self._key = f"k1:{KeyRing.new_key()}"
        self._keys = KeyRing.parse(self._key)

    async def run(self) -> Report:
        """Start everything, kill, let the plays end in peace, and count."""
        began = time.monotonic()
        await asyncio.to_thread(self._postgres.start)
        try:
            await asyncio.to_thread(self._temporal.start)
            with self._vendors:
                report = await self._with_servers()
        finally:
            await asyncio.to_thread(self._temporal.stop)
            await asyncio.to_thread(self._postgres.stop)
        report.took_s = time.monotonic() - began
        return report

    async def _with_servers(self) -> Report:
        connection = await asyncpg.connect(self._postgres.url())
        await connection.execute("CREATE DATABASE drill")
        await connection.close()
        await upgrade(self._postgres.url("drill"), app_password="drill")
        url = app_url(self._postgres.url("drill"), "drill")
        database = Database(url, self._keys, pooled=False)
        await fill(database)
        program = self.program
        workers = Workers(self._environment(url), count=program.workers, suicides=program.suicides, seed=program.seed)
        try:
            workers.fill()
            kills = await self._kill_under_load(workers)
            self._say(f"{kills} kills; {len(self._started)} plays started; the rest may end in peace")
            workers.live_peacefully()
            await self._wait_for_the_end(database, workers)
            tally = await read_tally(database, self._vendors.books, self._started)
        finally:
            workers.stop()
            await database.close()
        books = self._vendors.books
        return Report(tally, kills, workers.died_after_an_answer, self._killed, books.dropped, books.busy)

    def _environment(self, url: str) -> dict[str, str]:
        return {
            "PLAYKEEPER_DATABASE_URL": url,
            "PLAYKEEPER_DATABASE_POOL_SIZE": "8",
            "PLAYKEEPER_TEMPORAL_ADDRESS": self._temporal.address,
            "PLAYKEEPER_ENCRYPTION_KEYS": self._key,
            "PLAYKEEPER_HTTP_PRIVATE_HOSTS": self._vendors.host,
            "PLAYKEEPER_SMTP_HOST": "127.0.0.1",
            "PLAYKEEPER_SMTP_PORT": str(self._vendors.smtp_port),
            "PLAYKEEPER_SMTP_SECURITY": "none",
            "PLAYKEEPER_WORKER_STOP_GRACE_S": "5",
        }

    async def _kill_under_load(self, workers: Workers) -> int:
        """Keep plays coming, and kill until there were enough kills. Gives their number."""
        program = self.program
        client = await connect(Address(self._temporal.address), cipher=BoundKeys(self._keys, PAYLOADS), wait_s=30, say=self._say)
        plan = make_plan(self._vendors.host)
        self._killing = True
        starting = asyncio.create_task(self._keep_starting(client, plan))
        kills = 0
        try:
            while kills + workers.died_after_an_answer < program.kills:
                await self._let_work_go_on(workers)
                await asyncio.sleep(self._chance.uniform(*program.pause_s))
                await asyncio.to_thread(workers.kill_one, self._chance)
                kills += 1
                if program.server_after and kills % program.server_after == 0:
                    await self._kill_server(self._postgres if (kills // program.server_after) % 2 else self._temporal)
                if kills % 20 == 0:
                    self._say(f"{kills + workers.died_after_an_answer} kills, {len(self._started)} plays started")
        finally:
            self._killing = False
            await starting
        return kills + workers.died_after_an_answer

    async def _let_work_go_on(self, workers: Workers) -> None:
        """Return when the vendors have heard of the plays again: killing workers that have just begun proves nothing."""
        books = self._vendors.books
        enough = books.entries + self.program.entries_between
        deadline = time.monotonic() + 30
        while books.entries < enough and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            await asyncio.to_thread(workers.fill)

    async def _kill_server(self, server: Server) -> None:
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(self._chance.uniform(0.1, 2.0))
        await asyncio.to_thread(server.start)
        self._killed[server.title] = self._killed.get(server.title, 0) + 1

    async def _keep_starting(self, client: Client, plan: Plan) -> None:
        """Start a play whenever there are fewer under way than wanted."""
        while self._killing or len(self._started) < self.program.least_plays:
            if await self._under_way(client) < self.program.plays_at_once:
                await self._start(client, plan, len(self._started))
            else:
                await asyncio.sleep(0.2)

    async def _start(self, client: Client, plan: Plan, number: int) -> None:
        """Start play number `number`, for as long as it takes: starting it twice is starting it once."""
        play = make_input(plan, number)
        while True:
            try:
                await client.start_workflow(
                    play.run.playbook, play, id=f"play:{play.run.run_id}", task_queue=QUEUE_PLAYS, rpc_timeout=timedelta(seconds=5)
                )
                break
            except WorkflowAlreadyStartedError:
                break
            except RPCError:
                await asyncio.sleep(0.3)
        self._started.append(play.run.run_id)

    async def _under_way(self, client: Client) -> int:
        try:
            counted = await client.count_workflows("ExecutionStatus = 'Running'", rpc_timeout=timedelta(seconds=3))
        except RPCError:
            return self.program.plays_at_once
        return counted.count

    async def _wait_for_the_end(self, database: Database, workers: Workers) -> None:
        deadline = time.monotonic() + self.program.patience_s
        left = len(self._started)
        while left and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(workers.fill)
            try:
                async with database.begin(TENANT) as session:
                    closed = await session.scalar(select(func.count()).select_from(Run).where(col(Run.state) == "closed"))
            except (DBAPIError, OSError):
                continue
            left = len(self._started) - (closed or 0)
