"""Launches: one start on many accounts, its course, and its undo."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, status
from fastapi.responses import StreamingResponse

from api.deps import BackgroundDep, DatabaseDep, PlaysDep, SessionDep
from api.openapi import OR_CSV, may_fail
from api.paging import After, Limit, PageOf
from api.problems import (
    AudienceNotAsked,
    ImportRefused,
    InputsRefused,
    LaunchClosed,
    LaunchNotFound,
    MediaTypeUnknown,
    PlaybookNotFound,
    PlaybookNotPublished,
)
from api.routes.runs import Key
from api.schemas.launches import (
    CancelLaunch,
    LaunchAccountOut,
    LaunchOut,
    LaunchPreview,
    LaunchStarted,
    LaunchTold,
    LaunchUndone,
    PreviewLaunch,
    StartLaunch,
    TellLaunch,
    UndoLaunch,
    UndoReport,
)
from api.schemas.parts import SLUG
from api.schemas.runs import Rule
from api.security import Operator, Viewer
from api.services import previews
from api.services.bulk import carry_job
from api.services.imports import CSV_BODY, CsvDep
from api.services.launch_asked import FileAsked, prepare_file, prepare_list
from api.services.launches import (
    begin_launched,
    cancel_launch,
    existing_launch,
    launch_accounts,
    launch_out,
    pause_launch,
    resume_launch,
    started_out,
    undo_launch,
)
from api.services.receipts import as_csv, report
from storage.enrollment.launching import page_accounts
from storage.repositories.bulk import Which, find_newest_job
from storage.repositories.receipts import Scope
from storage.repositories.runs import list_launches

router = APIRouter(prefix="/v1/launches", tags=["launches"])

LaunchId = Annotated[str, Path(max_length=100, description="The launch's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]
Slug = Annotated[str, Query(pattern=SLUG, description="The playbook's slug.", examples=["at-risk-save"])]
Inputs = Annotated[
    str | None, Query(max_length=10_000, description="Inputs for all of them, as a JSON object.", examples=['{"discount_percent": 10}'])
]
Ignore = Annotated[list[Rule] | None, Query(max_length=5, description="Rules of the playbook that are left aside.", examples=[["again"]])]
FileKey = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="As for a single start.")]
As = Annotated[Literal["json", "csv"], Query(alias="as", description="csv: every one of them, as a file.")]
_START = (PlaybookNotFound, PlaybookNotPublished, InputsRefused)


@router.post(
    "", status_code=status.HTTP_202_ACCEPTED, summary="Start a playbook on a list of accounts", responses=may_fail(*_START, body=True)
)
async def start_launch(
    body: StartLaunch, user: Operator, database: DatabaseDep, plays: PlaysDep, background: BackgroundDep, key: Key = None
) -> LaunchStarted:
    """One play for each account; they all carry the launch's id, by which they can be listed, stopped and undone together.

    Every rule of the playbook is asked about each account: those that are in this play already keep it, those that a rule refuses are
    listed with the reason, those for which there is no room wait for it; none keeps the others from starting.

    The list is written down before the answer. Up to 200 accounts are decided about before it too; longer lists are worked off after
    it, whatever dies meanwhile: `status` is then `running`, and `GET /v1/launches/{launch_id}` says how far it is.
    """
    async with database.begin(user.tenant) as session:
        prepared = await prepare_list(session, body)
    done = await launch_accounts(database, user, prepared)
    background.spawn(begin_launched(database, plays, user.tenant, done), f"launch {done.launch.id}")
    return started_out(done, plays)


@router.post(
    "/csv",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Start a playbook on the accounts of a file",
    openapi_extra=CSV_BODY,
    responses=may_fail(*_START, ImportRefused, MediaTypeUnknown, body=True),
)
async def start_launch_of_file(
    file: CsvDep,
    playbook: Slug,
    user: Operator,
    database: DatabaseDep,
    plays: PlaysDep,
    background: BackgroundDep,
    inputs: Inputs = None,
    ignore: Ignore = None,
    enrollment_key: FileKey = None,
    key: Key = None,
) -> LaunchStarted:
    """A CSV file with a header line: the column `account` (or `id`, or the first one), and columns called like the playbook's inputs.

    Up to 100,000 rows. Rows that cannot be read, unknown accounts, repetitions and values that do not fit are left out and listed with
    line and column; the others start as with a list.
    """
    asked = FileAsked(playbook, inputs, tuple(ignore or ()), enrollment_key)
    done = await launch_accounts(database, user, await prepare_file(database, user.tenant, asked, file))
    background.spawn(begin_launched(database, plays, user.tenant, done), f"launch {done.launch.id}")
    return started_out(done, plays)


@router.post(
    "/preview",
    summary="Look at who would enter",
    response_model=LaunchPreview,
    responses={**OR_CSV, **may_fail(*_START, AudienceNotAsked, body=True)},
)
async def preview_launch(body: PreviewLaunch, user: Viewer, database: DatabaseDep, form: As = "json") -> LaunchPreview | StreamingResponse:
    """Who of a list, or of the playbook's audience, would enter now, who not and why.

    Nothing is written: no arm is drawn, no refusal noted.

    With `as=csv` every account with what would become of it.
    """
    async with database.begin(user.tenant) as session:
        prepared = await prepare_list(session, body)
    if form == "csv":
        return StreamingResponse(previews.as_csv(database, user.tenant, prepared, body.most), media_type="text/csv")
    return await previews.look(database, user.tenant, prepared, body.most)


@router.post(
    "/preview/csv",
    summary="Look at who of a file would enter",
    openapi_extra=CSV_BODY,
    response_model=LaunchPreview,
    responses={**OR_CSV, **may_fail(*_START, ImportRefused, MediaTypeUnknown, body=True)},
)
async def preview_launch_of_file(
    file: CsvDep,
    playbook: Slug,
    user: Viewer,
    database: DatabaseDep,
    inputs: Inputs = None,
    ignore: Ignore = None,
    enrollment_key: FileKey = None,
    form: As = "json",
) -> LaunchPreview | StreamingResponse:
    """As for a list, with what is wrong in the file by line and column. Nothing is written."""
    asked = FileAsked(playbook, inputs, tuple(ignore or ()), enrollment_key)
    prepared = await prepare_file(database, user.tenant, asked, file)
    most = len(prepared.listed or ())
    if form == "csv":
        return StreamingResponse(previews.as_csv(database, user.tenant, prepared, most), media_type="text/csv")
    return await previews.look(database, user.tenant, prepared, most)


@router.get("", summary="List launches", responses=may_fail())
async def list_all_launches(user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50) -> PageOf[LaunchOut]:
    """The newest first."""
    page = await list_launches(session, after=after, limit=limit)
    return PageOf(items=[await launch_out(session, launch) for launch in page.items], next=page.next)


@router.get("/{launch_id}", summary="Look at a launch", responses=may_fail(LaunchNotFound))
async def get_launch(launch_id: LaunchId, user: Viewer, session: SessionDep) -> LaunchOut:
    """The launch, how far it is, and how many of its plays stand where. `GET /v1/runs?launch=…` lists the plays."""
    return await launch_out(session, await existing_launch(session, launch_id))


@router.get("/{launch_id}/accounts", summary="List what became of a launch's accounts", responses=may_fail(LaunchNotFound))
async def list_launch_accounts(
    launch_id: LaunchId,
    user: Viewer,
    session: SessionDep,
    reason: Annotated[str | None, Query(max_length=100, examples=["not_in_audience"], description="Only with this reason.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[LaunchAccountOut]:
    """In the order of the list: what was decided about each account when its turn came, and why."""
    await existing_launch(session, launch_id)
    page = await page_accounts(session, launch_id, reason=reason, after=after, limit=limit)
    return PageOf(items=[LaunchAccountOut.model_validate(row.model_dump(exclude={"inputs"})) for row in page.items], next=page.next)


@router.post("/{launch_id}/pause", summary="Pause a launch", status_code=202, responses=may_fail(LaunchNotFound, LaunchClosed, body=True))
async def pause_whole_launch(
    launch_id: LaunchId,
    user: Operator,
    database: DatabaseDep,
    plays: PlaysDep,
    background: BackgroundDep,
    body: TellLaunch | None = None,
    key: Key = None,
) -> LaunchTold:
    """Nobody else enters, no wave opens, and the plays under way are held before their next steps. Pausing twice changes nothing."""
    told = await pause_launch(database, user, launch_id, body.reason if body else None)
    if told.job is not None:
        background.spawn(carry_job(database, plays, user.tenant, told.job.id), f"pause of launch {launch_id}")
    return told


@router.post("/{launch_id}/resume", summary="Resume a launch", status_code=202, responses=may_fail(LaunchNotFound, LaunchClosed, body=True))
async def resume_whole_launch(
    launch_id: LaunchId,
    user: Operator,
    database: DatabaseDep,
    plays: PlaysDep,
    background: BackgroundDep,
    body: TellLaunch | None = None,
    key: Key = None,
) -> LaunchTold:
    """A paused launch goes on, and so do the plays that its pause held. A halted one opens its next wave all the same."""
    told = await resume_launch(database, user, launch_id, body.reason if body else None)
    if told.job is not None:
        background.spawn(carry_job(database, plays, user.tenant, told.job.id), f"resume of launch {launch_id}")
    return told


@router.post("/{launch_id}/cancel", summary="Cancel a launch", status_code=202, responses=may_fail(LaunchNotFound, LaunchClosed, body=True))
async def cancel_whole_launch(
    launch_id: LaunchId,
    user: Operator,
    database: DatabaseDep,
    plays: PlaysDep,
    background: BackgroundDep,
    body: CancelLaunch | None = None,
    key: Key = None,
) -> LaunchTold:
    """Accounts that wait are taken out of the queue before the answer; the plays under way end after it."""
    body = body or CancelLaunch()
    told = await cancel_launch(database, user, launch_id, body.reason, undo=body.undo)
    if told.job is not None:
        background.spawn(carry_job(database, plays, user.tenant, told.job.id), f"cancel of launch {launch_id}")
    return told


@router.post(
    "/{launch_id}/undo", status_code=status.HTTP_202_ACCEPTED, summary="Undo a launch", responses=may_fail(LaunchNotFound, body=True)
)
async def undo_whole_launch(
    launch_id: LaunchId,
    user: Operator,
    database: DatabaseDep,
    plays: PlaysDep,
    background: BackgroundDep,
    body: UndoLaunch | None = None,
    key: Key = None,
) -> LaunchUndone:
    """Take back what every play of the launch did, those under way and those that have ended; who waits is taken out of the queue.

    It is written down before the answer and goes on whatever dies. `GET /v1/launches/{launch_id}/undo` is the receipt; asked before, it
    says what the undo would do.
    """
    body = body or UndoLaunch()
    done = await undo_launch(database, plays, user, launch_id, body.reason, force=body.force)
    background.spawn(carry_job(database, plays, user.tenant, done.job.id), f"undo of launch {launch_id}")
    return done


@router.get(
    "/{launch_id}/undo",
    summary="Look at what an undo did, or would do",
    response_model=UndoReport,
    responses={**OR_CSV, **may_fail(LaunchNotFound)},
)
async def get_launch_undo(
    launch_id: LaunchId,
    user: Viewer,
    database: DatabaseDep,
    force: Annotated[bool, Query(description="Look at an undo that overwrites what people changed.")] = False,
    form: As = "json",
    after: After = None,
    limit: Limit = 50,
) -> UndoReport | StreamingResponse:
    """A receipt for every effect of the launch.

    Before an undo was asked for it is a dry run, as far as can be known without asking vendors.
    """
    scope = Scope(which=Which(launch=launch_id))
    async with database.begin(user.tenant) as session:
        await existing_launch(session, launch_id)
        job = await find_newest_job(session, launch_id, "undo")
        if form == "csv":
            return StreamingResponse(as_csv(database, user.tenant, scope, job, force=force), media_type="text/csv")
        return await report(session, scope, job, force=force, after=after, limit=limit)
