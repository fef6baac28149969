"""Events: what happened outside or was told by a play, each once, and whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from sqlalchemy import Column, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.ids import new_id
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import METADATA, Event

_CLUES: Final = cast("Column[list[str]]", METADATA.tables["event"].c.clues)
_ROWS_AT_ONCE: Final = 500
# Whoever takes events in looks at them at once; the relay takes what is left after this.
_FIRST_PAUSE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class NewEvent:
    """An event as a vendor tells it, with what its account is found by; see `Event`."""

    vendor_id: str
    name: str
    fields: Mapping[str, Json]
    occurred_at: datetime
    clues: tuple[str, ...] = ()
    address: str | None = None


async def add_events(session: Session, source: str, events: Sequence[NewEvent], *, pause: timedelta = _FIRST_PAUSE) -> list[str]:
    """Keep those events that are not there yet, to be looked at; give the ids of the new ones, the oldest first.

    The relay looks at them after the pause: whoever does so at once needs one.
    """
    # In the order of their ids, so that two who bring the same events never wait for each other.
    unique = {event.vendor_id: event for event in reversed(events)}
    rows = [_row(session, source, unique[vendor_id], datetime.now(UTC) + pause) for vendor_id in sorted(unique)]
    new: list[tuple[datetime, str]] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        statement = insert(Event).values(rows[start : start + _ROWS_AT_ONCE])
        once = statement.on_conflict_do_nothing(index_elements=["tenant", "source", "vendor_id"])
        added = await session.execute(once.returning(col(Event.occurred_at), col(Event.id)))
        new += [(occurred_at, event_id) for occurred_at, event_id in added]
    return [event_id for _, event_id in sorted(new)]


def _row(session: Session, source: str, event: NewEvent, due_at: datetime) -> dict[str, object]:
    event_id = new_id()
    address = event.address or None
    return {
        "tenant": session.tenant,
        "id": event_id,
        "name": event.name,
        "source": source,
        "vendor_id": event.vendor_id,
        "fields": session.seal("event", "fields", event_id, dict(event.fields)),
        "address": session.seal("event", "address", event_id, address),
        "address_digest": session.digest("event", "address", address) if address else None,
        "clues": list(event.clues),
        "occurred_at": event.occurred_at,
        "due_at": due_at,
        "matched": 0,
    }


async def add_event(session: Session, event: Event, fields: Mapping[str, Json]) -> bool:
    """Insert an event; `fields` are sealed here. False when one with the same source and vendor id is there already."""
    sealed = session.seal("event", "fields", event.id, dict(fields))
    values = event.model_dump(exclude_none=True) | {"tenant": session.tenant, "fields": sealed}
    statement = insert(Event).values(values).on_conflict_do_nothing(index_elements=["tenant", "source", "vendor_id"])
    return (await session.execute(statement.returning(col(Event.id)))).first() is not None


def event_of(name: str, source: str, vendor_id: str, event_id: str, *, account: str | None = None) -> Event:
    """Make an event that happened now."""
    return Event(id=event_id, name=name, source=source, vendor_id=vendor_id, account=account, occurred_at=datetime.now(UTC))


def fields_of(session: Session, event: Event) -> dict[str, Json]:
    """Open the fields of an event."""
    opened = session.open("event", "fields", event.id, event.fields)
    return opened if isinstance(opened, dict) else {}


def address_of(session: Session, event: Event) -> str | None:
    """Open the address an event is about."""
    return session.open_text("event", "address", event.id, event.address)


async def find_event(session: Session, event_id: str, *, lock: bool = False) -> Event | None:
    """Give an event as it is now. With `lock` nobody else may change it before the transaction ends."""
    query = select(Event).where(col(Event.id) == event_id).execution_options(populate_existing=True)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def find_event_by_source(session: Session, source: str, vendor_id: str) -> Event | None:
    """Give an event by the id its source gave it."""
    query = select(Event).where(col(Event.source) == source, col(Event.vendor_id) == vendor_id)
    return (await session.execute(query)).scalar_one_or_none()


async def list_events_by_ids(session: Session, ids: Sequence[str]) -> dict[str, Event]:
    """Give those of the ids that are events."""
    return {event.id: event for event in (await session.execute(select(Event).where(col(Event.id).in_(ids)))).scalars()}


async def list_events_since(session: Session, since: Mapping[str, datetime]) -> list[Event]:
    """Give the events of accounts that came in since a moment of each, the oldest first."""
    if not since:
        return []
    theirs = (col(Event.account).in_(list(since)), col(Event.received_at) >= min(since.values()))
    query = select(Event).where(*theirs).order_by(col(Event.occurred_at), col(Event.id))
    found = (await session.execute(query)).scalars()
    return [event for event in found if event.received_at >= since[str(event.account)]]


async def change_event(session: Session, event_id: str, **changes: object) -> None:
    """Set columns of an event: `account`, `matched` or `due_at`."""
    await session.execute(update(Event).where(col(Event.id) == event_id).values(**changes))


async def list_events(session: Session, *, account: str | None = None, after: str | None = None, limit: int = 50) -> Page[Event]:
    """Give events, newest first."""
    query = select(Event)
    if account is not None:
        query = query.where(col(Event.account) == account)
    return await fetch_page(session, query, (col(Event.occurred_at), col(Event.id)), descending=True, after=after, limit=limit)


async def list_event_names(session: Session) -> list[str]:
    """Give the name of every event there ever was; from name to name in the index, however many events there are."""
    names = select(func.min(col(Event.name)).label("name")).cte("names", recursive=True)
    following = select(func.min(col(Event.name))).where(col(Event.name) > names.c.name).scalar_subquery()
    found = names.union_all(select(following).where(names.c.name.is_not(None)))
    return list((await session.execute(select(found.c.name).where(found.c.name.is_not(None)))).scalars())


async def list_due_events(session: Session, limit: int = 100) -> list[str]:
    """Give the ids of the events that are to be looked at now, the oldest first."""
    query = select(col(Event.id)).where(col(Event.due_at) <= func.now()).order_by(col(Event.due_at), col(Event.id)).limit(limit)
    return list((await session.execute(query)).scalars())


async def list_events_about(session: Session, clue: str) -> list[tuple[str, datetime]]:
    """Give name and time of every event with a clue, the oldest first."""
    query = select(col(Event.name), col(Event.occurred_at)).where(col(Event.clues).contains([clue]))
    return [(name, at) for name, at in await session.execute(query.order_by(col(Event.occurred_at), col(Event.id)))]


async def find_latest_of(session: Session, address: str, names: Sequence[str]) -> str | None:
    """Give the name of the latest event about an address among those with these names; of two at once the first of `names`."""
    query = select(col(Event.name), col(Event.occurred_at)).where(
        col(Event.address_digest).in_(session.digests("event", "address", address)), col(Event.name).in_(names)
    )
    found = [(at, -names.index(name), name) for name, at in await session.execute(query)]
    return max(found)[-1] if found else None


async def reconsider_events(session: Session, *, clues: Sequence[str] = (), addresses: Sequence[str] = ()) -> None:
    """Have events without an account looked at again, because now somebody with one of these clues or addresses is known."""
    digests = [digest for address in addresses for digest in session.digests("event", "address", address)]
    known = [_CLUES.overlap(list(clues))] if clues else []
    known += [col(Event.address_digest).in_(digests)] if digests else []
    if not known:
        return
    # In the order of their ids, so that two who reconsider the same events never wait for each other.
    theirs = select(col(Event.id)).where(col(Event.account).is_(None), or_(*known)).order_by(col(Event.id)).with_for_update()
    ids = list((await session.execute(theirs)).scalars())
    if ids:
        await session.execute(update(Event).where(col(Event.id).in_(ids)).values(due_at=func.now()))


def addresses_in(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Give every address in rows of contacts."""
    return [cast(str, row[name]) for row in rows for name in ("email", "phone") if row.get(name)]
