"""Syncs: bringing a vendor's records in, what becomes of them, and what could not be taken in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, status

from api.deps import DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import MappingRefused, NotConnected, SyncNotPossible, SyncRecordNotFound, TemporalAway, VendorNotFound
from api.routes.connectors import VendorName
from api.schemas.syncs import PutSyncSetting, RetriedOut, StartSync, SyncFailureOut, SyncReportOut, SyncSettingOut, SyncStarted
from api.security import Admin, Operator, Viewer
from api.services import syncs as service
from api.services.connectors import vendor_named
from storage.sync.rows import find_report, list_failures, list_reports

router = APIRouter(prefix="/v1/connectors/{vendor}/sync", tags=["connectors"])

FailureId = Annotated[str, Path(max_length=100, description="The queued record's id.", examples=["0197a3c0-5a43-7a54-8b43-1f0c2f7b3d11"])]
ReportId = Annotated[str, Path(max_length=100, description="The report's id.", examples=["0b7a1e0e-3f5c-4c4e-9a6e-0f4f7c1f2a11"])]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Sync a vendor now",
    responses=may_fail(VendorNotFound, NotConnected, SyncNotPossible, TemporalAway, body=True),
)
async def start_sync(
    vendor: VendorName, body: StartSync, request: Request, user: Operator, database: DatabaseDep, plays: PlaysDep
) -> SyncStarted:
    """Read what changed since the last sync and take it in. It goes on by itself; the reports show how."""
    sandbox_url: str | None = request.app.state.sandbox_url
    return await service.start(database, plays, user, vendor_named(vendor), from_start=body.from_start, sandbox_url=sandbox_url)


@router.get("", summary="Show how a vendor is synced", responses=may_fail(VendorNotFound))
async def show_sync(vendor: VendorName, request: Request, user: Viewer, session: SessionDep) -> SyncSettingOut:
    """The mapping in force, how often records are read, and how many are queued."""
    return await service.show_setting(session, vendor_named(vendor), request.app.state.sync_interval_min)


@router.put("", summary="Say how a vendor is synced", responses=may_fail(VendorNotFound, MappingRefused, body=True))
async def put_sync(vendor: VendorName, body: PutSyncSetting, request: Request, user: Admin, session: SessionDep) -> SyncSettingOut:
    """Another mapping counts from the next batch of a sync on. Records that were read before are only gone through again from the start."""
    named = vendor_named(vendor)
    await service.save(session, user, named, body.model_dump(exclude_unset=True))
    return await service.show_setting(session, named, request.app.state.sync_interval_min)


@router.get("/reports", summary="List reports of syncs", responses=may_fail(VendorNotFound))
async def list_sync_reports(
    vendor: VendorName, user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50
) -> PageOf[SyncReportOut]:
    """The newest first: what was read, made, changed and left alone, and why."""
    page = await list_reports(session, vendor_named(vendor).name, after=after, limit=limit)
    return PageOf(items=[service.show_report(row) for row in page.items], next=page.next)


@router.get("/reports/{report_id}", summary="Show a report of a sync", responses=may_fail(VendorNotFound, SyncRecordNotFound))
async def show_sync_report(vendor: VendorName, report_id: ReportId, user: Viewer, session: SessionDep) -> SyncReportOut:
    """One sync, also while it is under way."""
    row = await find_report(session, vendor_named(vendor).name, report_id)
    if row is None:
        raise SyncRecordNotFound
    return service.show_report(row)


@router.get("/failures", summary="List records that could not be taken in", responses=may_fail(VendorNotFound))
async def list_sync_failures(
    vendor: VendorName, user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50
) -> PageOf[SyncFailureOut]:
    """Each with its reason. They are tried again at the end of every sync, and are gone from here once they are in."""
    page = await list_failures(session, vendor_named(vendor).name, after=after, limit=limit)
    return PageOf(items=[SyncFailureOut.model_validate(row.model_dump()) for row in page.items], next=page.next)


@router.post(
    "/failures/{failure_id}/retry",
    summary="Try a record again",
    responses=may_fail(VendorNotFound, SyncRecordNotFound, SyncNotPossible),
)
async def retry_failure(vendor: VendorName, failure_id: FailureId, user: Operator, database: DatabaseDep, plays: PlaysDep) -> RetriedOut:
    """After a mapping or an account was corrected: take the record in now, without waiting for the next sync."""
    return await service.retry(database, plays, user, vendor_named(vendor), failure_id)
