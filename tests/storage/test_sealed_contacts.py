from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import Iterator

import asyncpg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from cli.dev.postgres import Postgres
from storage.accounts_csv import import_accounts
from storage.encryption import KeyRing
from storage.facts import load_facts
from storage.migrate import app_url, config_for, upgrade
from storage.repositories.accounts import list_contacts_by_account, list_contacts_by_email
from storage.repositories.requests import claim_request, keep_answer
from storage.repositories.tenants import save_tenant
from storage.rotation import reseal
from storage.session import Database, async_url
from storage.tables import Tenant
from tests.database import APP_PASSWORD, TENANT, TEST_KEYS, run_sql

pytestmark = pytest.mark.servers

NEW_KEYS = KeyRing({"k2": bytes([2]) * 32, "k1": bytes(32)}, "k2")
FILE = b"id,name,contact name,contact email,contact phone\nS-1,One,,Canary@s.example,+49 30 7777\nS-2,Two,Bo,bo-canary@s.example,\n"


async def rows_as_text(owner_url: str) -> str:
    """Every row of every table that holds contacts or answers, as the owner sees it; bytes as they are."""
    connection = await asyncpg.connect(owner_url)
    rows = [*await connection.fetch("SELECT * FROM contact"), *await connection.fetch("SELECT * FROM request")]
    await connection.close()
    values = [value for row in rows for value in row.values()]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values).lower()


async def test_a_contacts_address_and_phone_do_not_show_in_the_tables(database: Database, owner_url: str) -> None:
    await import_accounts(database, TENANT, io.BytesIO(FILE))
    async with database.begin(TENANT) as session:
        await claim_request(session, "put", "digest")
        await keep_answer(session, "put", 200, {"email": "canary@s.example"})
        contacts = await list_contacts_by_account(session, "S-1")
        found = await list_contacts_by_email(session, ["CANARY@s.example"])
        facts = await load_facts(session, "S-1")
    shown = await rows_as_text(owner_url)

    assert [(contact.name, contact.email, contact.phone) for contact in contacts] == [("Canary", "Canary@s.example", "+49 30 7777")]
    assert found == contacts
    assert facts is not None
    assert isinstance(facts["contact"], dict)
    assert facts["contact"]["email"] == "Canary@s.example"
    assert "s-1" in shown
    assert "s.example" not in shown
    assert "7777" not in shown


async def test_importing_again_after_a_change_of_keys_makes_no_second_contact(application_url: str, database: Database) -> None:
    await import_accounts(database, TENANT, io.BytesIO(FILE))
    rotated = Database(application_url, NEW_KEYS)
    await import_accounts(rotated, TENANT, io.BytesIO(FILE))
    await reseal(rotated, TENANT)
    await import_accounts(rotated, TENANT, io.BytesIO(FILE.replace(b"Canary@", b"canary@")))
    async with rotated.begin(TENANT) as session:
        contacts = await list_contacts_by_account(session, "S-1")
    await rotated.close()

    assert [contact.email for contact in contacts] == ["canary@s.example"]


def to_0005(connection: Connection) -> None:
    command.upgrade(config_for(connection), "0005")


@pytest.fixture
def older_url(migrated: Postgres) -> Iterator[str]:
    """A database as the version before left it, with contacts in plain text."""
    name = f"t{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(migrated.url(), f"CREATE DATABASE {name}"))
    asyncio.run(fill_older(migrated.url(name)))
    yield migrated.url(name)
    asyncio.run(run_sql(migrated.url(), f"DROP DATABASE {name} WITH (FORCE)"))


async def fill_older(url: str) -> None:
    engine = create_async_engine(async_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(to_0005)
    await engine.dispose()
    contact = "INSERT INTO contact (tenant, id, account, name, email, phone, roles) VALUES"
    await run_sql(
        url,
        "INSERT INTO account (tenant, id, name, status) VALUES ('acme', 'S-1', 'One', 'active'), ('acme', 'S-2', 'Two', 'active')",
        f"{contact} ('acme', 'S-1.canary@s.example', 'S-1', 'Canary@s.example', 'Canary@s.example', '+49 30 7777', '{{champion}}')",
        f"{contact} ('acme', 'own-id', 'S-2', 'Bo', 'bo-canary@s.example', NULL, '{{}}')",
        f"{contact} ('acme', 'bare', 'S-2', 'Cy', NULL, NULL, '{{}}')",
        "INSERT INTO request (tenant, key, digest, status, answer) VALUES ('acme', 'k', 'd', 200, '{\"email\": \"canary@s.example\"}')",
    )


async def test_an_older_database_is_sealed_by_the_upgrade_and_nothing_is_lost(older_url: str) -> None:
    with pytest.raises(CommandError, match="set PLAYKEEPER_ENCRYPTION_KEYS"):
        await upgrade(older_url)
    await upgrade(older_url, app_password=APP_PASSWORD, keys=TEST_KEYS)
    shown = await rows_as_text(older_url)
    database = Database(app_url(older_url, APP_PASSWORD), TEST_KEYS)
    async with database.begin(TENANT) as session:
        await save_tenant(session, Tenant(id=TENANT, name="Acme"))
    await import_accounts(database, TENANT, io.BytesIO(FILE))
    async with database.begin(TENANT) as session:
        contacts = [contact for account in ("S-1", "S-2") for contact in await list_contacts_by_account(session, account)]
        answered = await claim_request(session, "k", "d")
    await database.close()

    assert "s.example" not in shown
    assert "7777" not in shown
    assert [(one.account, one.name, one.email, one.phone, one.roles) for one in contacts] == [
        ("S-1", "Canary", "Canary@s.example", "+49 30 7777", ["primary_contact"]),
        ("S-2", "Cy", None, None, []),
        ("S-2", "Bo", "bo-canary@s.example", None, ["primary_contact"]),
    ]
    assert [one.id for one in contacts[1:]] == ["bare", "own-id"]
    assert answered is not None
    assert answered.answer == {"email": "canary@s.example"}
