from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.records import Record
from storage.repositories.accounts import find_account, list_contacts_by_account, save_accounts, set_facts, update_account
from storage.repositories.people import save_people
from storage.repositories.tenants import add_custom_fields, find_tenant
from storage.session import Database
from storage.sync.facts import turn
from storage.sync.items import Tally
from storage.sync.mapping import KindRule
from storage.sync.reading import read_mapping
from storage.sync.rows import list_failures, list_to_retry, list_turned, raw_of_failure
from storage.sync.taking import Intake, take_page
from storage.tables import METADATA, Person, Tenant
from tests.database import run_sql

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAPPING = """
Account:
  into: account
  match: [{account: Number}, {domain: {name: website, field: Website}}]
  create: true
  changed_at: At
  fields:
    name: Name
    csm: Owner.Email
    tier: {field: Tier, changed_here: keep}
    stage: {field: Stage, changed_here: newest}
    segment: {field: Segment, owner: playkeeper}
    mrr: {field: Yearly, divide: 12}
    status: {field: Kind, words: {Customer: active, Former: churned}}
    custom.website: Website
    contract.end_date: Ends
Contact:
  into: contact
  match: [{link: {kind: Account, field: AccountId}}]
  fields: {name: Name, email: Email, title: {field: Title, changed_here: keep}}
Opportunity:
  into: facts
  match: [{link: {kind: Account, field: AccountId}}]
  changed_at: At
  facts:
    opportunity.open: {count: true, where: {Closed: false}}
    opportunity.stage: {latest: Stage, by: At, where: {Closed: false}}
    opportunity.amount: {sum: {field: Amount, currency: Unit}, where: {Closed: false}}
    opportunity.close_date: {min: Close, where: {Closed: false, Close: future}}
"""


def rule(kind: str) -> KindRule:
    tenant = Tenant(id="acme", name="Acme", custom_fields=[{"name": "website", "type": "text", "help": ""}])
    found = read_mapping(MAPPING, vendor="salesforce", kinds=("Account", "Contact", "Opportunity"), vendors=("stripe",), tenant=tenant)
    assert found.mapping is not None, found.shown
    of = found.mapping.of(kind)
    assert of is not None
    return of


async def take(database: Database, *records: Record, now: datetime = NOW, anew: bool = False) -> Tally:
    async with database.begin("acme") as session:
        return await take_page(session, Intake("salesforce", rule(records[0].kind), now, anew), records)


async def shown(database: Database, account: str) -> dict[str, Any]:
    async with database.begin("acme") as session:
        found = await find_account(session, account)
        assert found is not None
        return found.model_dump()


def account(name: str, at: int = 1, **fields: Any) -> Record:
    return Record("Account", name, {"Name": f"Company {name}", "Kind": "Customer", "At": at, **fields}, fields.pop("deleted", False))


@pytest.fixture(autouse=True)
async def prepared(database: Database) -> None:
    async with database.begin("acme") as session:
        for table in ("account", "link", "sync_record", "sync_failure"):
            await session.execute(METADATA.tables[table].delete())
        await add_custom_fields(session, [{"name": "website", "type": "text", "help": ""}])
        await save_people(session, [Person(id="maria", name="Maria", email="maria@example.com")])


async def test_an_account_is_made_and_filled(database: Database) -> None:
    fields: dict[str, Any] = {
        "Owner.Email": "MARIA@example.com",
        "Tier": "gold",
        "Yearly": 12_001.5,
        "Website": "a.example",
        "Ends": "2027-01-31",
    }
    tally = await take(database, account("A1", **fields))
    made = await shown(database, "A1")

    assert (tally.counts["created"], tally.failed) == (1, [])
    wanted = {"name": "Company A1", "csm": "maria", "tier": "gold", "status": "active", "currency": "USD", "updated_by": "sync salesforce"}
    assert {name: made[name] for name in wanted} == wanted
    assert str(made["mrr"]) == "1000.1250"
    assert (made["custom"], made["facts"]) == ({"website": "a.example"}, {"contract": {"end_date": {"$date": "2027-01-31"}}})


async def test_accounts_are_found_by_our_id_and_by_their_domain_and_linked(database: Database) -> None:
    async with database.begin("acme") as session:
        await save_accounts(
            session, [{"id": "C-1", "name": "x", "custom": {}}, {"id": "C-2", "name": "y", "custom": {"website": "b.example"}}]
        )
    tally = await take(database, account("A1", Number="C-1"), account("A2", Website="https://www.b.example/about"))
    again = await take(database, account("A1", at=2, Name="New"), account("A2", at=2, Name="Newer", Website="other.example"))

    assert (tally.counts["created"], tally.counts["changed"], again.counts["changed"]) == (0, 2, 2)
    assert [(await shown(database, name))["name"] for name in ("C-1", "C-2")] == ["New", "Newer"]


async def test_the_conflict_rules(database: Database) -> None:
    first = account("A1", Tier="gold", Stage="new", Segment="smb")
    await take(database, first)
    async with database.begin("acme") as session:
        await update_account(session, "A1", {"tier": "ours", "stage": "ours", "segment": "ours", "name": "ours"}, by="maria")
    changed_at = (await shown(database, "A1"))["updated_at"].timestamp()
    before = await take(database, account("A1", at=2, Tier="silver", Stage="old", Segment="big"))
    after_before = await shown(database, "A1")
    later = await take(database, account("A1", at=int(changed_at) + 60, Tier="tin", Stage="late", Segment="big"))
    after_later = await shown(database, "A1")

    names = ("name", "tier", "stage", "segment")
    assert [after_before[name] for name in names] == ["Company A1", "ours", "ours", "ours"]
    assert dict(before.skipped) == {
        ("tier", "somebody changed it here, and that stays"): 1,
        ("stage", "somebody changed it here after it was changed there"): 1,
        ("segment", "it belongs to us"): 1,
    }
    assert [after_later[name] for name in names] == ["Company A1", "ours", "late", "ours"]
    assert later.counts["skipped"] == 2


async def test_an_unknown_csm_is_told_and_the_rest_is_taken(database: Database) -> None:
    fields: dict[str, Any] = {"Owner.Email": "nobody@example.com"}
    tally = await take(database, account("A1", **fields))

    assert (await shown(database, "A1"))["csm"] is None
    assert dict(tally.skipped) == {("csm", "nobody active in the team has this id or e-mail address"): 1}


async def test_disorder_and_duplicates_change_nothing(database: Database) -> None:
    history = [account(f"A{number}", at=version, Tier=f"t{version}") for number in range(20) for version in range(1, 6)]
    chance = random.Random(7)
    mixed = history * 3
    chance.shuffle(mixed)
    for start in range(0, len(mixed), 17):
        await take(database, *mixed[start : start + 17])
    async with database.begin("acme") as session:
        rows = (await session.execute(text("SELECT count(*), count(DISTINCT id), min(tier), max(tier) FROM account"))).one()
        kept = (await session.execute(text("SELECT count(*) FROM sync_record"))).scalar_one()

    assert (tuple(rows), kept) == ((20, 20, "t5", "t5"), 20)


async def test_a_record_that_cannot_be_taken_waits_with_its_reason_until_it_can(database: Database) -> None:
    bad = [
        account("A1", Kind="Pirate"),
        account("A2", Yearly="a lot"),
        account("A3", Name=""),
        account("bad id!"),
        account("A5", Ends="31/01/2027"),
        account("A6", Tier="nul\0"),
        account("A7", Tier="\ud800"),
    ]
    tally = await take(database, account("A0"), *bad)
    async with database.begin("acme") as session:
        failures = {row.external_id: (row.reason, row.why) for row in (await list_failures(session, "salesforce")).items}
        waiting = await list_to_retry(session, "salesforce", "Account", NOW + timedelta(hours=1), 10)
        kept = {row.external_id: raw_of_failure(session, row) for row in waiting}
    mended = await take(database, account("A1"))
    async with database.begin("acme") as session:
        left = {row.external_id for row in (await list_failures(session, "salesforce")).items}

    assert (tally.counts["created"], tally.counts["failed"]) == (1, 7)
    assert set(failures) == {"A1", "A2", "A3", "bad id!", "A5", "A6", "A7"}
    assert failures["A1"][1].startswith('Kind: "Pirate" is none of the words the mapping knows; wanted is one of Customer, Former')
    assert failures["A3"] == ("bad_value", "name: it is missing")
    assert kept["A7"] == (dict(bad[6].fields), False)
    assert mended.counts["created"] == 1
    assert left == set(failures) - {"A1"}


async def test_contacts_are_made_found_by_their_address_and_changed(database: Database) -> None:
    await take(database, account("A1"))
    ann = Record("Contact", "P1", {"AccountId": "A1", "Name": "Ann", "Email": "ann@a.example", "Title": "CTO"})
    lost = Record("Contact", "P2", {"AccountId": "A9", "Name": "Bob"})
    tally = await take(database, ann, lost)
    async with database.begin("acme") as session:
        (made,) = await list_contacts_by_account(session, "A1")
    again = await take(database, Record("Contact", "P1", {**ann.fields, "Name": "Ann B"}))
    same = await take(database, Record("Contact", "P1", {**ann.fields, "Name": "Ann B"}))
    async with database.begin("acme") as session:
        (changed,) = await list_contacts_by_account(session, "A1")

    assert (tally.counts["created"], tally.counts["unmatched"]) == (1, 1)
    assert (made.name, made.email, made.title) == ("Ann", "ann@a.example", "CTO")
    assert (again.counts["changed"], same.counts["unchanged"]) == (1, 1)
    assert (changed.id, changed.name, changed.email) == (made.id, "Ann B", "ann@a.example")


def deal(name: str, at: int = 1, **fields: Any) -> Record:
    usual = {"AccountId": "A1", "Closed": False, "Stage": f"stage {at}", "Amount": 100, "Unit": "EUR", "Close": "2026-12-01", "At": at}
    return Record("Opportunity", name, {**usual, **fields})


async def test_records_become_facts_of_their_account(database: Database) -> None:
    await take(database, account("A1"))
    async with database.begin("acme") as session:
        await set_facts(session, "A1", "health", {"score": 40})
    await take(database, deal("O1"), deal("O2", at=5, Close="2026-11-30"), deal("O3", Closed=True))
    open_two = (await shown(database, "A1"))["facts"]
    await take(database, deal("O2", at=6, Closed=True))
    await take(database, deal("O2", at=3))
    open_one = (await shown(database, "A1"))["facts"]["opportunity"]
    await take(database, Record("Opportunity", "O1", {}, deleted=True))
    none_left = (await shown(database, "A1"))["facts"]["opportunity"]

    assert open_two["health"] == {"score": 40}
    assert open_two["opportunity"] == {
        "open": 2,
        "stage": "stage 5",
        "amount": {"$money": ["200.00", "EUR"]},
        "close_date": {"$date": "2026-11-30"},
    }
    assert (open_one["open"], open_one["stage"]) == (1, "stage 1")
    assert (none_left["open"], none_left["stage"], none_left["close_date"]) == (0, None, None)


async def test_facts_turn_with_the_time_of_day(database: Database) -> None:
    await take(database, account("A1"))
    await take(database, deal("O1", Close="2026-11-23"), deal("O2", Close="2026-11-25"))
    midnight = NOW.replace(hour=0) + timedelta(days=1)
    async with database.begin("acme") as session:
        early = await list_turned(session, "salesforce", "Opportunity", midnight - timedelta(seconds=1), 10)
        due = await list_turned(session, "salesforce", "Opportunity", midnight, 10)
        await turn(session, "salesforce", rule("Opportunity"), due, Tally(), await find_tenant(session), midnight)
        after = await list_turned(session, "salesforce", "Opportunity", midnight, 10)

    assert (early, due, after) == ([], ["A1"], [])
    assert (await shown(database, "A1"))["facts"]["opportunity"]["close_date"] == {"$date": "2026-11-25"}


async def test_a_field_that_is_not_told_is_left_alone_and_an_empty_one_is_emptied(database: Database) -> None:
    await take(database, account("A1", Tier="gold", Stage="new"))
    await take(database, account("A1", at=2, Stage=None))
    made = await shown(database, "A1")
    await take(database, account("A1", at=3, Tier="silver"))

    assert (made["tier"], made["stage"]) == ("gold", None)
    # What was last written is remembered although one record in between said nothing of it.
    assert (await shown(database, "A1"))["tier"] == "silver"


async def test_a_csm_is_no_change_when_the_vendor_names_the_same_person_again(database: Database) -> None:
    owner: dict[str, Any] = {"Owner.Email": "MARIA@example.com"}
    await take(database, account("A1", **owner))
    again = await take(database, account("A1", at=2, **owner))

    assert again.counts["unchanged"] == 1
    assert (await shown(database, "A1"))["csm"] == "maria"


async def test_what_only_the_database_refuses_is_found_among_the_others(database: Database, owner_url: str) -> None:
    await run_sql(owner_url, "ALTER TABLE account ADD CONSTRAINT no_tin CHECK (tier <> 'tin')")
    try:
        tally = await take(database, *(account(f"A{number}", Tier="tin" if number == 5 else "gold") for number in range(9)))
    finally:
        await run_sql(owner_url, "ALTER TABLE account DROP CONSTRAINT no_tin")
    async with database.begin("acme") as session:
        (failure,) = (await list_failures(session, "salesforce")).items

    assert {name: count for name, count in tally.counts.items() if count} == {"read": 9, "created": 8, "failed": 1}
    assert (failure.external_id, failure.reason, failure.why) == ("A5", "refused", "the database refuses it (IntegrityError)")
