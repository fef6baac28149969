"""Connections of a tenant to vendors, and links between vendors' objects and accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.repositories.events import reconsider_events
from storage.session import Session
from storage.vendor_tables import Connection, Link


@dataclass(frozen=True)
class OpenConnection:
    """A connection with its credentials opened."""

    vendor: str
    version: int
    credentials: Json = field(repr=False)


async def find_connection(session: Session, vendor: str) -> Connection | None:
    """Give the tenant's connection to a vendor, its credentials sealed."""
    return await session.get(Connection, (session.tenant, vendor))


async def open_connection(session: Session, vendor: str) -> OpenConnection | None:
    """Give the tenant's connection to a vendor with its credentials."""
    row = await find_connection(session, vendor)
    if row is None:
        return None
    return OpenConnection(row.vendor, row.version, session.open("connection", "credentials", row.vendor, row.credentials))


async def list_connections(session: Session) -> list[Connection]:
    """Give the tenant's connections by vendor."""
    return list((await session.execute(select(Connection).order_by(col(Connection.vendor)))).scalars())


async def save_connection(session: Session, vendor: str, credentials: Json, *, account: str, saved_by: str) -> None:
    """Connect a vendor, or give its connection other credentials, which were verified just now. `account` says whose they are."""
    values = {
        "tenant": session.tenant,
        "vendor": vendor,
        "credentials": session.seal("connection", "credentials", vendor, credentials),
        "account": account,
        "saved_by": saved_by,
        "saved_at": func.now(),
        "verified_at": func.now(),
    }
    changes = {name: value for name, value in values.items() if name not in ("tenant", "vendor")}
    statement = insert(Connection).values(**values, version=1, settings={})
    await session.execute(
        statement.on_conflict_do_update(index_elements=["tenant", "vendor"], set_={**changes, "version": col(Connection.version) + 1})
    )


async def note_verified(session: Session, vendor: str, account: str) -> None:
    """Note that the credentials let us in just now."""
    mine = update(Connection).where(col(Connection.vendor) == vendor)
    await session.execute(mine.values(verified_at=func.now(), account=account))


async def delete_connection(session: Session, vendor: str) -> bool:
    """Forget a vendor's credentials; False when there were none."""
    gone = await session.execute(delete(Connection).where(col(Connection.vendor) == vendor).returning(col(Connection.vendor)))
    return gone.first() is not None


async def save_links(session: Session, links: Sequence[Link]) -> None:
    """Note which of a vendor's objects belong to which accounts; what was noted before is replaced.

    Events about objects that were nobody's are looked at again.
    """
    if not links:
        return
    rows = [{**link.model_dump(), "tenant": session.tenant} for link in links]
    statement = insert(Link)
    changes = {"account": statement.excluded.account, "contact": statement.excluded.contact}
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant", "vendor", "kind", "external_id"], set_=changes), rows)
    await reconsider_events(session, clues=[f"ref:{link.kind}:{link.external_id}" for link in links])


async def find_link(session: Session, vendor: str, kind: str, *, account: str) -> str | None:
    """Give the id of an account's object at a vendor, the lowest of several."""
    mine = (col(Link.vendor) == vendor, col(Link.kind) == kind, col(Link.account) == account)
    return (await session.execute(select(col(Link.external_id)).where(*mine).order_by(col(Link.external_id)).limit(1))).scalar_one_or_none()


async def find_linked(session: Session, vendor: str, kind: str, external_id: str) -> Link | None:
    """Give to whom a vendor's object belongs."""
    return await session.get(Link, (session.tenant, vendor, kind, external_id))
