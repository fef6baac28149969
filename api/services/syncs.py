"""Syncs asked for by people: starting one, what it is to do, and records that could not be taken in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from activities.contracts import SyncInput
from api.plays import Plays
from api.problems import MappingRefused, NotConnected, SyncNotPossible, SyncRecordNotFound
from api.schemas.syncs import RetriedOut, SyncReportOut, SyncSettingOut, SyncStarted
from api.security import Actor
from api.services.audit import audit
from api.services.delivering import deliver_all
from api.services.news import facts_changed
from connectors.mappings import shipped_mapping
from connectors.records import Record
from connectors.registry import VENDORS
from connectors.vendor import Vendor
from playbook_dsl.values import Json
from storage.repositories.connections import find_connection
from storage.repositories.tenants import find_tenant
from storage.session import Database, Session
from storage.sync.mapping import VendorMapping
from storage.sync.reading import MappingUnusable, read_mapping, tenant_mapping
from storage.sync.rows import count_failures, find_failure, find_setting, lock_cursor, raw_of_failure, save_setting
from storage.sync.taking import Intake, take_page
from storage.tables import Delivery
from storage.vendor_tables import SyncReport
from workflows.messages import sync_workflow_id


async def start(
    database: Database, plays: Plays, user: Actor, vendor: Vendor[Any], *, from_start: bool, sandbox_url: str | None
) -> SyncStarted:
    """Begin a sync.

    Raises:
        NotConnected: the vendor has no credentials.
        SyncNotPossible: its records cannot be read or mapped, or a sync is under way.
        TemporalAway: see there.
    """
    async with database.begin(user.tenant) as session:
        await _mapping(session, vendor)
        if sandbox_url is None and await find_connection(session, vendor.name) is None:
            raise NotConnected(f"{vendor.title} is not connected; save its credentials first.")
        await audit(session, user.name, "connector.sync", "connector", vendor.name, {"from_start": from_start})
    sync = SyncInput(tenant=user.tenant, vendor=vendor.name, by=user.name, from_start=from_start)
    if not await plays.start_sync(sync):
        raise SyncNotPossible(f"A sync of {vendor.title} is under way; wait for its end, its report shows how it gets on.")
    workflow_id = sync_workflow_id(user.tenant, vendor.name)
    return SyncStarted(vendor=vendor.name, workflow_id=workflow_id, link=plays.link(workflow_id))


async def _mapping(session: Session, vendor: Vendor[Any]) -> VendorMapping:
    try:
        return await tenant_mapping(session, vendor.name, vendor.records, VENDORS, shipped_mapping(vendor.name))
    except MappingUnusable as error:
        raise SyncNotPossible(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


async def show_setting(session: Session, vendor: Vendor[Any], usual_min: int) -> SyncSettingOut:
    """Give what becomes of a vendor's records."""
    setting = await find_setting(session, vendor.name)
    own, every_min = (setting.mapping, setting.every_min) if setting else (None, None)
    return SyncSettingOut(
        vendor=vendor.name,
        kinds=list(vendor.records),
        mapping=own or shipped_mapping(vendor.name),
        shipped=own is None,
        every_min=usual_min if every_min is None else every_min,
        queued=await count_failures(session, vendor.name),
    )


async def save(session: Session, user: Actor, vendor: Vendor[Any], changes: Mapping[str, Any]) -> None:
    """Keep another mapping or interval.

    Raises:
        MappingRefused: the mapping has errors; nothing was saved.
    """
    if changes.get("mapping") is not None:
        tenant = await find_tenant(session)
        found = read_mapping(str(changes["mapping"]), vendor=vendor.name, kinds=vendor.records, vendors=VENDORS, tenant=tenant)
        if found.mapping is None:
            first = next((each for each in found.diagnostics if each.is_error), None)
            detail = f"The first error is in line {first.span.line}: {first.message}." if first else "It is empty."
            told = cast(Json, [each.to_json() for each in found.diagnostics])
            raise MappingRefused(detail, extra={"diagnostics": told})
    if changes:
        await save_setting(session, vendor.name, changes, by=user.name)
        await audit(session, user.name, "connector.sync_setting", "connector", vendor.name, {"fields": sorted(changes)})


def show_report(row: SyncReport) -> SyncReportOut:
    """Give a report."""
    return SyncReportOut.model_validate(row.model_dump())


@dataclass(frozen=True)
class _Tried:
    """What came of a queued record."""

    why: str | None
    deliveries: list[Delivery]


async def retry(database: Database, plays: Plays, user: Actor, vendor: Vendor[Any], failure_id: str) -> RetriedOut:
    """Try a queued record again now, and tell the plays of its account.

    Raises:
        SyncRecordNotFound: it is not queued (any more).
        SyncNotPossible: its kind has no mapping.
    """
    async with database.begin(user.tenant) as session:
        tried = await _retry(session, user, vendor, failure_id)
    told = await deliver_all(database, plays, user.tenant, tried.deliveries)
    return RetriedOut(taken=tried.why is None, why=tried.why, told=told)


async def _retry(session: Session, user: Actor, vendor: Vendor[Any], failure_id: str) -> _Tried:
    row = await find_failure(session, vendor.name, failure_id)
    if row is None:
        raise SyncRecordNotFound(f'No record of {vendor.title} is queued under the id "{failure_id[:80]}".')
    rule = (await _mapping(session, vendor)).of(row.kind)
    if rule is None:
        raise SyncNotPossible(f'The mapping of {vendor.title} says nothing of "{row.kind}" any more.')
    # A sync may be taking in the same record just now.
    await lock_cursor(session, vendor.name, row.kind)
    fields, deleted = raw_of_failure(session, row)
    record = Record(row.kind, row.external_id, fields, deleted)
    tally = await take_page(session, Intake(vendor.name, rule, datetime.now(UTC)), [record])
    await audit(session, user.name, "connector.sync_retry", "connector", vendor.name, {"kind": row.kind, "id": row.external_id})
    session.expire_all()
    left = await find_failure(session, vendor.name, failure_id)
    deliveries = [each for account in sorted(tally.accounts) for each in await facts_changed(session, account)]
    return _Tried(left.why if left else None, deliveries)
