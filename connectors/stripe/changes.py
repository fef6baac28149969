"""What changed at Stripe. Its lists cannot be asked for that, so its events are read once a full listing is through."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeAlias

from connectors.errors import Rejected
from connectors.incoming import Malformed, VendorEvent
from connectors.records import Record, RecordPage
from connectors.stripe.webhooks import told

StripeObject: TypeAlias = dict[str, Any]
"""An object of Stripe's API as plain JSON."""
ListPage: TypeAlias = Callable[[str, StripeObject], Awaitable[StripeObject | None]]
Flat: TypeAlias = dict[str, Any]
"""Fields by dotted name."""

LAG_S: Final = 60
"""Events may become visible a little late: the cursor never passes one younger than this."""
KEPT_S: Final = 29 * 86_400
"""Stripe forgets events after thirty days; a day less is safe."""
_MOST: Final = 100


@dataclass(frozen=True)
class _Kind:
    listed: str
    asked: Mapping[str, str]
    events: tuple[str, ...]


_SUBSCRIPTION = ("created", "updated", "deleted", "paused", "resumed", "trial_will_end")
_INVOICE = (
    *("created", "updated", "finalized", "sent", "paid", "payment_failed", "payment_action_required"),
    *("overdue", "voided", "marked_uncollectible", "deleted"),
)
KINDS: Final[Mapping[str, _Kind]] = {
    "customer": _Kind("customers", {}, ("customer.created", "customer.updated", "customer.deleted")),
    "subscription": _Kind("subscriptions", {"status": "all"}, tuple(f"customer.subscription.{name}" for name in _SUBSCRIPTION)),
    "invoice": _Kind("invoices", {}, tuple(f"invoice.{name}" for name in _INVOICE)),
}
# A subscription that is "deleted" at Stripe is still there, its status `canceled`.
_GONE: Final = ("customer.deleted", "invoice.deleted")


@dataclass(frozen=True)
class _Cursor:
    """Where the reading stands.

    `listing` is the last object of the full listing (empty before the first), None once that is through; `before` is when that object was
    made. `event` is the last event that was read, made `at`. `looked` is until when all events were seen.
    """

    listing: str | None
    looked: int
    before: int = 0
    event: str | None = None
    at: int = 0

    def text(self) -> str:
        """Give the form in which a sync keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, separators=(",", ":"))


class Changes:
    """Reads what changed.

    The first reading notes the newest event, then lists every object there is (newest first, as Stripe does; each comes once, so their
    order tells nothing). From then on it reads the events after that one, oldest first: a page before the newest known event holds the
    events just after it. An event holds its object as it was then, so a later one replaces an earlier one.

    A kind of which nothing was heard has no event to begin after, and one whose last event is older than Stripe keeps them has none any
    more; then all events since the last look are asked for, which is one page for a quiet kind. When that does not suffice (more
    than a page, or the last look was a month ago), everything is listed again: records may come twice, but are never missing.
    """

    def __init__(self, list_page: ListPage, clock: Callable[[], float] = time.time) -> None:
        """Read pages with `list_page`, which gives None when the object to continue from is not there."""
        self._list_page = list_page
        self._clock = clock

    async def page(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give the next page of a kind.

        Raises:
            ConnectorError: Stripe cannot be asked, or the kind or the cursor is none of ours.
        """
        of = KINDS.get(kind)
        if of is None:
            raise Rejected(f'Stripe has no records of the kind "{kind}"; there are {", ".join(KINDS)}')
        at = await self._begin(of) if cursor is None else _read(cursor)
        most = max(1, min(limit, _MOST))
        return await (self._events(kind, of, at, most) if at.listing is None else self._listing(kind, of, at, most))

    async def _begin(self, of: _Kind) -> _Cursor:
        looked = int(self._clock()) - LAG_S
        found = await self._list_page("events", {"types": list(of.events), "created": {"lte": looked}, "limit": 1})
        newest = found["data"][0] if found and found["data"] else None
        return _Cursor("", looked, event=newest["id"] if newest else None, at=newest["created"] if newest else 0)

    async def _listing(self, kind: str, of: _Kind, at: _Cursor, limit: int) -> RecordPage:
        asked: StripeObject = {**of.asked, "limit": limit}
        found = await self._list_page(of.listed, {**asked, "starting_after": at.listing} if at.listing else asked)
        if found is None:
            # The object the last page ended with was deleted meanwhile; those made in the same second come twice.
            found = await self._list_page(of.listed, {**asked, "created": {"lte": at.before}})
        data: list[StripeObject] = found["data"] if found else []
        records = tuple(Record(kind, each["id"], flat(each)) for each in data)
        through = not data or found is None or not found["has_more"]
        after = replace(at, listing=None, before=0) if through else replace(at, listing=data[-1]["id"], before=data[-1]["created"])
        return RecordPage(records, after.text(), more=True)

    async def _events(self, kind: str, of: _Kind, at: _Cursor, limit: int) -> RecordPage:
        now = int(self._clock())
        asked: StripeObject = {"types": list(of.events), "limit": limit}
        anchored = at.event is not None and at.at > now - KEPT_S
        if anchored:
            asked["ending_before"] = at.event
        elif at.looked > now - KEPT_S:
            asked["created"] = {"gte": at.looked}
        else:
            return await self.page(kind, None, limit)
        found = await self._list_page("events", asked)
        if found is None or (found["has_more"] and not anchored):
            return await self.page(kind, None, limit)
        events: list[StripeObject] = list(reversed(found["data"]))
        settled = [each for each in events if each["created"] <= now - LAG_S]
        after = replace(at, event=settled[-1]["id"], at=settled[-1]["created"]) if settled else at
        # Only a look that saw everything there is tells that nothing else happened until now.
        after = after if found["has_more"] else replace(after, looked=now - LAG_S)
        news = tuple(one for event in events for one in _told(event))
        return RecordPage(_latest(kind, events), after.text(), more=bool(found["has_more"] and settled), events=news)


def _told(event: StripeObject) -> list[VendorEvent]:
    """Give what an event tells plays. One in a form nobody knows is no reason to stop a sync."""
    try:
        return told(event)
    except Malformed:
        return []


def _latest(kind: str, events: list[StripeObject]) -> tuple[Record, ...]:
    """Give the objects of events, each once, as its latest event has it."""
    found: dict[str, Record] = {}
    for event in events:
        thing = event["data"]["object"]
        found.pop(thing["id"], None)
        found[thing["id"]] = Record(kind, thing["id"], flat(thing), deleted=event["type"] in _GONE)
    return tuple(found.values())


def flat(thing: StripeObject, prefix: str = "") -> Flat:
    """Give the fields of an object, nested ones with dots; lists stay as they are."""
    fields: Flat = {}
    for name, value in thing.items():
        fields.update(flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return fields


def _read(cursor: str) -> _Cursor:
    try:
        kept = json.loads(cursor)
        return _Cursor(**{"listing": None, **kept})
    except (TypeError, ValueError):
        raise Rejected("the cursor of this sync is not one of Stripe's; start the sync anew") from None
