"""Looks at events that came in: whose they are, what they mean for contacts, and which plays are to be told.

One transaction for each event. One whose account is not known yet is kept; it is looked at again when a link, a contact or an account is
saved that it could be of (`storage.repositories.events.reconsider_events`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from api.services.audit import audit
from api.services.news import facts_changed, object_changed, tell_event
from api.services.slack_presses import LEASE, PRESSED, Press, press_of
from playbook_dsl.values import Json
from storage.followed import fields_now, followed_of
from storage.observed_events import observe_event
from storage.repositories.accounts import KnownContact, find_account, hold_account, list_contacts_by_address, opt_in, opt_out
from storage.repositories.connections import find_linked
from storage.repositories.effects import list_effects_by_vendor_id
from storage.repositories.events import address_of, change_event, fields_of, find_event, find_latest_of, list_events_about
from storage.repositories.runs import list_active_runs_by_account
from storage.session import Database, Session
from storage.tables import Delivery, Effect, Event
from storage.triggers.arriving import event_arrived

NEWS_FOR: Final = timedelta(days=7)
"""An event that happened longer ago is noted with its account, and no play is told: what waits now does not wait for that."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)
# What is saved in a transaction that had not ended at the first look is found at the second.
_SECOND_LOOK: Final = timedelta(minutes=1)

_OPT_OUTS: Final = MappingProxyType(
    {"email.unsubscribed": "email", "email.complained": "email", "email.bounced": "email", "sms.stopped": "sms"}
)
_OPT_INS: Final = MappingProxyType({"sms.started": "sms"})
_SMS: Final = ("sms.stopped", "sms.started")


class _Overtaken(Exception):
    """Somebody else looked at the event meanwhile, or something it could be of was saved."""


@dataclass(frozen=True)
class _Found:
    account: str | None
    effects: Sequence[Effect]
    contacts: Sequence[KnownContact]


async def settle(database: Database, tenant: str, event_id: str) -> list[Delivery] | Press:
    """Look at an event; give what plays are to be told, or the press of a button that answers a question. Several at once do no harm."""
    try:
        async with database.begin(tenant) as session:
            event = await find_event(session, event_id)
            if event is None or event.due_at is None:
                return []
            press = press_of(event.id, event.received_at, fields_of(session, event)) if event.name == PRESSED else None
            if press is not None:
                return await _claimed(session, event, event.due_at, press)
            return await _settle(session, event, event.due_at)
    except _Overtaken:
        return []


async def _claimed(session: Session, event: Event, due_at: datetime, press: Press) -> Press:
    """Keep others from a press for a while: it takes calls of the vendor, which no transaction waits for."""
    locked = await find_event(session, event.id, lock=True)
    if locked is None or locked.due_at != due_at:
        raise _Overtaken
    await change_event(session, event.id, due_at=datetime.now(UTC) + LEASE)
    return press


async def _settle(session: Session, event: Event, due_at: datetime) -> list[Delivery]:
    fields, address = fields_of(session, event), address_of(session, event)
    found = await _find(session, event, fields, address)
    if found.account is not None:
        await hold_account(session, found.account)
    deliveries = await _note_wishes(session, event, fields, address, found.contacts)
    # The event is locked after the contacts, as who saves contacts does it.
    locked = await find_event(session, event.id, lock=True)
    if locked is None or locked.due_at != due_at:
        raise _Overtaken
    if event.occurred_at >= datetime.now(UTC) - NEWS_FOR:
        await event_arrived(session, locked, found.account)
    if found.account is None:
        young = datetime.now(UTC) - locked.received_at < _SECOND_LOOK
        await change_event(session, event.id, due_at=datetime.now(UTC) + _SECOND_LOOK if young else None)
        return deliveries
    await observe_event(session, locked, found.account, fields)
    told = await _tell(session, locked, fields, found)
    await change_event(session, event.id, account=found.account, matched=len({row.workflow_id for row in told}), due_at=None)
    return deliveries + told


async def _find(session: Session, event: Event, fields: dict[str, Json], address: str | None) -> _Found:
    followed = followed_of(event.name, fields)
    effects = await list_effects_by_vendor_id(session, followed.vendor_id, followed.actions) if followed else []
    contacts = await list_contacts_by_address(session, address) if address else []
    account = await _by_clues(session, event) or (effects[0].account if effects else None)
    accounts = {contact.account for contact in contacts}
    if account is None and len(accounts) == 1:  # somebody who works for several customers says nothing about which of them
        (account,) = accounts
    return _Found(account, effects, contacts)


async def _by_clues(session: Session, event: Event) -> str | None:
    for clue in event.clues:
        kind, _, rest = clue.partition(":")
        if kind == "account" and await find_account(session, rest) is not None:
            return rest
        if kind == "ref":
            of, _, external_id = rest.partition(":")
            linked = await find_linked(session, event.source, of, external_id)
            if linked is not None:
                return linked.account
    return None


async def _note_wishes(
    session: Session, event: Event, fields: dict[str, Json], address: str | None, contacts: Sequence[KnownContact]
) -> list[Delivery]:
    """Let people at the customer have their way about being written to, whatever came before or comes late."""
    channel = _OPT_OUTS.get(event.name) or _OPT_INS.get(event.name)
    if channel is None or not contacts or address is None or (event.name == "email.bounced" and fields.get("hard") is not True):
        return []
    if event.name in _SMS and await find_latest_of(session, address, _SMS) != event.name:
        return []
    leaves = event.name in _OPT_OUTS
    changed = await (opt_out if leaves else opt_in)(session, [contact.id for contact in contacts], channel)
    for contact_id in changed:
        details = {"channel": channel, "because": event.name, "event": event.id}
        await audit(session, event.source, "contact.opt_out" if leaves else "contact.opt_in", "contact", contact_id, details)
    accounts = sorted({contact.account for contact in contacts if contact.id in changed})
    return [delivery for account in accounts for delivery in await facts_changed(session, account)]


async def _tell(session: Session, event: Event, fields: dict[str, Json], found: _Found) -> list[Delivery]:
    """Note it for the plays that were under way when it happened."""
    if found.account is None or event.occurred_at < datetime.now(UTC) - NEWS_FOR:
        return []
    runs = await list_active_runs_by_account(session, found.account)
    there = [run for run in runs if run.started_at <= event.occurred_at + _CLOCKS_DIFFER]
    deliveries: list[Delivery] = []
    followed = followed_of(event.name, fields)
    if followed is not None and found.effects:
        chains = {effect.chain for effect in found.effects}
        changes = fields_now(event.name, event.occurred_at, fields, await list_events_about(session, f"live:{followed.live}"))
        mine = [run for run in runs if run.chain in chains]
        deliveries += await object_changed(session, event, followed.live, changes, mine) if changes else []
    return deliveries + await tell_event(session, event, fields, there)
