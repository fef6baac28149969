"""What happens on an account besides tasks: calls to action and notes."""

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import Cta, Note


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
