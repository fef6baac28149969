"""`python -m bench.observations`: what taking observations in, a night's features and a panel to learn from cost on this machine.

Exit code 1 when a bar is missed. Bars are for one core and an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg

from activities.scoring.snapshots import snapshot_page
from api.schemas.usage import MOST_EVENTS, UsageEvents
from api.security import Actor, Role
from api.services.usage import take_observations
from bench.servers import make_folder
from cli.dev.postgres import Postgres
from playbook_dsl.values import Json
from scoring.features.history import histories_of
from scoring.features.panels import build_panel
from scoring.observations import Observation
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.accounts import save_accounts
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Tenant

TENANT = "bench"
CUTOFFS = 24
MOST_PANEL_S = 25.0
LEAST_EVENTS_A_SECOND = 2_000.0
MOST_NIGHT_S = 60.0
USER = Actor(tenant=TENANT, name="bench", role=Role.OPERATOR)


def days_of_usage(accounts: int, events: int, now: datetime) -> Iterator[dict[str, Json]]:
    """Give one event a person and day, of the last days, a tenth of them late."""
    chance = random.Random(1)
    for number in range(events):
        account = number % accounts
        day = number // accounts % 120
        yield {
            "id": f"{number}",
            "account": f"A-{account:05}",
            "occurred_at": (now - timedelta(days=day, minutes=chance.randrange(600))).isoformat(),
            "values": {"user": f"u{chance.randrange(20)}", "feature": f"f{chance.randrange(8)}"},
        }


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Give the seconds some work takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def take_in(database: Database, events: list[dict[str, Json]], batch: int) -> tuple[int, int]:
    """Send events in batches; give how many were new and how many known."""
    taken = known = 0
    for start in range(0, len(events), batch):
        answer = await take_observations(database, USER, UsageEvents(events=events[start : start + batch]))
        taken, known = taken + answer.taken, known + answer.known
    return taken, known


async def a_night(database: Database, now: datetime) -> int:
    """Work off every account, 500 at a time."""
    after, accounts, more = "", 0, True
    while more:
        page = await snapshot_page(database, TENANT, now, after, 500)
        after, accounts, more = page.last, accounts + page.accounts, page.more
    return accounts


async def measure_database(accounts: int, events: int) -> list[str]:
    """Measure taking in and the night; give the bars that were missed."""
    missed, now = [], datetime.now(UTC)
    async with Postgres(make_folder() / "postgres") as postgres:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        await upgrade(postgres.url("bench"), app_password="bench")  # noqa: S106  # of a server that lives for a minute
        database = Database(app_url(postgres.url("bench"), "bench"), KeyRing.parse(f"k1:{KeyRing.new_key()}"))
        async with database.begin(TENANT) as session:
            await save_tenant(session, Tenant(id=TENANT, name="Bench", currency="EUR", zone="Europe/Berlin"))
            await save_accounts(session, [{"id": f"A-{number:05}", "name": f"{number}"} for number in range(accounts)])
        sent = list(days_of_usage(accounts, events, now))
        for words, batch in (("new", MOST_EVENTS), ("again", MOST_EVENTS)):
            seconds = await timed(lambda batch=batch: take_in(database, sent, batch))  # type: ignore[misc]  # bound at once
            say(f"{events:,} events {words}, in batches of {batch:,}: {seconds:.1f} s, {events / seconds:,.0f} a second")
            missed += [f"taking in ({words})"] if events / seconds < LEAST_EVENTS_A_SECOND else []
        for words in ("first", "second"):
            seconds = await timed(lambda: a_night(database, datetime.now(UTC)))
            say(f"features and facts of {accounts:,} accounts, {words} time: {seconds:.1f} s")
            missed += [f"a night ({words})"] if seconds > MOST_NIGHT_S else []
        await database.close()
    return missed


def a_year(account: str, chance: random.Random) -> Iterator[Observation]:
    """Give three years of weekly reports, tickets, invoices and a contract."""
    began = datetime(2023, 1, 2, tzinfo=UTC)

    def at(days: float, kind: str, name: str, subject: str = "", **values: float | str) -> Observation:
        moment = began + timedelta(days=days)
        return Observation(name, account, kind, moment, moment + timedelta(days=chance.choice([0, 0, 0, 1])), subject, values)

    yield at(0, "contract", "c", "c", status="active", start="2023-01-02", term_months=12, mrr=500, seats=20, plan="pro")
    yield from (at(7 * week, "usage", f"u{week}", logins=chance.randrange(50), active_users=chance.randrange(20)) for week in range(150))
    for number in range(25):
        opened = chance.uniform(0, 1050)
        yield at(opened, "ticket", f"t{number}", f"t{number}", status="open", severity=chance.randrange(1, 5))
        yield at(opened + 2, "ticket", f"d{number}", f"t{number}", status="closed", csat=4)
    for month in range(35):
        yield at(30 * month, "invoice", f"i{month}", f"i{month}", status="open", due="2024-01-02", amount=5)
        yield at(30 * month + 10, "invoice", f"p{month}", f"i{month}", status="paid")


def measure_panel(accounts: int) -> list[str]:
    """Measure the features of many cutoffs; give the bars that were missed."""
    chance = random.Random(2)
    observations = [each for number in range(accounts) for each in a_year(f"A-{number:05}", chance)]
    began = time.process_time()
    histories = histories_of(observations)
    cutoffs = [datetime(2023, 8, 1, tzinfo=UTC) + timedelta(days=30 * number) for number in range(CUTOFFS)]
    panel = build_panel(histories.values(), cutoffs, "churn")
    seconds = time.process_time() - began
    say(f"panel of {len(panel):,} rows of {len(observations):,} observations: {seconds:.1f} s on one core")
    return ["the panel"] if seconds > MOST_PANEL_S * accounts / 3_000 else []


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and end with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=3_000)
    parser.add_argument("--events", type=int, default=100_000)
    given = parser.parse_args()
    missed = measure_panel(given.accounts) + asyncio.run(measure_database(given.accounts, given.events))
    say(f"missed: {', '.join(missed)}" if missed else "every bar is met")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
