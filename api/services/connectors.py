"""Connecting an organisation to vendors: credentials are verified by a real call before they are kept."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import SecretStr

from api.problems import AccountNotFound, CredentialsRefused, FieldProblem, NotConnected, VendorAway, VendorNotFound
from api.schemas.connectors import ConnectorOut, CredentialField, LinkObject
from api.security import Actor
from api.services.audit import audit
from connectors.errors import ConnectorError, NotAuthorized, Rejected
from connectors.registry import VENDORS
from connectors.vendor import CredentialsMalformed, Vendor, secrets_of
from playbook_dsl.values import Json
from storage.repositories.accounts import find_account
from storage.repositories.connections import (
    delete_connection,
    find_connection,
    list_connections,
    note_verified,
    open_connection,
    save_connection,
    save_links,
)
from storage.repositories.vendor_limits import list_limits
from storage.session import Database, Session
from storage.sync.rows import forget_cursors
from storage.vendor_tables import Connection, Link, VendorLimit


def vendor_named(name: str) -> Vendor[Any]:
    """Give a vendor.

    Raises:
        VendorNotFound: there is no connector of this name.
    """
    vendor = VENDORS.get(name)
    if vendor is None:
        raise VendorNotFound(f'There is no connector "{name[:80]}"; there are {", ".join(sorted(VENDORS))}.')
    return vendor


async def list_connectors(session: Session, sandbox_url: str | None) -> list[ConnectorOut]:
    """Give every vendor, connected or not."""
    connected = {row.vendor: row for row in await list_connections(session)}
    limits = {row.vendor: row for row in await list_limits(session)}
    return [_shown(vendor, connected.get(name), limits.get(name), sandbox_url) for name, vendor in sorted(VENDORS.items())]


async def show_connector(session: Session, vendor: Vendor[Any], sandbox_url: str | None) -> ConnectorOut:
    """Give one vendor."""
    limits = {row.vendor: row for row in await list_limits(session)}
    return _shown(vendor, await find_connection(session, vendor.name), limits.get(vendor.name), sandbox_url)


async def connect(database: Database, user: Actor, vendor: Vendor[Any], given: dict[str, Json], sandbox_url: str | None) -> None:
    """Verify credentials by a real call and keep them; workers use them from their next call on.

    Raises:
        CredentialsRefused, VendorAway: see there; nothing was saved.
    """
    account = await _verified(vendor, given, sandbox_url)
    kept = secrets_of(vendor.read_credentials(given))
    async with database.begin(user.tenant) as session:
        before = await find_connection(session, vendor.name)
        if before is None or before.account != account:
            # Where a sync stood in somebody else's records says nothing of these.
            await forget_cursors(session, vendor.name)
        await save_connection(session, vendor.name, kept, account=account, saved_by=user.name)
        await audit(session, user.name, "connector.connect", "connector", vendor.name, {"account": account, "fields": sorted(kept)})


async def verify(database: Database, user: Actor, vendor: Vendor[Any], sandbox_url: str | None) -> str:
    """Verify the credentials that are kept, and say whose account it is.

    Raises:
        NotConnected, CredentialsRefused, VendorAway: see there.
    """
    async with database.begin(user.tenant) as session:
        found = await open_connection(session, vendor.name)
    if found is None and sandbox_url is None:
        raise NotConnected(f"{vendor.title} is not connected; save its credentials first.")
    account = await _verified(vendor, found.credentials if found else dict(vendor.sandbox), sandbox_url)
    async with database.begin(user.tenant) as session:
        await note_verified(session, vendor.name, account)
    return account


async def disconnect(session: Session, user: Actor, vendor: Vendor[Any]) -> None:
    """Forget the credentials.

    Raises:
        NotConnected: there are none.
    """
    if not await delete_connection(session, vendor.name):
        raise NotConnected(f"{vendor.title} is not connected.")
    await audit(session, user.name, "connector.disconnect", "connector", vendor.name, {})


async def link(session: Session, user: Actor, vendor: Vendor[Any], body: LinkObject) -> None:
    """Note whose a vendor's object is.

    Raises:
        AccountNotFound: there is no such account.
    """
    if await find_account(session, body.account) is None:
        raise AccountNotFound(f'There is no account "{body.account}".')
    row = Link(vendor=vendor.name, kind=body.kind, external_id=body.external_id, account=body.account, contact=body.contact)
    await save_links(session, [row])
    await audit(session, user.name, "connector.link", "account", body.account, {"vendor": vendor.name, "id": body.external_id})


async def _verified(vendor: Vendor[Any], given: Json, sandbox_url: str | None) -> str:
    try:
        client = vendor.connect(given, sandbox_url)
    except CredentialsMalformed as error:
        wrong = [FieldProblem(pointer=f"#/credentials/{name}", detail=message) for name, message in error.fields.items()]
        raise CredentialsRefused(f"{error}. Nothing was saved.", errors=wrong) from None
    try:
        account: str = await client.verify()
    except (NotAuthorized, Rejected) as error:
        raise CredentialsRefused(f"{error}. Nothing was saved.") from error
    except ConnectorError as error:
        raise VendorAway(f"{error}. Nothing was saved; try again in a few minutes.") from error
    finally:
        await client.close()
    return account


def _shown(vendor: Vendor[Any], row: Connection | None, limit: VendorLimit | None, sandbox_url: str | None) -> ConnectorOut:
    open_until = limit.open_until if limit else None
    state: Literal["connected", "sandbox", "not_connected"] = "connected" if row else "not_connected"
    return ConnectorOut(
        vendor=vendor.name,
        title=vendor.title,
        state="sandbox" if sandbox_url else state,
        account=row.account if row else None,
        saved_by=row.saved_by if row else None,
        saved_at=row.saved_at if row else None,
        verified_at=row.verified_at if row else None,
        per_hour=vendor.allowance.per_hour,
        burst=vendor.allowance.burst,
        circuit="open" if open_until and open_until > datetime.now(UTC) else "closed",
        open_until=open_until,
        credentials=_fields(vendor),
    )


def _fields(vendor: Vendor[Any]) -> list[CredentialField]:
    return [
        CredentialField(
            name=name,
            help=field.description or "",
            required=field.is_required(),
            secret=SecretStr in (field.annotation, *_parts(field.annotation)),
        )
        for name, field in vendor.credentials.model_fields.items()
    ]


def _parts(annotation: object) -> tuple[object, ...]:
    """Give the types of a union."""
    return getattr(annotation, "__args__", ())
