"""Databases for tests.

Each test module gets one of its own, copied from a migrated template, so that modules never see each other's rows.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from cli.dev.postgres import Postgres
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Tenant

TEMPLATE = "playkeeper_template"
APP_PASSWORD = "app"
TENANT = "acme"
TEST_KEYS = KeyRing({"k1": bytes(32)}, "k1")


async def run_sql(url: str, *statements: str) -> None:
    """Run statements one by one outside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> Postgres:
    """The session's server, with a migrated template database."""
    asyncio.run(run_sql(postgres.url(), f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(upgrade(postgres.url(TEMPLATE), app_password=APP_PASSWORD))
    return postgres


@pytest.fixture(scope="module")
def owner_url(migrated: Postgres) -> Iterator[str]:
    """A fresh database of the module, as the role that owns its tables."""
    name = f"t{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(migrated.url(), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    yield migrated.url(name)
    asyncio.run(run_sql(migrated.url(), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def application_url(owner_url: str) -> str:
    """The same database, as the application's role."""
    return app_url(owner_url, APP_PASSWORD)


@pytest_asyncio.fixture
async def database(application_url: str) -> AsyncIterator[Database]:
    """The application's database with the tenant `acme`."""
    database = Database(application_url, TEST_KEYS)
    async with database.begin(TENANT) as session:
        await save_tenant(session, Tenant(id=TENANT, name="Acme Software", currency="USD", zone="Europe/Berlin", country="DE"))
    yield database
    await database.close()
