"""`python -m bench.serving`: how long a score takes from the model of one's own, kept, with the endpoint down, and for 100,000 accounts.

Everything is real but the endpoint: PostgreSQL, a boosted model out of its file with its explanations, writing what came of it. Exit code 1
when a bar is missed. `measure` is for `make bench-scoring`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg
import numpy as np
from sqlalchemy import text

from activities.connections import Connections
from activities.scoring.serving import Serving
from bench.servers import make_folder
from cli.dev.postgres import Postgres
from connectors.sagemaker.fake import FakeSageMaker
from connectors.sagemaker.vendor import SAGEMAKER
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving as sandbox
from scoring.features.definitions import FEATURE_SET, FEATURES
from scoring.models.files import Manifest, save, sha256_of
from scoring.models.local import LocalModel
from scoring.models.table import learn
from scoring.panel import Panel
from scoring.serve import Answer
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.connections import save_connection
from storage.repositories.tenants import save_tenant
from storage.scoring_tables import ScoringModel
from storage.session import Database
from storage.tables import Tenant
from tests.api.conftest import KEYS
from tests.database import TENANT

ONE: Final = 300
"""Accounts scored one by one."""
DOWN: Final = 30
"""Accounts scored while the endpoint is silent: it is waited for five times, then left alone."""
LEARNED_FROM: Final = 4_000
PAGE: Final = 500
MOST_LOCAL_MS: Final = 150.0
MOST_KEPT_MS: Final = 50.0
MOST_DOWN_MS: Final = 3_000.0
MOST_BATCH_S: Final = 10.0


@dataclass(frozen=True)
class Spread:
    """How long something took, in milliseconds: half of the time, and 99 times in 100. `most_ms` is the bar for the latter."""

    what: str
    p50_ms: float
    p99_ms: float
    most_ms: float

    @property
    def holds(self) -> bool:
        """Whether it is quick enough."""
        return self.p99_ms < self.most_ms

    def __str__(self) -> str:
        """Give the line that is printed."""
        return f"{self.what}: p50 {self.p50_ms:.0f} ms, p99 {self.p99_ms:.0f} ms, less than {self.most_ms:,.0f}"


@dataclass(frozen=True)
class Batch:
    """Seconds of CPU for predicting all accounts in one call, with their reasons, and for a night's pass over them with the database."""

    accounts: int
    predicted_s: float
    explained_s: float
    passed_s: float

    @property
    def holds(self) -> bool:
        """Whether predicting is quick enough."""
        return self.predicted_s < MOST_BATCH_S

    def __str__(self) -> str:
        """Give the line that is printed."""
        return (
            f"{self.accounts:,} accounts: predicted in {self.predicted_s:.1f} s CPU, less than {MOST_BATCH_S:.0f}; "
            f"with reasons {self.explained_s:.1f} s; a night's pass with reading and writing {self.passed_s:.0f} s"
        )


def synthetic(rows: int, seed: int = 5) -> Panel:
    """Give accounts whose risk depends on their logins, seats and bills."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, len(FEATURES)))
    names = [each.name for each in FEATURES]
    levels = {each.name: ("basic", "pro") for each in FEATURES if each.kind == "category"}
    for name in levels:
        values[:, names.index(name)] = random.integers(0, 2, rows)
    values[random.random(values.shape) < 0.1] = np.nan
    known = np.nan_to_num(values)
    weight = -2.5 - known[:, names.index("logins_trend")] - 0.7 * known[:, names.index("seat_share")]
    return Panel(
        features=FEATURES,
        accounts=np.array([f"A-{number:07}" for number in range(rows)]),
        as_of=np.full(rows, np.datetime64("2026-06-01")),
        values=values,
        labels=random.random(rows) < 1 / (1 + np.exp(-weight)),
        levels=levels,
    )


@asynccontextmanager
async def opened(accounts: int) -> AsyncIterator[Database]:
    """Start PostgreSQL with a book of accounts, their features of last night, and a champion."""
    folder = make_folder()
    async with Postgres(folder / "postgres") as postgres:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        await upgrade(postgres.url("bench"), app_password="bench")  # noqa: S106  # of a server that lives for a minute
        database = Database(app_url(postgres.url("bench"), "bench"), KeyRing.parse(KEYS))
        async with database.begin(TENANT) as session:
            await save_tenant(session, Tenant(id=TENANT, name="Bench"))
        await _fill(database, accounts)
        yield database
        await database.close()


async def _fill(database: Database, accounts: int) -> None:
    as_of = datetime.now(UTC) - timedelta(hours=6)
    numbers = [each.name for each in FEATURES if each.kind == "number"]
    values = ", ".join(f"'{name}', round(CAST(random() * 4 - 2 AS numeric), 3)" for name in numbers)
    file = save(replace(learn(synthetic(LEARNED_FROM)), target="churn"), Manifest(version=1))
    async with database.begin(TENANT) as session:
        made = """
            INSERT INTO account (tenant, id, name, status, mrr, currency, facts)
            SELECT :tenant, 'A-' || lpad(CAST(n AS text), 7, '0'), 'A', 'active', 500, 'EUR', '{"health": {"score": 60}}'
            FROM generate_series(1, :many) n
        """
        await session.execute(text(made), {"tenant": TENANT, "many": accounts})
        await session.execute(text("SELECT playkeeper_month_partition('account_feature_snapshot', :day)"), {"day": as_of.date()})
        features = f"""
            INSERT INTO account_feature_snapshot (tenant, account, as_of, feature_set, values)
            SELECT tenant, id, :as_of, :features, jsonb_build_object({values}) || jsonb_build_object('plan', 'pro') FROM account
        """  # noqa: S608  # names of our own features
        await session.execute(text(features), {"as_of": as_of, "features": FEATURE_SET})
        session.add(
            ScoringModel(
                tenant=TENANT,
                target="churn",
                version=1,
                training="bench",
                status="champion",
                algorithm="boosting",
                feature_set=FEATURE_SET,
                file=file,
                sha256=sha256_of(file),
                trained_at=as_of,
            )
        )


async def timed(times: int, work: Callable[[int], Awaitable[Answer]], given_by: Sequence[str]) -> list[float]:
    """Give the milliseconds of each of several scores, all of which come from where they should."""
    took = []
    for number in range(1, times + 1):
        began = time.perf_counter()
        answer = await work(number)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.prediction is not None, answer
        assert answer.prediction.source in given_by, answer
    return took


def spread(what: str, took: Sequence[float], most_ms: float) -> Spread:
    """Give the two figures of many."""
    ordered = sorted(took)
    return Spread(what, statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], most_ms)


def name_of(number: int) -> str:
    """Give an account's id."""
    return f"A-{number:07}"


async def measure_one(database: Database) -> list[Spread]:
    """Measure single scores: by the model of one's own, kept, and with an endpoint that does not answer."""
    serving = Serving(database, Connections(database))
    await serving.warm(TENANT)
    local = await timed(ONE, lambda number: serving.score(TENANT, name_of(number), "churn", anew=True), ["champion"])
    kept = await timed(ONE, lambda number: serving.score(TENANT, name_of(number), "churn"), ["cached"])
    serving.close()
    fake = FakeSageMaker()
    fake.faults += [Fault("silence")] * DOWN
    fake.deaf_s = 2
    async with database.begin(TENANT) as session:
        await save_connection(session, SAGEMAKER.name, dict(SAGEMAKER.sandbox), account="scores", saved_by="bench")
    with sandbox(fake) as url:
        connections = Connections(database, url)
        serving = Serving(database, connections)
        await serving.warm(TENANT)
        down = await timed(DOWN, lambda number: serving.score(TENANT, name_of(number), "churn", anew=True), ["champion"])
        serving.close()
        await connections.close()
        await asyncio.sleep(fake.deaf_s)
    async with database.begin(TENANT) as session:
        await session.execute(text("DELETE FROM connection"))
    return [
        spread("one account, model of one's own", local, MOST_LOCAL_MS),
        spread("one account, kept", kept, MOST_KEPT_MS),
        spread("one account, endpoint silent", down, MOST_DOWN_MS),
    ]


async def measure_batch(database: Database, accounts: int) -> Batch:
    """Measure predicting all accounts, and a night's pass over them."""
    async with database.begin(TENANT) as session:
        found = await session.execute(text("SELECT account, values FROM account_feature_snapshot"))
        names, rows = zip(*(tuple(row) for row in found), strict=True)
        ((file, sha256),) = (await session.execute(text("SELECT file, sha256 FROM scoring_model"))).all()
    model, now = LocalModel.load(file, sha256), datetime.now(UTC)
    model.predictions(rows[:10], names[:10], [now] * 10, now)
    began = time.process_time()
    model.predict(model.values(rows))
    predicted = time.process_time() - began
    began = time.process_time()
    model.predictions(rows, names, [now] * len(rows), now)
    explained = time.process_time() - began
    serving = Serving(database, Connections(database))
    await serving.warm(TENANT)
    began, after, more, done = time.process_time(), "", True, 0
    while more:
        page = await serving.score_page(TENANT, "churn", now, after, PAGE)
        after, more, done = page.last or after, page.more, done + page.accounts
    passed = time.process_time() - began
    serving.close()
    assert done == accounts == len(rows)
    return Batch(accounts, predicted, explained, passed)


async def measure(accounts: int = 100_000) -> tuple[list[Spread], Batch]:
    """Measure everything on a server of its own."""
    async with opened(accounts) as database:
        return await measure_one(database), await measure_batch(database, accounts)


def main(accounts: int) -> bool:
    """Measure, print, and give whether every bar holds."""
    spreads, batch = asyncio.run(measure(accounts))
    bars: list[Spread | Batch] = [*spreads, batch]
    for bar in bars:
        print(f"{'holds ' if bar.holds else 'MISSED'}  {bar}")
    return all(bar.holds for bar in bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    sys.exit(0 if main(parser.parse_args().accounts) else 1)
