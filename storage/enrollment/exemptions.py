"""Accounts and segments that somebody took out of a playbook, or out of its holdout."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import col

from storage.enrollment_tables import Exemption
from storage.pages import Page, fetch_page
from storage.session import Session


@dataclass(frozen=True)
class ExemptionFilter:
    """Which exemptions a list holds; what is None does not matter. `in_force_at`: those that are not over then."""

    playbook: str | None = None
    kind: str | None = None
    value: str | None = None
    of: str | None = None
    in_force_at: datetime | None = None


async def list_exemptions(session: Session, which: ExemptionFilter, *, after: str | None = None, limit: int = 50) -> Page[Exemption]:
    """Give exemptions, newest first. Those of a playbook hold the ones from all playbooks."""
    query = select(Exemption)
    for column, value in ((Exemption.kind, which.kind), (Exemption.value, which.value), (Exemption.of, which.of)):
        if value is not None:
            query = query.where(col(column) == value)
    if which.playbook is not None:
        query = query.where(col(Exemption.playbook).in_(("", which.playbook)))
    if which.in_force_at is not None:
        query = query.where(or_(col(Exemption.until).is_(None), col(Exemption.until) > which.in_force_at))
    return await fetch_page(session, query, (col(Exemption.created_at), col(Exemption.id)), descending=True, after=after, limit=limit)


async def find_exemption(session: Session, exemption_id: str) -> Exemption | None:
    """Give an exemption."""
    return await session.get(Exemption, (session.tenant, exemption_id))


async def add_exemption(session: Session, exemption: Exemption) -> None:
    """Keep an exemption."""
    exemption.tenant = session.tenant
    session.add(exemption)
    await session.flush()
    await session.refresh(exemption)
