"""Playbooks, accounts and the passing of time for tests of triggers, without Temporal: a play that began is a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, text
from sqlmodel import col

from activities.catalog import plain_catalog
from api.schemas.playbooks import ExistingOut
from api.services import publishing
from api.services.coming import Brought, bring_in_once, relay_looks
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.diagnostics import render_all
from storage.enrollment_tables import Refusal
from storage.ids import new_id
from storage.repositories.accounts import find_account, save_accounts, save_contacts, set_facts, update_account
from storage.repositories.events import add_event, event_of
from storage.repositories.playbooks import NewVersion, save_draft
from storage.session import Database
from storage.tables import Run
from storage.triggers.arriving import event_arrived
from storage.triggers.changes import take_changes
from storage.triggers.launching import fill_launch, list_filling
from storage.triggers.queue import list_due_playbooks
from tests.database import TENANT

NEVER = timedelta(0)


def playbook(slug: str, enroll: str, *, inputs: str = "") -> str:
    """A playbook with this `enroll`, indented by two."""
    return f"playbook: {slug}\n{inputs}enroll:\n{enroll}steps:\n  - id: note\n    note.add: {{text: Hello}}\n"


async def publish(database: Database, source: str) -> ExistingOut | None:
    compiled = compile_playbook(source.encode(), plain_catalog({"priority": "text"}))
    assert compiled.plan is not None, render_all(compiled.diagnostics, compiled.source)
    async with database.begin(TENANT) as session:
        version = await save_draft(session, NewVersion(source, compiled.plan, compiled.plan.digest(), "tests"))
        return await publishing.publish(session, version, "tests")


async def archive(database: Database, slug: str) -> None:
    async with database.begin(TENANT) as session:
        await publishing.archive(session, slug, "tests")


async def put(database: Database, account: str, **columns: object) -> None:
    """Make an account, or change columns of it; `health=40` and other facts as `<root>=<dict>`."""
    facts = {name: columns.pop(name) for name in list(columns) if isinstance(columns[name], dict)}
    if "mrr" in columns:
        columns["mrr"] = Decimal(str(columns["mrr"]))
    async with database.begin(TENANT) as session:
        if await find_account(session, account) is None:
            await save_accounts(session, [{"id": account, "name": account, "facts": facts, **columns}])
            return
        if columns:
            await update_account(session, account, columns, by="tests")
        for root, values in facts.items():
            assert isinstance(values, dict)
            await set_facts(session, account, root, values)


async def contact(database: Database, account: str, contact_id: str, email: str, role: str = "champion") -> None:
    row = {"id": contact_id, "account": account, "name": contact_id, "email": email, "phone": None, "roles": [role], "opt_outs": []}
    async with database.begin(TENANT) as session:
        await save_contacts(session, [row])


async def happened(database: Database, name: str, account: str | None, **fields: object) -> str:
    async with database.begin(TENANT) as session:
        event = event_of(name, "tests", new_id(), new_id(), account=account)
        event.tenant = TENANT
        await add_event(session, event, fields)  # type: ignore[arg-type]  # what tests pass is JSON
        await event_arrived(session, event, account)
        return event.id


async def tick(database: Database) -> Brought:
    """Do what the relay does, until nothing is due."""
    while True:
        async with database.begin(TENANT) as session:
            if not await take_changes(session, datetime.now(UTC)):
                break
    for _ in range(3):
        async with database.begin(TENANT) as session:
            launches = await list_filling(session)
        for launch in launches:
            async with database.begin(TENANT) as session:
                await fill_launch(session, launch, datetime.now(UTC))
        last = Brought()
        async with database.begin(TENANT) as session:
            due = await list_due_playbooks(session, datetime.now(UTC))
        for slug in due:
            last = await bring_in_once(database, TENANT, slug)
            while last.full:
                last = await bring_in_once(database, TENANT, slug)
    return last


async def look(database: Database) -> None:
    """Look at the clock for every trigger, and do what follows."""
    await relay_looks(database, TENANT, NEVER)
    await tick(database)


async def pass_by(database: Database, **span: float) -> None:
    """Let time pass: everything that was noted is older by so much. Dates of accounts are moved by the tests themselves."""
    columns = {
        "fact_change": ("at",),
        "occurrence": ("at", "due_at"),
        "standing": ("since",),
        "trigger_watch": ("since", "looked_at"),
        "account": ("created_at",),
        "launch": ("started_at",),
    }
    async with database.begin(TENANT) as session:
        for table, names in columns.items():
            sets = ", ".join(f"{name} = {name} - CAST(:span AS interval)" for name in names)
            await session.execute(text(f"UPDATE {table} SET {sets}"), {"span": timedelta(**span)})  # noqa: S608  # names of our tables


async def plays(database: Database, slug: str) -> list[str]:
    """Give the accounts of the plays of a playbook, by account; one with two plays comes twice."""
    async with database.begin(TENANT) as session:
        return sorted((await session.execute(select(col(Run.account)).where(col(Run.playbook) == slug))).scalars())


async def refusals(database: Database, slug: str) -> dict[str, str]:
    async with database.begin(TENANT) as session:
        query = select(col(Refusal.account), col(Refusal.reason)).where(col(Refusal.playbook) == slug)
        return {account: reason for account, reason in await session.execute(query)}


async def rows(database: Database, table: str, where: str = "true") -> int:
    async with database.begin(TENANT) as session:
        found = await session.execute(text(f"SELECT count(*) FROM {table} WHERE {where}"))  # noqa: S608  # names of our tables
        return int(found.scalar_one())
