"""Takes events in, once each, and sends them to the plays of their account."""

from datetime import UTC, datetime

from api.plays import Plays
from api.problems import FieldProblem, RequestInvalid
from api.schemas.tasks import DeliverEvent, EventDelivered, EventOut
from api.security import Actor
from api.services.delivering import deliver_all
from api.services.news import event_happened
from playbook_dsl.values import Json
from storage.ids import new_id
from storage.observed_events import observe_event
from storage.repositories.accounts import hold_account
from storage.repositories.events import add_event, change_event, fields_of, find_event, find_event_by_source
from storage.session import Database, Session
from storage.storable import unreadable_marks
from storage.tables import Event
from storage.triggers.arriving import event_arrived


async def deliver_event(database: Database, plays: Plays, user: Actor, body: DeliverEvent) -> EventDelivered:
    """Store an event and send it on; the same one again does nothing.

    Raises:
        RequestInvalid: something in it is marked as a value and is none.
    """
    wrong = [FieldProblem(pointer=path, detail="is marked as a value and is none", code="bad_value") for path in _unreadable(body)]
    if wrong:
        raise RequestInvalid(errors=wrong)
    async with database.begin(user.tenant) as session:
        known = body.account is not None and await hold_account(session, body.account)
        event = Event(
            tenant=user.tenant,
            id=new_id(),
            name=body.type,
            source=body.source,
            vendor_id=body.id,
            account=body.account if known else None,
            clues=[f"account:{body.account}"] if body.account else [],
            occurred_at=body.time or datetime.now(UTC),
        )
        fields = _fields(body, known=known)
        if not await add_event(session, event, fields):
            return await _repeated(session, body)
        await event_arrived(session, event, event.account)
        if event.account is not None:
            await observe_event(session, event, event.account, fields)
        deliveries = await event_happened(session, event, fields)
        await change_event(session, event.id, matched=len(deliveries))
        shown = event_out(session, await find_event(session, event.id) or event)
    await deliver_all(database, plays, user.tenant, deliveries)
    return EventDelivered(event=shown, repeated=False, delivered=len(deliveries), message=_message(body, len(deliveries), known=known))


def _unreadable(body: DeliverEvent) -> list[str]:
    return list(unreadable_marks(dict(body.data), "#/data"))[:20]


def event_out(session: Session, event: Event) -> EventOut:
    """Give an event as the API shows it."""
    return EventOut.model_validate(event.model_dump(exclude={"fields", "address"}) | {"fields": fields_of(session, event)})


def _fields(body: DeliverEvent, *, known: bool) -> dict[str, Json]:
    """An account nobody knows is kept with the event, so that it can be matched later."""
    return dict(body.data) if known or body.account is None else {**body.data, "unknown_account": body.account}


async def _repeated(session: Session, body: DeliverEvent) -> EventDelivered:
    stored = await find_event_by_source(session, body.source, body.id)
    if stored is None:
        raise RuntimeError("the event that was there is gone")
    shown = event_out(session, stored)
    message = f'event "{body.id}" of source "{body.source}" was delivered before; nothing was done now'
    return EventDelivered(event=shown, repeated=True, delivered=0, message=message)


def _message(body: DeliverEvent, delivered: int, *, known: bool) -> str:
    if body.account is None:
        return "the event names no account; it is kept, and no play was told"
    if not known:
        return f'there is no account "{body.account}"; the event is kept unmatched, and no play was told'
    if delivered == 0:
        return f"{body.account} is in no play now; the event is kept, and what playbooks it starts begins in a moment"
    return f"{delivered} play{'s' if delivered != 1 else ''} of {body.account} {'were' if delivered != 1 else 'was'} told"
