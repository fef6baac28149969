"""Turns that records take, told as events: an opportunity that is won, a meeting that is moved.

They are found against what is kept of the record, in the transaction that keeps it anew, so each is told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from playbook_dsl.values import Json
from storage.incoming import VendorRef, kept
from storage.repositories.events import add_events
from storage.session import Session
from storage.sync.converting import convert, raw_of
from storage.sync.facts import holds
from storage.sync.items import Item
from storage.sync.mapping import EventRule, Fields, KindRule
from storage.sync.rows import first_done_at
from storage.tables import Tenant

_AT_ONCE: Final = timedelta(0)


@dataclass(frozen=True)
class _Told:
    """An event, in the form in which vendors' own are kept."""

    id: str
    name: str
    occurred_at: datetime
    fields: Mapping[str, Any]
    account: str | None
    refs: Sequence[VendorRef] = ()
    address: str | None = None


def check_events(rule: KindRule, values: Fields) -> None:
    """See whether events can be told of a record.

    Raises:
        WrongValue: they cannot.
    """
    for each in rule.events:
        _carried(each, values, "USD")


async def tell_turns(session: Session, vendor: str, rule: KindRule, items: Sequence[Item], tenant: Tenant | None, now: datetime) -> None:
    """Keep an event for each turn that these records took."""
    if not rule.events or not items:
        return
    # What is read first by the first sync of all was there before it, and is no news.
    known_since = await first_done_at(session, vendor, rule.kind)
    currency = tenant.currency if tenant else None
    told = [
        _told(rule.kind, each, item, currency, now)
        for item in items
        for each in rule.events
        if _took(each, item, known_since, now) and (item.account or (item.seen and item.seen.account))
    ]
    await add_events(session, vendor, [kept(each) for each in told], pause=_AT_ONCE)


def _told(kind: str, rule: EventRule, item: Item, currency: str | None, now: datetime) -> _Told:
    at = item.changed_at or now
    values = item.seen.read if item.deleted and item.seen else item.read
    account = item.account or (item.seen.account if item.seen else None)
    name = f"{kind}:{item.external_id}:{rule.name}:{at.isoformat()}"
    return _Told(name, rule.name, at, _carried(rule, values, currency), account)


def _took(rule: EventRule, item: Item, known_since: datetime | None, now: datetime) -> bool:
    seen = item.seen
    if item.deleted or rule.turn == "deleted":
        return rule.turn == "deleted" and item.deleted and seen is not None and not seen.deleted
    if seen is None:
        is_news = known_since is not None and item.changed_at is not None and item.changed_at >= known_since
        return is_news and rule.turn in ("made", "becomes") and _is_so(rule, item.read, now)
    if any(name not in seen.read for name in rule.looks_at()):
        # The mapping did not ask for it then, or it was deleted: nobody knows what it was before.
        return False
    if rule.turn == "becomes":
        return _is_so(rule, item.read, now) and not _is_so(rule, seen.read, now)
    return rule.turn == "changes" and any(item.read.get(name) != seen.read[name] for name in rule.of)


def _is_so(rule: EventRule, values: Fields, now: datetime) -> bool:
    return all(holds(each, values, now) for each in rule.where)


def _carried(rule: EventRule, values: Fields, currency: str | None) -> dict[str, Json]:
    return {
        each.name: raw_of(values, each.source) if each.type is None else convert(values, each.source, each.type, currency=currency)
        for each in rule.fields
    }
