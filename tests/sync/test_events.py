"""Turns of records are told as events, each once, and never what was there before the first sync."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from connectors.records import Record
from storage.repositories.accounts import save_accounts
from storage.repositories.events import fields_of
from storage.session import Database
from storage.sync.items import Tally
from storage.sync.mapping import KindRule
from storage.sync.reading import read_mapping
from storage.sync.reporting import add_to_report, begin_report, end_report
from storage.sync.taking import Intake, take_page
from storage.tables import METADATA, Event
from storage.vendor_tables import SyncReport

pytestmark = pytest.mark.servers

NOW = datetime.now(UTC).replace(microsecond=0)
MAPPING = """
Deal:
  into: facts
  match: [{account: Account}]
  changed_at: At
  facts:
    opportunity.open: {count: true, where: {Won: false}}
  events:
    opportunity.won: {becomes: {Won: true}, fields: {deal: Name, closes: {field: Close, as: date}}}
    opportunity.moved: {changes: Close, fields: {closes: {field: Close, as: date}}}
    opportunity.dropped: {deleted: true, fields: {deal: Name}}
    opportunity.made: {made: true, fields: {deal: Name}}
"""
Told = tuple[str, str, str | None, dict[str, Any], datetime]


def rule() -> KindRule:
    found = read_mapping(MAPPING, vendor="salesforce", kinds=("Deal",), vendors=("salesforce",), tenant=None)
    assert found.mapping is not None, found.shown
    return found.mapping.kinds[0]


def deal(name: str, minutes: float, *, won: bool = False, close: str = "2026-12-01", **fields: Any) -> Record:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return Record("Deal", name, {"Account": "A1", "Name": f"Deal {name}", "Won": won, "Close": close, "At": at, **fields})


async def take(database: Database, *records: Record) -> Tally:
    async with database.begin("acme") as session:
        return await take_page(session, Intake("salesforce", rule(), NOW), records)


async def told(database: Database) -> list[Told]:
    async with database.begin("acme") as session:
        rows = (await session.execute(select(Event).order_by(col(Event.occurred_at), col(Event.name)))).scalars().all()
        return [(row.name, row.source, row.clues[0] if row.clues else None, dict(fields_of(session, row)), row.occurred_at) for row in rows]


async def first_sync_done(database: Database) -> None:
    async with database.begin("acme") as session:
        await begin_report(session, "first", "salesforce", None, from_start=False)
        await add_to_report(session, "first", "Deal", Tally(), "c")
        await end_report(session, "salesforce", "first", None)
        report = await session.get(SyncReport, ("acme", "first"))
        assert report is not None
        report.started_at = NOW - timedelta(hours=1)


@pytest.fixture(autouse=True)
async def prepared(database: Database) -> None:
    async with database.begin("acme") as session:
        for table in ("account", "sync_record", "sync_failure", "sync_report", "event"):
            await session.execute(METADATA.tables[table].delete())
        await save_accounts(session, [{"id": "A1", "name": "One"}])


async def test_what_the_first_sync_finds_is_no_news_and_what_comes_of_it_is(database: Database) -> None:
    await take(database, deal("d1", -500), deal("d2", -500, won=True))
    first = await told(database)
    await first_sync_done(database)
    await take(database, deal("d1", -30, won=True), deal("d2", -30, won=True, Name="Other"))

    assert first == []
    assert await told(database) == [
        (
            "opportunity.won",
            "salesforce",
            "account:A1",
            {"deal": "Deal d1", "closes": {"$date": "2026-12-01"}},
            NOW - timedelta(minutes=30),
        )
    ]


async def test_each_turn_is_told_once_though_records_come_twice_and_late(database: Database) -> None:
    await first_sync_done(database)
    history = [deal("d1", -9), deal("d1", -8, close="2026-12-24"), deal("d1", -7, close="2026-12-24", won=True), deal("d1", -6, won=False)]
    again = deal("d1", -5, won=True)
    gone = Record("Deal", "d1", {"At": (NOW - timedelta(minutes=4)).isoformat()}, deleted=True)
    for record in (*history, again, gone):
        await take(database, record)
        await take(database, record)
        await take(database, history[0])

    assert [(name, fields.get("deal") or fields.get("closes")) for name, _, _, fields, _ in await told(database)] == [
        ("opportunity.made", "Deal d1"),
        ("opportunity.moved", {"$date": "2026-12-24"}),
        ("opportunity.won", "Deal d1"),
        ("opportunity.moved", {"$date": "2026-12-01"}),
        ("opportunity.won", "Deal d1"),
        ("opportunity.dropped", "Deal d1"),
    ]


async def test_a_new_record_that_is_won_already_is_told_as_both(database: Database) -> None:
    await first_sync_done(database)
    await take(database, deal("d1", -9, won=True), deal("old", -90, won=True))

    assert [(name, fields["deal"]) for name, _, _, fields, _ in await told(database)] == [
        ("opportunity.made", "Deal d1"),
        ("opportunity.won", "Deal d1"),
    ]


async def test_a_record_that_cannot_be_taken_is_told_when_it_can(database: Database) -> None:
    await first_sync_done(database)
    lost = deal("d1", -9, Account="nobody")
    tally = await take(database, lost, deal("d2", -9, close="soon"))
    before = await told(database)
    async with database.begin("acme") as session:
        await save_accounts(session, [{"id": "nobody", "name": "Somebody now"}])
    await take(database, lost)

    assert (tally.counts["unmatched"], tally.counts["failed"], before) == (1, 1, [])
    assert [(name, clue) for name, _, clue, _, _ in await told(database)] == [("opportunity.made", "account:nobody")]
