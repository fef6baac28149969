"""What happens on an account besides tasks: calls to action, notes, events."""

from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import Cta, Event, Note


async def add_cta(session: Session, cta: Cta) -> None:
    """Insert a call to action."""
    cta.tenant = session.tenant
    session.add(cta)
    await session.flush()


async def find_cta(session: Session, cta_id: str) -> Cta | None:
    """Give a call to action, locked until the transaction ends."""
    return (await session.execute(select(Cta).where(col(Cta.id) == cta_id).with_for_update())).scalar_one_or_none()


async def change_cta(session: Session, cta_id: str, **changes: object) -> None:
    """Set columns of a call to action."""
    await session.execute(update(Cta).where(col(Cta.id) == cta_id).values(**changes))


async def list_ctas(
    session: Session, *, account: str | None = None, status: str | None = None, after: str | None = None, limit: int = 50
) -> Page[Cta]:
    """Give calls to action, newest first."""
    query = select(Cta)
    if account is not None:
        query = query.where(col(Cta.account) == account)
    if status is not None:
        query = query.where(col(Cta.status) == status)
    return await fetch_page(session, query, (col(Cta.opened_at), col(Cta.id)), descending=True, after=after, limit=limit)


async def add_note(session: Session, note: Note) -> None:
    """Insert a note."""
    values = note.model_dump(exclude_none=True) | {"tenant": session.tenant}
    await session.execute(insert(Note).values(values))


async def find_note(session: Session, note_id: str) -> Note | None:
    """Give a note, locked until the transaction ends."""
    return (await session.execute(select(Note).where(col(Note.id) == note_id).with_for_update())).scalar_one_or_none()


async def delete_note(session: Session, note_id: str) -> None:
    """Take a note away."""
    await session.execute(delete(Note).where(col(Note.id) == note_id))


async def list_notes(session: Session, account: str, *, after: str | None = None, limit: int = 50) -> Page[Note]:
    """Give an account's notes, newest first."""
    query = select(Note).where(col(Note.account) == account)
    return await fetch_page(session, query, (col(Note.created_at), col(Note.id)), descending=True, after=after, limit=limit)


async def add_event(session: Session, event: Event) -> bool:
    """Insert an event. False when one with the same source and vendor id is there already."""
    values = event.model_dump(exclude_none=True) | {"tenant": session.tenant}
    statement = insert(Event).values(values).on_conflict_do_nothing(index_elements=["tenant", "source", "vendor_id"])
    return (await session.execute(statement.returning(col(Event.id)))).first() is not None


async def find_event_by_source(session: Session, source: str, vendor_id: str) -> Event | None:
    """Give an event by the id its source gave it."""
    query = select(Event).where(col(Event.source) == source, col(Event.vendor_id) == vendor_id)
    return (await session.execute(query)).scalar_one_or_none()


async def count_matches(session: Session, event_id: str, matched: int) -> None:
    """Write down how many plays are told of an event."""
    await session.execute(update(Event).where(col(Event.id) == event_id).values(matched=matched))


async def list_events(session: Session, *, account: str | None = None, after: str | None = None, limit: int = 50) -> Page[Event]:
    """Give events, newest first."""
    query = select(Event)
    if account is not None:
        query = query.where(col(Event.account) == account)
    return await fetch_page(session, query, (col(Event.occurred_at), col(Event.id)), descending=True, after=after, limit=limit)


def event_of(name: str, source: str, vendor_id: str, event_id: str, fields: dict[str, Json], *, account: str | None = None) -> Event:
    """Make an event that happened now."""
    return Event(
        id=event_id,
        name=name,
        source=source,
        vendor_id=vendor_id,
        account=account,
        fields=dict(fields),
        occurred_at=datetime.now(UTC),
    )
