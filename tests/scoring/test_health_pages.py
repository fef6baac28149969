"""Health of a tenant's accounts: what is written, when it is left alone, and what people say instead."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from activities.scoring.health import SHIPPED_VERSION, health_of, health_page, refresh_health
from playbook_dsl.scorecard.compiler import compile_scorecard
from scoring.features.definitions import FEATURE_SET
from storage.fact_definitions import facts_of
from storage.ids import new_id
from storage.repositories.accounts import lock_accounts
from storage.repositories.health import add_override, end_override
from storage.repositories.scorecards import NewScorecard, publish_scorecard, save_scorecard
from storage.scoring_tables import FeatureSnapshot, ScoreOverride
from storage.session import Database
from storage.tables import METADATA, Account
from tests.database import TENANT

pytestmark = pytest.mark.servers

NIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)
CARD = """
scorecard: %s
%s
groups:
  usage:
    measures:
      logins: {measure: usage.logins.change_30d, ramp: {low: -100, high: 0}}
"""


@pytest.fixture(autouse=True)
async def emptied(database: Database) -> None:
    async with database.begin(TENANT) as session:
        for table in ("account", "scorecard", "score_now", "score_history", "score_override", "fact_change", "account_feature_snapshot"):
            await session.execute(METADATA.tables[table].delete())


async def add(database: Database, account: str, facts: dict[str, Any], **more: Any) -> None:
    async with database.begin(TENANT) as session:
        session.add(Account(tenant=TENANT, id=account, name=account, facts=facts, currency="EUR", **more))


async def publish(database: Database, name: str = "default", head: str = "") -> None:
    source = CARD % (name, head)
    compiled = compile_scorecard(source, facts_of(None), path="-")
    assert compiled.card is not None, compiled.diagnostics
    async with database.begin(TENANT) as session:
        await publish_scorecard(session, await save_scorecard(session, NewScorecard(source, compiled.card, "maria")))


async def change_logins(database: Database, account: str, change: float | None) -> None:
    async with database.begin(TENANT) as session:
        row = await session.get_one(Account, (TENANT, account))
        row.facts = {**row.facts, "usage": {"logins": {"change_30d": change}}}


async def facts(database: Database, account: str) -> dict[str, Any]:
    async with database.begin(TENANT) as session:
        found: dict[str, Any] = (await session.get_one(Account, (TENANT, account))).facts.get("health", {})  # type: ignore[assignment]  # what we wrote
        return found


async def ask(database: Database, query: str) -> list[Any]:
    async with database.begin(TENANT) as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def night(database: Database, as_of: datetime = NIGHT) -> None:
    after, more = "", True
    while more:
        page = await health_page(database, TENANT, as_of, after, 2)
        after, more = page.last, page.more


def logins(change: float | None) -> dict[str, Any]:
    return {"usage": {"logins": {"change_30d": change}}}


async def test_a_night_writes_scores_history_and_facts(database: Database) -> None:
    await publish(database)
    for name, change in (("A", -20), ("B", -50), ("C", -90), ("D", None)):
        await add(database, name, logins(change))
    await add(database, "gone", logins(0), status="churned")
    await night(database)

    expected = {"score": 80, "band": "green", "previous": None, "updated_at": {"$datetime": "2026-11-25T02:00:00+00:00"}}
    assert await facts(database, "A") == expected
    assert (await facts(database, "B"))["band"] == "yellow"
    assert (await facts(database, "C"))["band"] == "red"
    assert await facts(database, "D") == await facts(database, "gone") == {}
    rows = await ask(database, "SELECT account, score, level, model_version, coverage FROM score_now ORDER BY account")
    assert rows == [
        ("A", 80, "green", "scorecard:default-1", 1),
        ("B", 50, "yellow", "scorecard:default-1", 1),
        ("C", 10, "red", "scorecard:default-1", 1),
        ("D", None, "", "scorecard:default-1", 0),
    ]
    assert len(await ask(database, "SELECT 1 FROM score_history WHERE kind = 'health'")) == 4


async def test_the_same_night_twice_changes_nothing_and_only_what_changed_is_written(database: Database) -> None:
    await publish(database)
    await add(database, "A", logins(-20))
    await add(database, "B", logins(-20))
    await night(database)
    await night(database)
    await change_logins(database, "B", -60)
    await night(database, NIGHT + timedelta(days=1))

    assert len(await ask(database, "SELECT 1 FROM score_history")) == 4
    written = await ask(database, "SELECT facts -> 'health' -> 'updated_at' ->> '$datetime' FROM account ORDER BY id")
    assert written == [("2026-11-25T02:00:00+00:00",), ("2026-11-26T02:00:00+00:00",)]
    found = await facts(database, "B")
    assert (found["score"], found["previous"], found["band"]) == (40, 80, "yellow")


async def test_the_trend_is_against_the_score_of_the_cards_days_before(database: Database) -> None:
    await publish(database, head="trend: 30 days")
    await add(database, "A", logins(-20))
    await night(database, NIGHT - timedelta(days=31))
    await change_logins(database, "A", -50)
    await night(database, NIGHT - timedelta(days=10))
    await change_logins(database, "A", -70)
    await night(database)

    assert (await facts(database, "A"))["change_30d"] == 30 - 80


async def test_the_card_is_chosen_by_its_condition(database: Database) -> None:
    await publish(database)
    await publish(database, "large", 'for: account.tier == "enterprise"\nbands: {green: 90, yellow: 85}')
    await add(database, "A", logins(-20), tier="enterprise")
    await add(database, "B", logins(-20), tier="growth")
    await night(database)

    rows = await ask(database, "SELECT account, model_version, level FROM score_now ORDER BY account")
    assert rows == [("A", "scorecard:large-1", "red"), ("B", "scorecard:default-1", "green")]


async def test_what_facts_do_not_say_is_taken_from_the_newest_features(database: Database) -> None:
    await publish(database)
    await add(database, "A", {})
    await add(database, "B", logins(-10))
    async with database.begin(TENANT) as session:
        await session.execute(text("SELECT playkeeper_month_partition('account_feature_snapshot', date '2026-11-01')"))
        for account, age, trend in (("A", 1, -0.6931471805599453), ("A", 3, 0.0), ("B", 1, -5.0), ("A", -1, -9.0)):
            session.add(
                FeatureSnapshot(
                    account=account,
                    tenant=TENANT,
                    as_of=NIGHT - timedelta(days=age),
                    feature_set=FEATURE_SET,
                    values={"logins_trend": trend},
                    created_at=NIGHT,
                )
            )
    await night(database)

    assert await ask(database, "SELECT account, score FROM score_now ORDER BY account") == [("A", 50), ("B", 90)]


async def test_a_health_from_elsewhere_is_left_alone_until_a_card_is_published(database: Database) -> None:
    await add(database, "A", {**logins(-20), "health": {"score": 55, "band": "yellow"}})
    await night(database)
    before = await facts(database, "A")
    await publish(database)
    await night(database)

    assert before == {"score": 55, "band": "yellow"}
    assert (await facts(database, "A"))["score"] == 80


async def test_without_a_published_card_the_shipped_one_scores(database: Database) -> None:
    await add(database, "A", logins(-20))
    await night(database)

    assert await ask(database, "SELECT model_version, score FROM score_now") == [(SHIPPED_VERSION, None)]


async def override(database: Database, account: str, score: float, until: datetime) -> str:
    async with database.begin(TENANT) as session:
        row = ScoreOverride(
            id=new_id(), account=account, score=score, reason="their CEO said so", by="maria", until=until, created_at=NIGHT
        )
        await add_override(session, row, NIGHT)
        return row.id


async def test_an_override_is_shown_and_the_computed_score_is_still_there(database: Database) -> None:
    await publish(database)
    await add(database, "A", logins(-20))
    first = await override(database, "A", 15, NIGHT + timedelta(days=9))
    await night(database)
    overridden = await facts(database, "A")
    second = await override(database, "A", 35, NIGHT + timedelta(days=9))
    async with database.begin(TENANT) as session:
        assert await end_override(session, first, NIGHT, "maria") is None
    await night(database)
    again = await facts(database, "A")
    rows = await ask(database, "SELECT score, prediction ->> 'score', level FROM score_now")
    async with database.begin(TENANT) as session:
        assert await end_override(session, second, NIGHT, "maria") is not None
        found = await health_of(session, "A", NIGHT)
    await night(database)

    assert (overridden["score"], overridden["band"]) == (15, "red")
    assert (again["score"], again["previous"]) == (35, 15)
    assert rows == [(35, "80", "red")]
    assert await ask(database, "SELECT DISTINCT score FROM score_history") == [(80,)]
    assert found is not None
    assert (found.shown, found.override) == (80, None)
    assert (await facts(database, "A"))["score"] == 80


async def test_an_override_whose_time_is_over_does_not_count_even_if_nobody_ended_it(database: Database) -> None:
    await publish(database)
    await add(database, "A", logins(-20))
    await override(database, "A", 15, NIGHT + timedelta(hours=1))
    await night(database, NIGHT + timedelta(days=1))

    assert (await facts(database, "A"))["score"] == 80


async def test_a_health_from_elsewhere_comes_back_when_an_override_ends(database: Database) -> None:
    await add(database, "A", {"health": {"score": 55, "band": "yellow"}})
    row = await override(database, "A", 15, NIGHT + timedelta(days=3))
    await night(database)
    overridden = await facts(database, "A")
    async with database.begin(TENANT) as session:
        await end_override(session, row, NIGHT, "maria")
    for days in (1, 2):
        await night(database, NIGHT + timedelta(days=days))
    back = await facts(database, "A")

    assert (overridden["score"], overridden["band"], overridden["previous"]) == (15, "red", 55)
    assert (back["score"], back["band"], back["previous"]) == (55, "yellow", 15)


async def test_an_override_that_comes_while_the_night_goes_on_is_not_overwritten(database: Database) -> None:
    await publish(database)
    await add(database, "A", logins(-20))
    async with database.begin(TENANT) as session:
        await lock_accounts(session, ["A"])
        scoring = asyncio.create_task(night(database))
        await asyncio.sleep(0.3)
        until = NIGHT + timedelta(days=9)
        row = ScoreOverride(id=new_id(), account="A", score=15, reason="they said so", by="maria", until=until, created_at=NIGHT)
        await add_override(session, row, NIGHT)
        await refresh_health(session, ["A"], NIGHT, history=False)
    await scoring

    assert (await facts(database, "A"))["score"] == 15
