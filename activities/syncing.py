"""Brings vendors' records in: the activities of a sync.

A page is taken in together with the cursor after it, in one transaction. Whoever comes late with a page, because it was taken for dead,
finds the cursor moved and drops it: killing loses nothing and repeats nothing.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from temporalio import activity

from activities.connections import Connections, book_call, called
from activities.contracts import SYNC_BATCH, SYNC_BEGIN, SYNC_END, SyncBatch, SyncBegin, SyncEnd, SyncKinds, SyncProgress
from activities.failures import ActionProblem, Throttled, as_activity_failure
from activities.news import tell_plays
from connectors.mappings import shipped_mapping
from connectors.records import Record, RecordPage
from connectors.vendor import Vendor
from storage.incoming import kept
from storage.repositories.connections import list_connections
from storage.repositories.events import add_events
from storage.repositories.tenants import find_tenant
from storage.session import Database, Session
from storage.sync.facts import turn
from storage.sync.items import Tally
from storage.sync.mapping import KindRule, VendorMapping
from storage.sync.reading import MappingUnusable, tenant_mapping
from storage.sync.reporting import add_to_report, begin_report, end_report
from storage.sync.rows import find_setting, list_to_retry, list_turned, lock_cursor, raw_of_failure, read_cursor
from storage.sync.taking import Intake, take_page

PAGE_RECORDS: Final = 500
BATCH_S: Final = 20.0
"""A batch ends after this, so that the history shows how a sync gets on and a stopping worker need not wait long."""

_AT_ONCE: Final = timedelta(0)

Vendors: TypeAlias = Mapping[str, Vendor[Any]]
Service: TypeAlias = Callable[..., Awaitable[object]]


class CannotSync(ActionProblem):
    """A vendor whose records cannot be read, or whose mapping cannot be used."""


@dataclass(frozen=True)
class _Stop(Exception):
    """The vendor may not be asked before `at`."""

    at: datetime


async def mapping_of(session: Session, vendor: Vendor[Any], vendors: Vendors) -> VendorMapping:
    """Give the mapping of a vendor.

    Raises:
        CannotSync: there is none, or it cannot be used.
    """
    try:
        return await tenant_mapping(session, vendor.name, vendor.records, vendors, shipped_mapping(vendor.name))
    except MappingUnusable as error:
        raise CannotSync(str(error)) from None


async def wanted_syncs(session: Session, vendors: Vendors, every_min: int) -> dict[str, int]:
    """Give every how many minutes each connected vendor is to be synced; those that are not are left out."""
    connected = {row.vendor for row in await list_connections(session)}
    found: dict[str, int] = {}
    for name, vendor in vendors.items():
        setting = await find_setting(session, name)
        own = setting.mapping if setting else None
        minutes = every_min if setting is None or setting.every_min is None else setting.every_min
        if name in connected and minutes > 0 and vendor.records and (own or shipped_mapping(name)):
            found[name] = minutes
    return found


class Syncing:
    """The activities, with what they work with."""

    def __init__(self, database: Database, connections: Connections, vendors: Vendors) -> None:
        """Sync these vendors into this database."""
        self._database, self._connections, self._vendors = database, connections, vendors

    def all(self) -> list[Service]:
        """Give all of them."""
        return [self.begin, self.batch, self.end]

    @activity.defn(name=SYNC_BEGIN)
    async def begin(self, call: SyncBegin) -> SyncKinds:
        """Begin the report, and say what there is to bring."""
        with as_activity_failure():
            async with self._database.begin(call.tenant) as session:
                await begin_report(session, call.report, call.vendor, call.by, from_start=call.from_start)
            async with self._database.begin(call.tenant) as session:
                mapping = await mapping_of(session, self._vendor(call.vendor), self._vendors)
            return SyncKinds(kinds=tuple(rule.kind for rule in mapping.kinds))

    @activity.defn(name=SYNC_BATCH)
    async def batch(self, call: SyncBatch) -> SyncProgress:
        """Take pages in for a while. After the last one the queue is tried again, and facts whose moment has come are made anew."""
        with as_activity_failure():
            return await self._batch(call)

    @activity.defn(name=SYNC_END)
    async def end(self, call: SyncEnd) -> None:
        """Close the report."""
        with as_activity_failure():
            async with self._database.begin(call.tenant) as session:
                await end_report(session, call.vendor, call.report, call.error)

    def _vendor(self, name: str) -> Vendor[Any]:
        vendor = self._vendors.get(name)
        if vendor is None:
            raise CannotSync(f'there is no connector "{name}"')
        return vendor

    async def _batch(self, call: SyncBatch) -> SyncProgress:
        vendor = self._vendor(call.vendor)
        async with self._database.begin(call.tenant) as session:
            rule = (await mapping_of(session, vendor, self._vendors)).of(call.kind)
        if rule is None:
            return SyncProgress(records=0, more=False)
        work = _Pages(self._database, self._connections, vendor, rule, call)
        ends_at = time.monotonic() + BATCH_S
        booked, count, more = call.booked, 0, True
        while more and time.monotonic() < ends_at:
            try:
                read, more = await work.page(booked)
            except _Stop as stop:
                if not count:
                    raise Throttled(vendor.title, stop.at) from None
                return SyncProgress(records=count, more=True, wait=stop.at)
            count, booked = count + read, None
        if not more:
            await work.queue()
            await work.turned()
        return SyncProgress(records=count, more=more)


class _Pages:
    """The pages of one kind."""

    def __init__(self, database: Database, connections: Connections, vendor: Vendor[Any], rule: KindRule, call: SyncBatch) -> None:
        self._database, self._connections, self._vendor, self._rule, self._call = database, connections, vendor, rule, call

    async def page(self, booked: datetime | None) -> tuple[int, bool]:
        """Read one page and take it in; give how many records it had, and whether there are more."""
        async with self._database.begin(self._call.tenant) as session:
            cursor = await read_cursor(session, self._vendor.name, self._rule.kind)
            way = await book_call(session, self._vendor, booked)
        if way.wait is not None:
            raise _Stop(way.wait.until)
        client = await self._connections.client(self._call.tenant, self._vendor)
        asked: Awaitable[RecordPage] = client.changed(self._rule.kind, cursor, PAGE_RECORDS)
        page = await called(self._database, self._call.tenant, way, asked)
        async with self._database.begin(self._call.tenant) as session:
            row = await lock_cursor(session, self._vendor.name, self._rule.kind)
            if row.cursor != cursor:
                return 0, True
            tally = await take_page(session, self._intake(), page.records)
            # After the records, so that the objects by which an event's account is found are linked.
            await add_events(session, self._vendor.name, [kept(event) for event in page.events], pause=_AT_ONCE)
            row.cursor, row.read_at = page.cursor, datetime.now(UTC)
            await self._note(session, tally, page.cursor)
        activity.heartbeat(self._rule.kind, page.cursor)
        return len(page.records), page.more

    async def queue(self) -> None:
        """Try again what failed before this sync or in an earlier page of it, each once."""
        before = datetime.now(UTC)
        while True:
            async with self._database.begin(self._call.tenant) as session:
                await lock_cursor(session, self._vendor.name, self._rule.kind)
                rows = await list_to_retry(session, self._vendor.name, self._rule.kind, before, PAGE_RECORDS)
                if not rows:
                    return
                records = [_record(self._rule.kind, row.external_id, *raw_of_failure(session, row)) for row in rows]
                tally = await take_page(session, self._intake(), records)
                # They were counted when they failed first; now only what became of them is new.
                for name in ("read", "failed", "unmatched"):
                    tally.counts[name] = 0
                await self._note(session, tally, None)

    async def turned(self) -> None:
        """Make facts anew whose conditions on the time of day turned."""
        now = datetime.now(UTC)
        while self._rule.into == "facts":
            tally = Tally()
            async with self._database.begin(self._call.tenant) as session:
                await lock_cursor(session, self._vendor.name, self._rule.kind)
                accounts = await list_turned(session, self._vendor.name, self._rule.kind, now, PAGE_RECORDS)
                if not accounts:
                    return
                await turn(session, self._vendor.name, self._rule, accounts, tally, await find_tenant(session), now)
                await self._note(session, tally, None)

    def _intake(self) -> Intake:
        return Intake(self._vendor.name, self._rule, datetime.now(UTC), self._call.anew)

    async def _note(self, session: Session, tally: Tally, cursor: str | None) -> None:
        await add_to_report(session, self._call.report, self._rule.kind, tally, cursor)
        await tell_plays(session, tally.accounts)


def _record(kind: str, external_id: str, fields: Mapping[str, Any], deleted: bool) -> Record:  # unpacked from a pair
    return Record(kind, external_id, fields, deleted)
