from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator

import asyncpg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from cli.dev.postgres import Postgres
from storage.encryption import Place
from storage.migrate import app_url, config_for, upgrade
from storage.repositories.accounts import list_contacts_by_address
from storage.repositories.events import fields_of, find_event_by_source
from storage.session import Database, async_url
from tests.database import APP_PASSWORD, TENANT, TEST_KEYS, run_sql

pytestmark = pytest.mark.servers


def to_0007(connection: Connection) -> None:
    command.upgrade(config_for(connection, TEST_KEYS), "0007")


@pytest.fixture
def older_url(migrated: Postgres) -> Iterator[str]:
    """A database as the version before left it: events in plain text, phones without digests."""
    name = f"t{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(migrated.url(), f"CREATE DATABASE {name}"))
    asyncio.run(fill_older(migrated.url(name)))
    yield migrated.url(name)
    asyncio.run(run_sql(migrated.url(), f"DROP DATABASE {name} WITH (FORCE)"))


async def fill_older(url: str) -> None:
    engine = create_async_engine(async_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(to_0007)
    await engine.dispose()
    phone = TEST_KEYS.seal_json(Place(TENANT, "contact", "phone", "ann"), "+49 30 7777")
    fields = json.dumps({"from": "canary@s.example"})
    older = await asyncpg.connect(url)
    await older.execute("INSERT INTO account (tenant, id, name, status) VALUES ($1, 'A', 'A', 'active')", TENANT)
    await older.execute("INSERT INTO contact (tenant, id, account, name, phone) VALUES ($1, 'ann', 'A', 'Ann', $2)", TENANT, phone)
    event = "INSERT INTO event (tenant, id, name, source, vendor_id, fields, occurred_at, matched) VALUES "
    await older.execute(event + "($1, 'e1', 'email.replied', 'api', 'v1', $2, now(), 0)", TENANT, fields)
    await older.close()


async def test_an_older_database_is_sealed_by_the_upgrade_and_nothing_is_lost(older_url: str) -> None:
    with pytest.raises(CommandError, match="set PLAYKEEPER_ENCRYPTION_KEYS"):
        await upgrade(older_url)
    await upgrade(older_url, app_password=APP_PASSWORD, keys=TEST_KEYS)
    connection = await asyncpg.connect(older_url)
    kept = [bytes(row["fields"]) for row in await connection.fetch("SELECT fields FROM event")]
    await connection.close()
    database = Database(app_url(older_url, APP_PASSWORD), TEST_KEYS)
    async with database.begin(TENANT) as session:
        event = await find_event_by_source(session, "api", "v1")
        assert event is not None
        fields = fields_of(session, event)
        contacts = await list_contacts_by_address(session, "0049307777")
    await database.close()

    assert [b"s.example" in one for one in kept] == [False]
    assert fields == {"from": "canary@s.example"}
    assert [contact.id for contact in contacts] == ["ann"]
