"""`python -m bench.triggers`: what watching costs, how fast storms are worked off, and how soon a waiting play hears of an event.

Rates are of this machine; the ratio of the first line and the bars at the end mean something on any. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import asyncpg
import psutil
from pydantic import SecretStr
from sqlalchemy import text

from api.services.coming import bring_in_once
from bench.servers import make_folder
from cli.dev.postgres import Postgres
from cli.dev.server import free_port
from cli.dev.temporal import Temporal
from settings import Settings
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Tenant
from storage.triggers.changes import take_changes
from tests.api.conftest import KEYS, Caller, Served
from tests.database import TENANT
from tests.triggers.support import archive, playbook, plays, publish

ROUNDS: Final = 60
MOST_MEDIAN_MS: Final = 150.0
MOST_GROWTH_MB: Final = 150.0
WAITS: Final = """
playbook: waits
steps:
  - id: came
    wait_until:
      any:
        ping: {event: bench.ping}
      up_to: 10 days
"""


def say(line: str) -> None:
    """Show how it gets on."""
    print(line, flush=True)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Give how many seconds something takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Database, Settings]]:
    """Start PostgreSQL and Temporal, empty."""
    folder = make_folder()
    async with Postgres(folder / "postgres") as postgres, Temporal(folder / "temporal", with_ui=False) as temporal:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        await upgrade(postgres.url("bench"), app_password="bench")  # noqa: S106  # of a server that lives for a minute
        url = app_url(postgres.url("bench"), "bench")
        database = Database(url, KeyRing.parse(KEYS))
        async with database.begin(TENANT) as session:
            await save_tenant(session, Tenant(id=TENANT, name="Bench"))
        yield (
            database,
            Settings(
                tenant=TENANT,
                data_dir=folder,
                database_url=SecretStr(url),
                encryption_keys=SecretStr(KEYS),
                temporal_address=temporal.address,
                api_port=free_port(),
                worker_stop_grace_s=1,
            ),
        )
        await database.close()


async def write(database: Database, statement: str, **parameters: object) -> None:
    """Run one statement of the tenant."""
    async with database.begin(TENANT) as session:
        await session.execute(text(statement), parameters)


async def rescore(database: Database, score: int) -> float:
    """Give how long it takes to give every account another score."""
    statement = "UPDATE account SET facts = jsonb_build_object('health', jsonb_build_object('score', CAST(:score AS integer)))"
    return await timed(lambda: write(database, statement, score=score))


async def measure_changes(database: Database, accounts: int) -> None:
    """Measure what noting costs those who write, and how fast changes are looked at."""
    made = "INSERT INTO account (tenant, id, name, status) SELECT :tenant, 'A-' || n, 'A', 'active' FROM generate_series(1, :most) n"
    await write(database, made, tenant=TENANT, most=accounts)
    unwatched = statistics.median([await rescore(database, score) for score in (90, 80, 90)])
    await publish(database, playbook("drops", "  when: [{score: health, drops_below: 50}]\n"))
    watched = await rescore(database, 60)
    watched = min(watched, await rescore(database, 40))
    say(f"{accounts:,} scores written in {unwatched:.2f} s; {watched:.2f} s when each is noted (x {watched / unwatched:.2f})")

    async def look() -> None:
        taken = 1
        while taken:
            async with database.begin(TENANT) as session:
                taken = await take_changes(session, datetime.now(UTC))

    seconds = await timed(look)
    say(f"{2 * accounts:,} changes looked at in {seconds:.1f} s ({2 * accounts / seconds:,.0f} a second)")


async def drain(database: Database, slug: str) -> None:
    """Bring in everybody who is due."""
    full = True
    while full:
        full = (await bring_in_once(database, TENANT, slug)).full


async def measure_storms(database: Database, events: int) -> list[tuple[str, bool]]:
    """Measure the score drops, events for as many accounts, and as many for one; every account enters once, and memory stays."""
    before = psutil.Process().memory_info().rss
    seconds = await timed(lambda: drain(database, "drops"))
    entered = await plays(database, "drops")
    say(f"{events:,} accounts brought in by their score in {seconds:.1f} s ({events / seconds:,.0f} a second)")
    await publish(database, playbook("one", "  when: [{event: bench.storm}]\n"))
    queued = """
        INSERT INTO occurrence (tenant, playbook, trigger, kind, account, mark, rank, settles, outcome, tries)
        SELECT :tenant, 'one', 'event_1', 'event', 'A-1', n::text, 2, false, '', 0 FROM generate_series(1, :most) n
    """.replace("n::text", "CAST(n AS text)")
    await write(database, queued, tenant=TENANT, most=events)
    seconds = await timed(lambda: drain(database, "one"))
    say(f"{events:,} events for one account decided in {seconds:.1f} s ({events / seconds:,.0f} a second)")
    growth = (psutil.Process().memory_info().rss - before) / 1e6
    once = await plays(database, "one")
    for slug in ("one", "drops"):
        await archive(database, slug)
    await write(database, "UPDATE run SET state = 'closed'")
    return [
        (f"{len(entered):,} plays for {events:,} accounts, each once", len(entered) == len(set(entered)) == events),
        (f"{len(once)} play for {events:,} events of one account", len(once) == 1),
        (f"memory grew by {growth:.0f} MB, at most {MOST_GROWTH_MB:.0f}", growth <= MOST_GROWTH_MB),
    ]


def measure_latency(settings: Settings) -> tuple[str, bool]:
    """Measure from the request that brings an event until the play that waited for it has ended and says so."""
    took = []
    with Served(settings) as served:
        api = Caller(served.url)
        api.publish(WAITS)
        for number in range(ROUNDS):
            account = f"L-{number}"
            api.put(f"/v1/accounts/{account}", {"name": account})
            run = api.start("waits", account)["id"]
            api.step_when(run, "came", "waiting")
            began = time.perf_counter()
            api.post("/v1/events", {"id": account, "source": "bench", "type": "bench.ping", "account": account, "data": {}})
            while api.get(f"/v1/runs/{run}")["state"] != "closed":
                time.sleep(0.002)
            took.append((time.perf_counter() - began) * 1000)
    median = statistics.median(took)
    slow = sorted(took)[int(len(took) * 0.95)]
    return (
        f"event to waiting play: median {median:.0f} ms, 95 % under {slow:.0f} ms, at most {MOST_MEDIAN_MS:.0f}",
        median <= MOST_MEDIAN_MS,
    )


async def main(events: int) -> bool:
    """Measure everything, print it, and give whether all bars hold."""
    async with opened() as (database, settings):
        await measure_changes(database, events)
        bars = await measure_storms(database, events)
        bars.append(await asyncio.to_thread(measure_latency, settings))
    for line, holds in bars:
        say(f"{'holds ' if holds else 'MISSED'}  {line}")
    return all(holds for _, holds in bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    sys.exit(0 if asyncio.run(main(parser.parse_args().events)) else 1)
