"""The engine, and sessions that see one tenant only."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from playbook_dsl.values import Json
from storage.encryption import KeyRing, Place

_PHONE = re.compile(r"[+0-9][0-9 ()./-]*")
_SET_TENANT = text("SELECT set_config('app.tenant', :tenant, true)")


class Session(AsyncSession):
    """One transaction of one tenant. Row-level security hides every other tenant's rows."""

    tenant: str
    keys: KeyRing

    def seal(self, table: str, column: str, row: str, value: Json) -> bytes | None:
        """Encrypt a JSON tree for a column of a row; None stays None."""
        return None if value is None else self.keys.seal_json(Place(self.tenant, table, column, row), value)

    def open(self, table: str, column: str, row: str, sealed: bytes | None) -> Json:
        """Decrypt what `seal` gave."""
        return self.keys.open_json(Place(self.tenant, table, column, row), sealed)

    def digest(self, table: str, column: str, text: str) -> str:
        """Give what a sealed text is found by; the column `<column>_digest` holds it.

        Capitals make no difference, and neither does how a phone number is set (`+49 (30) 77-77`, `0049307777`).
        """
        return self.keys.digest(Place(self.tenant, table, column, ""), plain(text))

    def digests(self, table: str, column: str, text: str) -> list[str]:
        """Give the digests of a text by every key, to look for."""
        return self.keys.digests(Place(self.tenant, table, column, ""), plain(text))

    def open_text(self, table: str, column: str, row: str, sealed: bytes | None) -> str | None:
        """Decrypt a text."""
        opened = self.open(table, column, row, sealed)
        return None if opened is None else str(opened)


class Database:
    """Connections to PostgreSQL as the application's own role, and the keys of its sealed fields."""

    def __init__(self, url: str, keys: KeyRing, *, pool_size: int = 10, pooled: bool = True) -> None:
        """Prepare the engine; it connects on first use. `pooled=False` opens a connection per session (tests)."""
        self.engine: AsyncEngine = (
            create_async_engine(async_url(url), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=False)
            if pooled
            else create_async_engine(async_url(url), poolclass=NullPool)
        )
        self.keys = keys

    @asynccontextmanager
    async def begin(self, tenant: str) -> AsyncIterator[Session]:
        """Open a transaction of the tenant: committed at the end of the block, rolled back when it raises."""
        async with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.tenant = tenant
            session.keys = self.keys
            # Local to the transaction: the connection goes back to the pool and the next tenant must not inherit it.
            await session.execute(_SET_TENANT, {"tenant": tenant})
            yield session

    async def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            OSError, sqlalchemy.exc.DBAPIError: it cannot be reached or does not answer.
        """
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()


def plain(text: str) -> str:
    """Give the form of a text that its digest is made of."""
    stripped = text.strip()
    if _PHONE.fullmatch(stripped):
        digits = re.sub("[^0-9]", "", stripped)
        return f"+{digits.removeprefix('00')}" if stripped.startswith(("+", "00")) else digits
    return stripped.lower()


def async_url(url: str) -> str:
    """Give the URL with the asyncpg driver, whichever form of PostgreSQL URL was written."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}" if separator and scheme.split("+")[0] in {"postgres", "postgresql"} else url
