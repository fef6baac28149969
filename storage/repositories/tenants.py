"""Tenants and their own fields."""

from sqlalchemy.dialects.postgresql import insert

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
