from __future__ import annotations

from datetime import UTC, date, datetime

import asyncpg
import pytest
from sqlalchemy import Executable, insert, select, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from storage.migrate import APP_ROLE, differences, upgrade
from storage.session import Database, async_url
from storage.tables import METADATA, TENANT_TABLES

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MONTH = text("SELECT playkeeper_month_partition(:parent, :day)")
BY_MONTH = sorted(name for name, table in METADATA.tables.items() if table.dialect_options["postgresql"]["partition_by"])


def a_row(table: str, tenant: str) -> dict[str, object]:
    """A row with something in every column that wants it."""
    samples: dict[str, object] = {
        "VARCHAR": "x",
        "INTEGER": 1,
        "BIGINT": 1,
        "FLOAT": 0.5,
        "BOOLEAN": False,
        "BYTEA": b"x",
        "DATE": date(2026, 11, 1),
        "TIMESTAMP WITH TIME ZONE": NOW,
    }
    dialect = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
    words = {"state": "active", "do": "pause"} | ({"status": "shadow"} if table == "scoring_model" else {})
    return {"tenant": tenant} | {
        column.name: words.get(column.name, samples[column.type.compile(dialect)])
        for column in METADATA.tables[table].columns
        if column.name != "tenant" and not column.nullable and column.server_default is None
    }


async def add_row_as_owner(owner_url: str, table: str, tenant: str) -> None:
    engine = create_async_engine(async_url(owner_url))
    async with engine.begin() as connection:
        if table in BY_MONTH:
            await connection.execute(MONTH.bindparams(parent=table, day=NOW.date()))
        # Foreign keys and the other checks are not what is proved here.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(insert(METADATA.tables[table]).values(a_row(table, tenant)))
    await engine.dispose()


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_rows_show_to_their_tenant_only(database: Database, owner_url: str, application_url: str, table: str) -> None:
    await add_row_as_owner(owner_url, table, "other")
    count = select(text("count(*)")).select_from(METADATA.tables[table])

    async with database.begin("other") as session:
        own = (await session.execute(count)).scalar_one()
    async with database.begin("acme") as session:
        foreign = (await session.execute(count.where(text("tenant = 'other'")))).scalar_one()
    connection = await asyncpg.connect(application_url)
    without_tenant = await connection.fetchval(str(count))
    await connection.close()

    assert (own, foreign, without_tenant) == (1, 0, 0)


async def try_as(database: Database, statement: Executable) -> None:
    async with database.begin("acme") as session:
        await session.execute(statement)


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_row_of_another_tenant_is_refused(database: Database, table: str) -> None:
    if table in BY_MONTH:
        await try_as(database, MONTH.bindparams(parent=table, day=NOW.date()))

    with pytest.raises(DBAPIError, match="row-level security"):
        await try_as(database, insert(METADATA.tables[table]).values(a_row(table, "other")))


@pytest.mark.parametrize("table", BY_MONTH)
@pytest.mark.parametrize("statement", ["SELECT * FROM {}_2026_11", "DELETE FROM {}_2026_11", "DROP TABLE {}_2026_11"])
async def test_the_application_may_not_touch_a_month_past_its_table(database: Database, table: str, statement: str) -> None:
    await try_as(database, MONTH.bindparams(parent=table, day=NOW.date()))

    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        await try_as(database, text(statement.format(table)))


@pytest.mark.parametrize("parent", ["account", "observation_2026_11", "observation; DROP TABLE account"])
async def test_months_are_made_of_three_tables_only(database: Database, parent: str) -> None:
    with pytest.raises(DBAPIError, match="no table of months"):
        await try_as(database, MONTH.bindparams(parent=parent, day=NOW.date()))


async def test_only_the_application_may_have_months_made(owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    allowed = await connection.fetch(
        "SELECT coalesce(r.rolname, 'everybody') AS who FROM pg_proc p, aclexplode(p.proacl) AS right_of "
        "LEFT JOIN pg_roles r ON r.oid = right_of.grantee "
        "WHERE p.proname = 'playkeeper_month_partition' AND right_of.grantee <> p.proowner"
    )
    await connection.close()

    assert [row["who"] for row in allowed] == [APP_ROLE]


async def test_a_tenant_sees_no_other_tenant(database: Database, application_url: str) -> None:
    async with database.begin("other") as session:
        seen = (await session.execute(text("SELECT id FROM tenant"))).scalars().all()
    connection = await asyncpg.connect(application_url)
    without_tenant = await connection.fetchval("SELECT count(*) FROM tenant")
    await connection.close()

    assert (seen, without_tenant) == ([], 0)


async def test_the_tenant_does_not_stay_on_a_pooled_connection(application_url: str, database: Database) -> None:
    async with database.begin("acme") as session:
        await session.execute(text("SELECT 1"))
    async with database.engine.connect() as connection:
        left = (await connection.execute(text("SELECT current_setting('app.tenant', true)"))).scalar_one()

    assert not left


async def test_the_application_owns_nothing_and_cannot_pass_the_guard(owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    owned = await connection.fetchval(
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = $1", APP_ROLE
    )
    role = await connection.fetchrow("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = $1", APP_ROLE)
    # Months of a table have no policies: nobody but the owner has any right to them.
    unguarded = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    await connection.close()

    assert (owned, tuple(role), unguarded) == (0, (False, False, False), [])


async def test_the_migrations_make_the_tables_of_the_code(owner_url: str) -> None:
    engine = create_async_engine(async_url(owner_url))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


async def test_upgrading_again_changes_nothing(owner_url: str) -> None:
    await upgrade(owner_url)
    await upgrade(owner_url, app_password="app")
