"""Tells many plays the same: written down first, then carried out by this process or by whichever lives."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from api.plays import Plays
from api.problems import (
    BulkNotConfirmed,
    DatabaseAway,
    FieldProblem,
    PlayNotAnswering,
    Problem,
    RequestInvalid,
    RunClosed,
    TemporalAway,
)
from api.schemas.launches import BulkAnswer, BulkCommand, JobOut
from api.schemas.runs import Refusal
from api.security import Actor
from api.services.audit import audit
from api.services.commands import Asking, RunCommands
from storage.bulk_tables import BulkJob, BulkRun
from storage.enrollment.launching import withdraw
from storage.ids import new_id
from storage.repositories.bulk import (
    Which,
    add_job,
    claim_runs,
    count_matching,
    find_job,
    finish_job,
    list_refused,
    list_running_jobs,
    postpone_run,
    progress_of,
    settle_run,
)
from storage.session import Database, Session
from workflows.messages import CommandAnswer

log = structlog.get_logger()

_AT_ONCE: Final = 20
_CLAIMED: Final = 100
_MOST_REFUSED: Final = 50
_TOKEN_HOLDS: Final = timedelta(hours=1)
_LATER: Final = (TemporalAway, PlayNotAnswering, DatabaseAway)


async def command_many(database: Database, user: Actor, body: BulkCommand) -> BulkAnswer:
    """Count the plays a command is for, or write it down.

    Raises:
        RequestInvalid: the query names nothing.
        BulkNotConfirmed: there was no dry run, or it is too old, or was of something else, or more plays match by now.
    """
    which = Which(**body.filter.model_dump())
    if not which.named():
        wrong = FieldProblem(pointer="#/filter", detail="must name a playbook, a launch, a state or an owner", code="missing")
        raise RequestInvalid("A command to every play there is would be too easy to give by mistake.", errors=[wrong])
    now = datetime.now(UTC)
    async with database.begin(user.tenant) as session:
        if body.dry_run:
            states = await count_matching(session, which, body.do)
            total = sum(states.values())
            return BulkAnswer(dry_run=True, total=total, states=states, token=_token(user, body, now, total))
        begun_by, shown = _confirmed(user, body, now)
        which = replace(which, begun_by=begun_by)
        states = await count_matching(session, which, body.do)
        if sum(states.values()) > shown:
            raise BulkNotConfirmed(f"{sum(states.values())} plays match by now, and the dry run showed {shown}; make another one.")
        withdrawn = 0
        if body.do == "cancel" and which.playbook is not None and which.state is None and which.owner is None:
            withdrawn = await withdraw(session, now, slug=which.playbook, version=which.version, launch=which.launch)
        job = BulkJob(id=new_id(), do=body.do, undo=body.undo, force=body.force, reason=body.reason, by=user.name)
        await add_job(session, job, which)
        await audit(session, user.name, f"runs.{body.do}", "job", job.id, {"filter": {**job.which}, "plays": job.total})
        shown_job = await job_out(session, job)
    return BulkAnswer(dry_run=False, total=job.total, states=states, withdrawn=withdrawn, job=shown_job)


def _token(user: Actor, body: BulkCommand, at: datetime, total: int) -> str:
    """Give what says that this person has seen how many plays this command is for."""
    asked = body.model_dump_json(exclude={"dry_run", "token", "reason"})
    digest = hashlib.sha256("\x1f".join((user.tenant, user.name, asked, at.isoformat(), str(total))).encode()).hexdigest()[:32]
    return f"{at.isoformat()}/{total}/{digest}"


def _confirmed(user: Actor, body: BulkCommand, now: datetime) -> tuple[datetime, int]:
    if body.token is None:
        raise BulkNotConfirmed("Send the same with dry_run: true first; its answer counts the plays and holds the token.")
    at_text, _, rest = body.token.partition("/")
    total_text, _, _ = rest.partition("/")
    try:
        at, total = datetime.fromisoformat(at_text), int(total_text)
    except ValueError:
        raise BulkNotConfirmed("The token is not one of a dry run; copy it as a whole.") from None
    if at.tzinfo is None or body.token != _token(user, body, at, total):
        raise BulkNotConfirmed("The token is of another command, query or person; make a dry run of this one.")
    if not now - _TOKEN_HOLDS <= at <= now:
        raise BulkNotConfirmed("The dry run was made more than an hour ago; make another one.")
    return at, total


async def job_out(session: Session, job: BulkJob) -> JobOut:
    """Give a command with how far it is."""
    refused = [Refusal(account=one.account, code=one.code, detail=one.detail) for one in await list_refused(session, job.id, _MOST_REFUSED)]
    return JobOut.model_validate(job.model_dump() | {"progress": await progress_of(session, job), "refused": refused})


async def carry_jobs(database: Database, plays: Plays, tenant: str) -> None:
    """Carry on every command that is not carried out yet."""
    async with database.begin(tenant) as session:
        jobs = await list_running_jobs(session)
    for job_id in jobs:
        try:
            await carry_job(database, plays, tenant, job_id)
        except Exception as error:  # one that cannot go on must not keep the others
            log.warning("command to many plays waits", job=job_id, reason=type(error).__name__)


async def carry_job(database: Database, plays: Plays, tenant: str, job_id: str) -> None:
    """Tell the plays of a command that are due, twenty at once, and see whether it is done."""
    while True:
        async with database.begin(tenant) as session:
            job = await find_job(session, job_id)
            rows = await claim_runs(session, job_id, datetime.now(UTC), _CLAIMED) if job is not None else []
        if job is None or not rows:
            break
        free = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(_tell_one(database, plays, job, row, free) for row in rows))
    async with database.begin(tenant) as session:
        await finish_job(session, job_id, datetime.now(UTC))


async def _tell_one(database: Database, plays: Plays, job: BulkJob, row: BulkRun, free: asyncio.Semaphore) -> None:
    async with free:
        # The same request id, however often it is told and by whom: the play does it once.
        asking = Asking(tenant=job.tenant, by=job.by, request_id=f"{job.id}:{row.run}", reason=job.reason)
        # Whoever took it before may have told it and died before that was written down; what it says now is no news then.
        unchanged = "told" if row.attempts > 1 else "nothing"
        status, code, detail = "told", "", ""
        try:
            answer = await _tell(RunCommands(database, plays), asking, job, row.run)
            if not answer.changed and answer.state != "undoing":
                status, detail = unchanged, answer.message
        except RunClosed as problem:
            status, detail = unchanged, problem.detail
        except _LATER as problem:
            async with database.begin(job.tenant) as session:
                await postpone_run(session, row, datetime.now(UTC), code=problem.code, detail=problem.detail)
            return
        except Problem as problem:
            status, code, detail = "refused", problem.code, problem.detail
    async with database.begin(job.tenant) as session:
        await settle_run(session, row, status, code=code, detail=detail)


async def _tell(commands: RunCommands, asking: Asking, job: BulkJob, run: str) -> CommandAnswer:
    if job.do == "undo":
        return await commands.undo(asking, run, force=job.force)
    return await commands.tell(asking, run, job.do, undo=job.undo and job.do == "cancel")
