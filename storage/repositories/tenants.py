"""Tenants and their own fields."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.custom_fields import FIELD_NAME, FIELD_TYPES
from storage.session import Session
from storage.tables import Tenant


async def find_tenant(session: Session) -> Tenant | None:
    """Give the session's tenant."""
    return await session.get(Tenant, session.tenant)


async def save_tenant(session: Session, tenant: Tenant) -> None:
    """Make the tenant, or bring its name, currency, zone and country up to date. Its own fields and settings stay as they are."""
    values = tenant.model_dump(include={"id", "name", "currency", "zone", "country"})
    changes = {name: value for name, value in values.items() if name != "id"}
    await session.execute(insert(Tenant).values(values).on_conflict_do_update(index_elements=["id"], set_=changes))


async def add_custom_fields(session: Session, fields: Sequence[Mapping[str, str]]) -> list[str]:
    """Declare the tenant's own fields (`name`, `type`, `help`), and give the names of the new ones. One that is there keeps its type.

    Raises:
        ValueError: a name or a type is not one.
    """
    for field in fields:
        if not FIELD_NAME.fullmatch(field["name"]) or field["type"] not in FIELD_TYPES:
            raise ValueError(f"{dict(field)} is no field: names are a-z, 0-9 and _, types are {', '.join(FIELD_TYPES)}")
    tenant = (await session.execute(select(Tenant).where(col(Tenant.id) == session.tenant).with_for_update())).scalar_one()
    known = {field["name"] for field in tenant.custom_fields}
    new = [dict(field) for field in fields if field["name"] not in known]
    if new:
        tenant.custom_fields = [*tenant.custom_fields, *new]
        await session.flush()
    return [field["name"] for field in new]


async def change_settings(session: Session, changes: Mapping[str, object]) -> None:
    """Set entries of the tenant's settings (`hours`, `closed`)."""
    tenant = (await session.execute(select(Tenant).where(col(Tenant.id) == session.tenant).with_for_update())).scalar_one()
    tenant.settings = {**tenant.settings, **changes}
    await session.flush()
