from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from activities.scoring.snapshots import history_page, snapshot_page, tidy_page
from scoring.features.compute import features_at
from scoring.features.definitions import FEATURE_SET
from scoring.features.history import History
from scoring.observations import Observation
from storage.repositories.accounts import find_account, save_accounts, update_account
from storage.repositories.observations import Seen, add_observations, make_months
from storage.repositories.snapshots import NewSnapshot, save_snapshots
from storage.scoring_tables import FeatureSnapshot
from storage.session import Database
from tests.scoring.features.seen import CUTOFF, a_life, seen

pytestmark = pytest.mark.servers


async def an_account(database: Database, account: str, *life: Observation, facts: dict[str, object] | None = None) -> None:
    rows = [Seen(account, each.occurred_at, each.id, each.kind, each.subject, each.values, each.ingested_at) for each in life]
    async with database.begin("acme") as session:
        await save_accounts(session, [{"id": account, "name": account, "currency": "EUR", "facts": facts or {}}])
        await make_months(session, "observation", {row.occurred_at.date() for row in rows})
    async with database.begin("acme") as session:
        await add_observations(session, rows)


async def facts_of(database: Database, account: str) -> dict[str, object]:
    async with database.begin("acme") as session:
        found = await find_account(session, account)
    assert found is not None
    return found.facts


async def snapshots_of(database: Database, account: str) -> list[FeatureSnapshot]:
    query = select(FeatureSnapshot).where(col(FeatureSnapshot.account) == account).order_by(col(FeatureSnapshot.as_of))
    async with database.begin("acme") as session:
        return list((await session.execute(query)).scalars())


async def test_a_night_keeps_the_features_and_tells_the_facts(database: Database) -> None:
    await an_account(database, "full", *a_life())

    await snapshot_page(database, "acme", CUTOFF, "", 500)
    (kept,), facts = await snapshots_of(database, "full"), await facts_of(database, "full")

    wanted = {name: value for name, value in features_at(History("full", a_life()), CUTOFF).items() if value is not None}

    assert kept.values == wanted
    assert (kept.max_event_at, kept.max_ingested_at) == (CUTOFF, CUTOFF)
    assert kept.source_status["survey"] == {"count": 1, "newest_at": "2026-04-02T00:00:00+00:00", "age_days": 60.0}
    assert facts["usage"] == {
        "logins": {"last_30d": 171, "change_30d": 0},
        "active_users": 8,
        "active_users_change_30d": 0,
        "seats": 20,
        "seat_share": 0.4,
        "last_login_at": {"$datetime": "2026-06-01T00:00:00+00:00"},
        "updated_at": {"$datetime": "2026-06-01T00:00:00+00:00"},
    }
    assert facts["support"] == {"open_tickets": 1, "open_sev1": 1, "tickets_30d": 1}
    assert facts["billing"] == {
        "open_invoices": 1,
        "overdue_amount": {"$money": ["600.00", "EUR"]},
        "last_payment_at": None,
        "next_due_date": None,
    }


NOW = datetime.now(UTC)


def a_contract(status: str, ago: timedelta, subject: str = "k1", known: timedelta = timedelta(minutes=-30)) -> Observation:
    """Known `known` before now; as it is, that is after the account was made."""
    return Observation(f"{subject}-{status}-{ago}", "a", "contract", NOW - ago, NOW - known, subject, {"status": status})


DAY = timedelta(days=1)
RUNNING = a_contract("active", 400 * DAY)
COURSES: list[tuple[str, list[Observation], str]] = [
    ("lost", [RUNNING, a_contract("churned", 2 * DAY)], "churned"),
    ("one-of-two", [RUNNING, a_contract("active", 300 * DAY, "k2"), a_contract("churned", 2 * DAY)], "active"),
    ("renewed", [RUNNING, a_contract("churned", 2 * DAY), a_contract("active", DAY)], "active"),
    ("of-the-past", [RUNNING, a_contract("churned", 2 * DAY, known=2 * DAY)], "active"),
]


async def status_of(database: Database, account: str) -> str:
    async with database.begin("acme") as session:
        found = await find_account(session, account)
    assert found is not None
    return found.status


async def changes_of(database: Database, account: str) -> list[dict[str, object]]:
    async with database.begin("acme") as session:
        query = text("SELECT details FROM audit WHERE subject_id = :account AND who = 'observations'")
        return list((await session.execute(query, {"account": account})).scalars())


@pytest.mark.parametrize(("account", "life", "status"), COURSES)
async def test_an_account_whose_contracts_were_lost_is_lost(database: Database, account: str, life: list[Observation], status: str) -> None:
    await an_account(database, f"course-{account}", *life)
    for hours in (1, 2):
        await snapshot_page(database, "acme", NOW + timedelta(hours=hours), "", 500)

    changes = await changes_of(database, f"course-{account}")
    assert await status_of(database, f"course-{account}") == status
    assert [each["because"] for each in changes] == (["observed: contract k1 churned"] if status == "churned" else [])


async def test_who_makes_an_account_a_customer_again_has_the_last_word(database: Database) -> None:
    await an_account(database, "again", RUNNING, a_contract("churned", 2 * DAY))
    await an_account(database, "paused", RUNNING, a_contract("churned", 2 * DAY))
    async with database.begin("acme") as session:
        await update_account(session, "paused", {"status": "paused"}, by="maria")
    await snapshot_page(database, "acme", NOW + timedelta(hours=1), "", 500)
    first = await status_of(database, "again")
    async with database.begin("acme") as session:
        await update_account(session, "again", {"status": "active"}, by="maria")
    await snapshot_page(database, "acme", NOW + timedelta(hours=2), "", 500)

    assert (first, await status_of(database, "again"), len(await changes_of(database, "again"))) == ("churned", "active", 1)
    assert await status_of(database, "paused") == "paused"


async def test_facts_of_kinds_that_nobody_observed_stay(database: Database) -> None:
    written = {"support": {"open_tickets": 7}, "survey": {"nps": 3, "comment": "fine"}, "health": {"score": 50}}
    await an_account(database, "partly", seen("survey", 2, nps=8), facts=written)

    await snapshot_page(database, "acme", CUTOFF, "", 500)

    facts = await facts_of(database, "partly")
    assert (facts["support"], facts["health"]) == ({"open_tickets": 7}, {"score": 50})
    assert facts["survey"] == {"nps": 8, "comment": "fine", "answered_at": {"$datetime": "2026-05-30T00:00:00+00:00"}}
    assert "usage" not in facts


async def test_facts_that_did_not_change_are_not_written(database: Database) -> None:
    await an_account(database, "same", *[seen("usage", 7.0 * week, logins=7) for week in range(40)])

    async def version() -> str:
        async with database.begin("acme") as session:
            return str((await session.execute(text("SELECT xmin FROM account WHERE id = 'same'"))).scalar_one())

    await snapshot_page(database, "acme", CUTOFF, "", 500)
    first = await version()
    await snapshot_page(database, "acme", CUTOFF + timedelta(hours=1), "", 500)

    assert await version() == first


async def test_what_arrives_late_changes_no_snapshot_of_the_past(database: Database) -> None:
    await an_account(database, "late", seen("survey", 30, nps=9), seen("survey", 20, late=15, nps=1))

    for days in (10, 0):
        await history_page(database, "acme", CUTOFF - timedelta(days=days), "", 500)

    kept = [row.values["nps"] for row in await snapshots_of(database, "late")]
    assert kept[-2:] == [9, 1]
    assert await facts_of(database, "late") == {}


async def test_pages_go_over_every_account_once_and_a_page_may_be_done_again(database: Database) -> None:
    for number in range(5):
        await an_account(database, f"paged-{number}", seen("survey", 2, nps=8))
    await an_account(database, "paged-unseen")
    at = CUTOFF + timedelta(days=3)

    page, accounts = await history_page(database, "acme", at, "", 2), 0
    await history_page(database, "acme", at, "", 2)
    while True:
        accounts += page.accounts
        if not page.more:
            break
        page = await history_page(database, "acme", at, page.last, 2)

    async with database.begin("acme") as session:
        kept = (await session.execute(select(col(FeatureSnapshot.account)).where(col(FeatureSnapshot.as_of) == at))).scalars().all()
        known = (await session.execute(text("SELECT count(*) FROM account"))).scalar_one()
        query = text("SELECT count(DISTINCT account) FROM observation WHERE ingested_at <= :at")
        seen_of = (await session.execute(query, {"at": at})).scalar_one()
    assert (accounts, len(kept)) == (known, seen_of)
    assert "paged-unseen" not in kept


async def test_of_old_snapshots_the_first_of_each_month_stays(database: Database) -> None:
    await an_account(database, "tidy")
    now = datetime(2026, 6, 15, 2, tzinfo=UTC)
    days = [now - timedelta(days=day) for day in range(100)]
    async with database.begin("acme") as session:
        await make_months(session, "account_feature_snapshot", [day.date() for day in days])
    async with database.begin("acme") as session:
        for day in days:
            await save_snapshots(session, day, FEATURE_SET, [NewSnapshot("tidy", {"nps": 9}, None, None, {})])

    await tidy_page(database, "acme", now, "", 500)

    kept = [row.as_of for row in await snapshots_of(database, "tidy")]
    old = [day.date().isoformat() for day in kept if day < now - timedelta(days=30)]
    assert old == ["2026-03-08", "2026-04-01", "2026-05-01"]
    assert len(kept) == len(old) + 31


async def test_the_next_month_is_there_before_it_begins(database: Database) -> None:
    await tidy_page(database, "acme", datetime(2031, 1, 30, tzinfo=UTC), "", 1)

    async with database.begin("acme") as session:
        found = (await session.execute(text("SELECT relname FROM pg_class WHERE relname LIKE '%2031%' AND relkind = 'r'"))).scalars().all()
    assert sorted(found) == [
        f"{table}_2031_{month}" for table in ("account_feature_snapshot", "observation", "score_history") for month in ("01", "02")
    ]


async def test_what_a_sync_knows_of_invoices_is_not_undone_by_the_few_that_events_told_of(database: Database) -> None:
    invoice = seen("invoice", 40, id="event:stripe:evt_1", subject="in_1", status="open", amount=5, due="2026-05-01")
    await an_account(database, "synced", invoice, facts={"billing": {"open_invoices": 3}})

    await snapshot_page(database, "acme", CUTOFF, "", 500)

    assert (await facts_of(database, "synced"))["billing"] == {"open_invoices": 3}
    assert (await snapshots_of(database, "synced"))[-1].values["overdue_days"] == 30


async def test_money_needs_a_currency(database: Database) -> None:
    await an_account(database, "poor", seen("invoice", 90, status="open", amount=10, due="2026-03-10"))
    async with database.begin("acme") as session:
        account = await find_account(session, "poor")
        assert account is not None
        account.currency = None

    await snapshot_page(database, "acme", CUTOFF, "", 500)

    billing = (await facts_of(database, "poor"))["billing"]
    assert isinstance(billing, dict)
    assert (billing["open_invoices"], billing["overdue_amount"]) == (1, None)
