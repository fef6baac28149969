"""Brings a database to the newest schema, and makes the application's role.

The owner of the tables is the role of the URL handed in; the application connects as `playkeeper_app`, which owns nothing and for which
row-level security holds.
"""

import re
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.encryption import KeyRing
from storage.session import async_url
from storage.tables import METADATA

APP_ROLE = "playkeeper_app"
# One number for all who upgrade: API and worker may start at the same moment.
_UPGRADE_LOCK = 7_205_881


async def upgrade(owner_url: str, *, app_password: str | None = None, keys: KeyRing | None = None) -> None:
    """Create or upgrade the schema; does nothing when it is current. Several callers at once wait for each other.

    Args:
        owner_url: the database, as a role that may create tables and roles.
        app_password: the password the application's role gets; None leaves it as it is.
        keys: what is sealed from now on is sealed with these; a database that keeps such fields in plain text is not upgraded without.

    Raises:
        alembic.util.CommandError: the database is newer than the code, or `keys` are missing.
    """
    engine = create_async_engine(async_url(owner_url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
            await connection.run_sync(_make_role, app_password)
            await connection.run_sync(_run, "head", keys)
    finally:
        await engine.dispose()


def app_url(owner_url: str, app_password: str) -> str:
    """Give the URL by which the application connects to the same database."""
    return make_url(owner_url).set(drivername="postgresql", username=APP_ROLE, password=app_password).render_as_string(hide_password=False)


def config_for(connection: Connection, keys: KeyRing | None = None) -> Config:
    """Give Alembic its configuration without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    config.attributes["keys"] = keys
    return config


def differences(connection: Connection) -> list[object]:
    """Give what the tables in the code have and the database has not, or the other way round."""
    opts = {"compare_type": True, "include_name": _is_ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=opts), METADATA))


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    """The parts of tables that are kept by month are the database's own affair."""
    return kind != "table" or name is None or re.search(r"_\d{4}_\d{2}$", name) is None


def _run(connection: Connection, revision: str, keys: KeyRing | None) -> None:
    command.upgrade(config_for(connection, keys), revision)


def _make_role(connection: Connection, password: str | None) -> None:
    exists = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": APP_ROLE}).first()
    if exists is None:
        connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"))
    if password is not None:
        # A utility statement takes no parameters; the server quotes the literal for us.
        quoted = connection.execute(text("SELECT quote_literal(cast(:password AS text))"), {"password": password}).scalar_one()
        connection.execute(text(f"ALTER ROLE {APP_ROLE} PASSWORD {quoted}".replace(":", "\\:")))
