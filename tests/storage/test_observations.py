from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.scoring.snapshots import histories_from
from scoring.features.compute import features_at
from scoring.features.history import History
from scoring.observations import Observation, Value
from storage.repositories.observations import Seen, add_observations, list_observations, make_months
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Tenant

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def seen(
    account: str, days_ago: float, *, id: str = "1", kind: str = "usage", late: float = 0, subject: str = "", **values: object
) -> Seen:
    at = NOW - timedelta(days=days_ago)
    return Seen(account, at, id, kind, subject, values, at + timedelta(days=late))


async def add(database: Database, *rows: Seen, tenant: str = "acme") -> tuple[int, int, int]:
    async with database.begin(tenant) as session:
        await make_months(session, "observation", {row.occurred_at.date() for row in rows})
    async with database.begin(tenant) as session:
        written = await add_observations(session, rows)
    return len(written.new), len(written.known), len(written.other)


async def known(database: Database, account: str, cutoff: datetime = NOW, tenant: str = "acme") -> list[str]:
    async with database.begin(tenant) as session:
        return sorted({each.id for each in await list_observations(session, [account], cutoff)})


async def test_a_batch_is_kept_once_whatever_happens(database: Database) -> None:
    batch = [seen("once", day, id=f"{day}", logins=day) for day in range(100)]

    first = await add(database, *batch)
    again = await add(database, *batch, batch[0])
    changed = await add(database, seen("once", 3, id="3", logins=99), seen("once", 3, id="new", logins=1))
    within = await add(database, seen("twice", 1, logins=1), seen("twice", 1, logins=1), seen("twice", 1, logins=2))

    assert (first, again, changed, within) == ((100, 0, 0), (0, 101, 0), (1, 0, 1), (1, 1, 1))


async def test_what_arrives_late_is_known_from_then_on(database: Database) -> None:
    await add(database, seen("late", 10, id="in-time"), seen("late", 9, late=5, id="late"), seen("late", 8, late=20, id="later"))

    assert await known(database, "late", NOW - timedelta(days=5)) == ["in-time"]
    assert await known(database, "late", NOW - timedelta(days=4)) == ["in-time", "late"]
    assert await known(database, "late", NOW + timedelta(days=15)) == ["in-time", "late", "later"]


async def test_tenants_see_their_own_observations_and_may_use_the_same_ids(database: Database) -> None:
    async with database.begin("other") as session:
        await save_tenant(session, Tenant(id="other", name="Other", currency="EUR", zone="Europe/Berlin"))
    mine = await add(database, seen("shared", 1, id="a", logins=1))
    theirs = await add(database, seen("shared", 1, id="a", logins=2), seen("shared", 2, id="b"), tenant="other")

    assert (mine, theirs) == ((1, 0, 0), (2, 0, 0))
    assert await known(database, "shared") == ["a"]
    assert await known(database, "shared", tenant="other") == ["a", "b"]


async def test_months_of_ten_years_are_made_at_once_and_again(database: Database) -> None:
    old = [seen("old", 31 * month, id=str(month), kind="ticket", status="open") for month in range(117)]

    assert await add(database, *old) == (117, 0, 0)
    assert await add(database, *old) == (0, 117, 0)


async def test_many_who_bring_the_same_at_once_wait_for_each_other_and_nothing_is_lost(database: Database) -> None:
    rows = [seen("crowd", 100 + 31 * month, id=str(month), logins=month) for month in range(30)]

    came = await asyncio.gather(*(add(database, *random.Random(number).sample(rows, 30)) for number in range(6)))

    assert sum(new for new, _, _ in came) == 30
    assert sum(known for _, known, _ in came) == 150


def a_life(account: str, chance: random.Random) -> list[Seen]:
    """Years of everything, with silence, lateness, people and features in between."""
    rows: list[Seen] = []
    began = chance.choice([900, 500, 100])
    for week in range(began // 7):
        if chance.random() < 0.1 or (account == "c2" and week < 40):
            continue
        values: dict[str, Any] = {"logins": chance.choice([0, 3, 20]), "active_users": chance.choice([0, 2])}
        if chance.random() < 0.3:
            values["features"] = {"reports": chance.choice([0, 2])}
        if chance.random() < 0.2:
            values = {"user": chance.choice(["eva", "ben"])}
        rows.append(seen(account, week * 7, id=f"u{week}", late=chance.choice([0, 0, 0, 30, 200]), **values))
    rows.append(
        seen(account, began - 5, id="k", kind="contract", status="active", start=(NOW - timedelta(days=began)).date().isoformat(), seats=5)
    )
    for number in range(40):
        ago = chance.uniform(0, began)
        rows.append(seen(account, ago, id=f"t{number}", kind="ticket", subject=f"t{number % 15}", status=chance.choice(["open", "closed"])))
        rows.append(seen(account, ago, id=f"e{number}", kind="email", direction=chance.choice(["in", "out"])))
        rows.append(seen(account, ago, id=f"s{number}", kind="survey", nps=number % 11))
        rows.append(seen(account, ago, id=f"i{number}", kind="invoice", subject=f"i{number % 9}", status="open", due="2026-11-01"))
    return rows


async def test_what_is_read_gives_the_features_of_the_whole_history(database: Database) -> None:
    lives = {account: a_life(account, random.Random(account)) for account in ("c0", "c1", "c2", "c3", "c4", "c5")}
    await add(database, *(row for rows in lives.values() for row in rows))

    for days_ago in (0, 40, 170, 400):
        cutoff = NOW - timedelta(days=days_ago)
        async with database.begin("acme") as session:
            read = histories_from(list(lives), await list_observations(session, list(lives), cutoff))
        for account, rows in lives.items():
            whole = History(account, [as_observation(row) for row in rows])

            assert features_at(read[account], cutoff) == features_at(whole, cutoff)


def as_observation(row: Seen) -> Observation:
    values: dict[str, Value] = dict(row.values)  # type: ignore[arg-type]  # made above
    return Observation(row.id, row.account, row.kind, row.occurred_at, row.ingested_at, row.subject, values)
