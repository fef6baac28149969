"""Commands to many plays at once, by query."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from api.deps import BackgroundDep, DatabaseDep, PlaysDep, SessionDep
from api.openapi import OR_CSV, may_fail
from api.paging import After, Limit
from api.problems import BulkNotConfirmed, JobNotFound
from api.routes.launches import As
from api.routes.runs import Key
from api.schemas.launches import BulkAnswer, BulkCommand, JobOut, UndoReport
from api.schemas.parts import SLUG
from api.security import Operator, Viewer
from api.services.bulk import carry_job, command_many, job_out
from api.services.receipts import as_csv, report
from storage.bulk_tables import BulkJob
from storage.repositories.bulk import Which, find_job
from storage.repositories.receipts import Scope
from storage.session import Session

router = APIRouter(tags=["runs"])

JobId = Annotated[str, Path(max_length=100, description="The command's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]


@router.post("/v1/runs/bulk", summary="Tell many plays the same", responses=may_fail(BulkNotConfirmed, body=True))
async def tell_many(
    body: BulkCommand, user: Operator, database: DatabaseDep, plays: PlaysDep, background: BackgroundDep, key: Key = None
) -> BulkAnswer:
    """Pause, resume, cancel or undo every play of a query. The first call counts them and gives a token; the second, with it, does it.

    It is written down with every play before the answer, and goes on whatever dies. Only plays that had begun by the dry run are told.
    A cancel of a whole playbook or version also takes the accounts that wait for it out of the queue.
    """
    answer = await command_many(database, user, body)
    if answer.job is not None:
        background.spawn(carry_job(database, plays, user.tenant, answer.job.id), f"{body.do} of many plays")
    return answer


@router.get(
    "/v1/runs/bulk/undo",
    summary="Look at what an undo of many plays would do",
    response_model=UndoReport,
    responses=OR_CSV | may_fail(),
)
async def look_at_undo(
    user: Viewer,
    database: DatabaseDep,
    playbook: Annotated[str, Query(pattern=SLUG, description="Of this playbook.", examples=["at-risk-save"])],
    version: Annotated[int | None, Query(ge=1, le=1_000_000, description="Of this version.", examples=[3])] = None,
    owner: Annotated[str | None, Query(max_length=100, description="Of this person.", examples=["maria"])] = None,
    force: Annotated[bool, Query(description="Look at an undo that overwrites what people changed.")] = False,
    form: As = "json",
    after: After = None,
    limit: Limit = 50,
) -> UndoReport | StreamingResponse:
    """A line for every effect, with what would become of it as far as can be known without asking vendors. Nothing is changed."""
    scope = Scope(which=Which(playbook=playbook, version=version, owner=owner))
    if form == "csv":
        return StreamingResponse(as_csv(database, user.tenant, scope, None, force=force), media_type="text/csv")
    async with database.begin(user.tenant) as session:
        return await report(session, scope, None, force=force, after=after, limit=limit)


@router.get("/v1/bulk/{job_id}", summary="Look at a command to many plays", responses=may_fail(JobNotFound))
async def get_job(job_id: JobId, user: Viewer, session: SessionDep) -> JobOut:
    """How far it is, counted from the plays, and which of them did not take it."""
    return await job_out(session, await _existing(session, job_id))


@router.get(
    "/v1/bulk/{job_id}/receipt",
    summary="Get the receipt of an undo",
    response_model=UndoReport,
    responses=OR_CSV | may_fail(JobNotFound),
)
async def get_receipt(
    job_id: JobId, user: Viewer, database: DatabaseDep, form: As = "json", after: After = None, limit: Limit = 50
) -> UndoReport | StreamingResponse:
    """A line for every effect of the plays of the command, with what became of it."""
    async with database.begin(user.tenant) as session:
        job = await _existing(session, job_id)
        if form == "csv":
            return StreamingResponse(as_csv(database, user.tenant, Scope(job=job.id), job, force=job.force), media_type="text/csv")
        return await report(session, Scope(job=job.id), job, force=job.force, after=after, limit=limit)


async def _existing(session: Session, job_id: str) -> BulkJob:
    job = await find_job(session, job_id)
    if job is None:
        raise JobNotFound(f'There is no command to many plays "{job_id[:80]}".')
    return job
