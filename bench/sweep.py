"""`python -m bench.sweep`: what a sweep costs against the bare query and the bare start of the same plays, in one run.

Exit code 1 when a bar is missed. PostgreSQL and Temporal run on this machine; nothing plays the plays, so that only their starts count.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import psutil
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlmodel import col
from temporalio.client import Client
from temporalio.worker import Worker

from activities.attempts import Attempts
from activities.contracts import LaunchInput, RunInput
from activities.sweeping import PARTS, STARTS_AT_ONCE, Sweeping
from bench.servers import make_folder
from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal
from storage.encryption import KeyRing
from storage.enrollment.audience import audience_condition, gather_audience
from storage.migrate import app_url, upgrade
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Account, Tenant
from tests.sweeps.book import TENANT, count, fill, publish
from workflows.client import Address, connect
from workflows.messages import SWEEP
from workflows.outlet import TemporalPlays
from workflows.sweep import LaunchSweep

MOST_EVALUATION = 1.5
MOST_STARTING = 1.25
MOST_EVALUATION_S = 20.0
MOST_GROWTH_MB = 60.0
AUDIENCES = {
    "1 in 100": "health.score < 1",
    "1 in 10": 'health.score < 10 and account.status == "active"',
    "1 in 200, by usage": 'usage.active_users > 30 and account.tier == "growth" and account.mrr < 100 EUR',
}
"""The conditions whose evaluation is measured. The first is swept."""


@dataclass
class Measured:
    """What one size of the book came to."""

    accounts: int
    bare_s: dict[str, list[float]] = field(default_factory=dict)
    gather_s: dict[str, list[float]] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    bare_starts_s: list[float] = field(default_factory=list)
    sweep_s: list[float] = field(default_factory=list)
    started: int = 0
    second: dict[str, object] = field(default_factory=dict)
    growth_mb: float = 0.0


class Noting:
    """The real way to Temporal, which keeps ids and one input, so that the same plays can be started bare."""

    def __init__(self, client: Client) -> None:
        """Begin plays on a queue that nobody serves."""
        self._plays = TemporalPlays(client, "bench-nobody")
        self.begun: list[str] = []
        self.sample: RunInput | None = None

    async def begin(self, workflow_id: str, play: RunInput) -> bool:
        """Begin a play."""
        self.begun.append(workflow_id)
        self.sample = self.sample or play
        return await self._plays.begin(workflow_id, play)


async def evaluate(database: Database, url: str, measured: Measured, rounds: int) -> None:
    """Time the bare query that returns the ids, and the writing down of the same audience."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT set_config('app.tenant', $1, false)", TENANT)
    for name, source in AUDIENCES.items():
        async with database.begin(TENANT) as session:
            condition = await audience_condition(session, source, datetime.now(UTC))
        query = select(col(Account.id)).where(condition)
        compiled = query.compile(dialect=postgresql.asyncpg.dialect(), compile_kwargs={"render_postcompile": True})  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
        values = [compiled.params[each] for each in compiled.positiontup or ()]
        for number in range(rounds):
            begun = time.perf_counter()
            rows = await connection.fetch(str(compiled), *values)
            measured.bare_s.setdefault(name, []).append(time.perf_counter() - begun)
            begun = time.perf_counter()
            async with database.begin(TENANT) as session:
                written = await gather_audience(session, f"bench-{name}-{number}", source, datetime.now(UTC))
            measured.gather_s.setdefault(name, []).append(time.perf_counter() - begun)
            assert written == len(rows)
            measured.found[name] = written
    await connection.close()


async def sweep(database: Database, client: Client, measured: Measured) -> None:
    """Sweep, then start the same plays bare, then sweep again."""
    plays = Noting(client)
    memory = psutil.Process()
    worker = Worker(
        client, task_queue="bench-sweep", workflows=[LaunchSweep], activities=Sweeping(database, plays).all(), interceptors=[Attempts()]
    )
    call = LaunchInput(tenant=TENANT, playbook="nudge", trigger_id="daily")
    before = memory.memory_info().rss
    async with worker:
        begun = time.perf_counter()
        await client.execute_workflow(SWEEP, call, id=f"sweep-{measured.accounts}-1", task_queue="bench-sweep")
        measured.sweep_s.append(time.perf_counter() - begun)
        measured.growth_mb = (memory.memory_info().rss - before) / 1e6
        measured.started = len(plays.begun)
        for number in range(2):
            assert plays.sample is not None
            await bare_starts(client, plays.begun, plays.sample, measured, number)
        await client.execute_workflow(SWEEP, call, id=f"sweep-{measured.accounts}-2", task_queue="bench-sweep")
    assert len(set(plays.begun)) == len(plays.begun)
    async with database.begin(TENANT) as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql("SELECT counts FROM launch ORDER BY started_at DESC LIMIT 1")
        measured.second = rows.scalar_one()


async def bare_starts(client: Client, begun: Sequence[str], play: RunInput, measured: Measured, number: int) -> None:
    """Start the same plays with nothing around it, as many at once as the sweep does."""
    plays = TemporalPlays(client, "bench-nobody")
    free = asyncio.Semaphore(PARTS * STARTS_AT_ONCE)

    async def one(workflow_id: str) -> None:
        async with free:
            await plays.begin(f"bare{number}:{workflow_id}", play)

    started = time.perf_counter()
    await asyncio.gather(*(one(each) for each in begun))
    measured.bare_starts_s.append(time.perf_counter() - started)


def judge(measured: Measured) -> bool:
    """Print what was measured, and whether each bar holds."""
    print(f"\n{measured.accounts:,} accounts")
    bars = []
    for name, source in AUDIENCES.items():
        bare, gather = statistics.median(measured.bare_s[name]), statistics.median(measured.gather_s[name])
        print(f"  {source}: {measured.found[name]:,} accounts; bare query {bare * 1000:.0f} ms, written down {gather * 1000:.0f} ms")
        bars.append((f"evaluation {gather / bare:.2f} of the bare query, at most {MOST_EVALUATION}", gather / bare <= MOST_EVALUATION))
        bars.append((f"evaluation in {gather:.2f} s, under {MOST_EVALUATION_S:.0f}", gather < MOST_EVALUATION_S))
    bare, swept = min(measured.bare_starts_s), measured.sweep_s[0]
    print(f"  {measured.started:,} plays: bare starts {bare:.1f} s ({measured.started / bare:.0f}/s), sweep {swept:.1f} s in all")
    first = statistics.median(measured.gather_s["1 in 100"])
    ratio = (swept - first) / bare
    bars.append((f"enrolling and starting {ratio:.2f} of the bare starts, at most {MOST_STARTING}", ratio <= MOST_STARTING))
    bars.append((f"a second sweep starts nothing: {measured.second}", measured.second == {"already_active": measured.started}))
    bars.append((f"the worker grew by {measured.growth_mb:.0f} MB, at most {MOST_GROWTH_MB:.0f}", measured.growth_mb <= MOST_GROWTH_MB))
    for text, holds in bars:
        print(f"  {'ok  ' if holds else 'MISS'} {text}")
    return all(holds for _, holds in bars)


async def run(sizes: Sequence[int], rounds: int) -> bool:
    """Measure each size on servers of its own."""
    good = True
    for accounts in sizes:
        folder = make_folder()
        async with Postgres(folder / "postgres") as postgres, Temporal(folder / "temporal", with_ui=False) as temporal:
            owner = await asyncpg.connect(postgres.url())
            await owner.execute("CREATE DATABASE bench")
            await owner.close()
            await upgrade(postgres.url("bench"), app_password="bench")  # noqa: S106  # of a server that lives for a minute
            url = app_url(postgres.url("bench"), "bench")
            database = Database(url, KeyRing.parse(f"k1:{KeyRing.new_key()}"))
            async with database.begin(TENANT) as session:
                await save_tenant(session, Tenant(id=TENANT, name="Acme", zone="Europe/Berlin"))
            await fill(database, accounts)
            owner = await asyncpg.connect(postgres.url("bench"))
            await owner.execute("VACUUM ANALYZE account")
            await owner.close()
            await publish(database, audience=AUDIENCES["1 in 100"])
            client = await connect(Address(temporal.address), cipher=None, wait_s=30, say=lambda line: None)
            measured = Measured(accounts)
            await evaluate(database, url, measured, rounds)
            await sweep(database, client, measured)
            left = await count(database, "SELECT count(*) FROM run")
            assert left == measured.started
            await database.close()
        good = judge(measured) and good
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(run(options.accounts, options.rounds)) else 1)
