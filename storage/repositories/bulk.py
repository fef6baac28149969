"""Commands to many plays at once: written down with every play they are for, and carried on by whoever lives."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, select, update
from sqlmodel import col

from storage.bulk_tables import BulkJob, BulkRun
from storage.session import Session
from storage.tables import Run

LEASE: Final = timedelta(seconds=60)
"""How long one who took plays to tell has for it; then another may."""
_LONGEST_PAUSE_S: Final = 300
_WAITS_FOR_END: Final = ("cancel", "undo")


@dataclass(frozen=True)
class Which:
    """The plays a command is for; what is None does not matter.

    `begun_by`: those that began at or before this moment. `paused_by`: those that this command paused, and no person.
    """

    playbook: str | None = None
    version: int | None = None
    launch: str | None = None
    state: str | None = None
    owner: str | None = None
    begun_by: datetime | None = None
    paused_by: str | None = None

    def named(self) -> dict[str, object]:
        """Give what is asked for, by name."""
        names = ("playbook", "version", "launch", "state", "owner")
        return {name: value for name, value in asdict(self).items() if name in names and value is not None}


def matching(which: Which, do: str) -> tuple[ColumnElement[bool], ...]:
    """Give the conditions on `run` for the plays a command is for. Plays that another of them started go with it."""
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (Run.playbook, which.playbook),
        (Run.version, which.version),
        (Run.launch, which.launch),
        (Run.state, which.state),
        (Run.owner, which.owner),
    ):
        if value is not None:
            found.append(col(column) == value)
    if which.begun_by is not None:
        found.append(col(Run.started_at) <= which.begun_by)
    if do == "pause":
        found.append(col(Run.state).not_in(("closed", "paused", "undoing")))
    elif do == "resume" and which.paused_by is None:
        found.append(col(Run.state) == "paused")
    elif do in ("cancel", "resume"):
        found.append(col(Run.state) != "closed")
    if do in _WAITS_FOR_END and which.launch is not None:
        found.append(col(Run.parent).is_(None))
    if which.paused_by is not None:
        # By what it was told, and not by its state, of which word may be on its way.
        told = (col(BulkRun.job) == which.paused_by, col(BulkRun.status) != "nothing")
        found.append(exists().where(col(BulkRun.run) == col(Run.id), *told))
    return tuple(found)


async def count_matching(session: Session, which: Which, do: str) -> dict[str, int]:
    """Count the plays a command is for by state, closed ones by outcome."""
    word = func.coalesce(col(Run.outcome), col(Run.state))
    rows = await session.execute(select(word, func.count()).where(*matching(which, do)).group_by(word).order_by(word))
    return {str(name): int(count) for name, count in rows}


async def add_job(session: Session, job: BulkJob, which: Which) -> None:
    """Write a command down with every play it is for, in two statements however many they are."""
    job.tenant, job.which, job.launch = session.tenant, which.named(), job.launch or which.launch
    session.add(job)
    await session.flush()
    columns = {"tenant": col(Run.tenant), "job": literal(job.id), "run": col(Run.id), "account": col(Run.account)}
    fixed = {"status": literal("open"), "code": literal(""), "detail": literal(""), "attempts": literal(0)}
    chosen = select(*columns.values(), *fixed.values()).where(*matching(which, job.do))
    statement = insert(BulkRun).from_select([*columns, *fixed], chosen, include_defaults=False).returning(col(BulkRun.run))
    job.total = len((await session.execute(statement)).all())
    await session.flush()


async def list_running_jobs(session: Session) -> list[str]:
    """Give the commands that are not carried out yet, the oldest first."""
    query = select(col(BulkJob.id)).where(col(BulkJob.status) == "running").order_by(col(BulkJob.created_at), col(BulkJob.id))
    return list((await session.execute(query)).scalars())


async def find_job(session: Session, job_id: str) -> BulkJob | None:
    """Give a command."""
    return await session.get(BulkJob, (session.tenant, job_id))


async def find_newest_job(session: Session, launch: str, do: str) -> BulkJob | None:
    """Give the newest command of a kind to the plays of a launch."""
    query = select(BulkJob).where(col(BulkJob.launch) == launch, col(BulkJob.do) == do)
    return (await session.execute(query.order_by(col(BulkJob.created_at).desc(), col(BulkJob.id).desc()).limit(1))).scalar_one_or_none()


async def claim_runs(session: Session, job: str, now: datetime, limit: int) -> list[BulkRun]:
    """Take plays that are to be told now. Nobody else takes them before the lease is over."""
    due = (col(BulkRun.job) == job, col(BulkRun.status) == "open", col(BulkRun.due_at) <= now)
    query = select(BulkRun).where(*due).order_by(col(BulkRun.due_at), col(BulkRun.run)).limit(limit).with_for_update(skip_locked=True)
    rows = list((await session.execute(query)).scalars())
    for row in rows:
        row.due_at, row.attempts = now + LEASE, row.attempts + 1
    await session.flush()
    return rows


async def settle_run(session: Session, row: BulkRun, status: str, *, code: str = "", detail: str = "") -> None:
    """Write down what came of telling a play."""
    mine = (col(BulkRun.job) == row.job, col(BulkRun.run) == row.run)
    await session.execute(update(BulkRun).where(*mine).values(status=status, code=code, detail=detail[:500]))


async def postpone_run(session: Session, row: BulkRun, now: datetime, *, code: str, detail: str) -> None:
    """Tell a play later; the pauses grow."""
    pause = timedelta(seconds=min(2 ** min(row.attempts, 10), _LONGEST_PAUSE_S))
    mine = (col(BulkRun.job) == row.job, col(BulkRun.run) == row.run)
    await session.execute(update(BulkRun).where(*mine).values(due_at=now + pause, code=code, detail=detail[:500]))


async def progress_of(session: Session, job: BulkJob) -> dict[str, int]:
    """Count how far a command is: open, told, nothing, refused; of those told that must end also `ended`."""
    query = select(col(BulkRun.status), func.count()).where(col(BulkRun.job) == job.id).group_by(col(BulkRun.status))
    found = {str(status): int(count) for status, count in await session.execute(query)}
    if job.do in _WAITS_FOR_END:
        found["ended"] = found.get("told", 0) - await _count_not_ended(session, job.id)
    return found


async def _count_not_ended(session: Session, job: str) -> int:
    told = (col(BulkRun.job) == job, col(BulkRun.status) == "told", col(Run.state) != "closed")
    query = select(func.count()).select_from(BulkRun).join(Run, col(Run.id) == col(BulkRun.run)).where(*told)
    return int((await session.execute(query)).scalar_one())


async def finish_job(session: Session, job_id: str, now: datetime) -> bool:
    """Mark a command as done if every play was told, and those that must end have ended."""
    job = await find_job(session, job_id)
    if job is None or job.status != "running":
        return True
    query = select(func.count()).select_from(BulkRun).where(col(BulkRun.job) == job_id, col(BulkRun.status) == "open")
    if (await session.execute(query)).scalar_one() or (job.do in _WAITS_FOR_END and await _count_not_ended(session, job_id)):
        return False
    job.status, job.ended_at = "done", now
    await session.flush()
    return True


async def call_off(session: Session, job: str) -> None:
    """Let a command go no further: plays that were not told yet are not told."""
    mine = (col(BulkRun.job) == job, col(BulkRun.status) == "open", col(BulkRun.attempts) == 0)
    await session.execute(update(BulkRun).where(*mine).values(status="nothing", detail="another command came first"))


async def list_refused(session: Session, job: str, limit: int) -> list[BulkRun]:
    """Give plays that did not take a command, or could not be reached yet, by account."""
    trouble = and_(col(BulkRun.job) == job, col(BulkRun.code) != "", col(BulkRun.status).in_(("open", "refused")))
    return list(
        (await session.execute(select(BulkRun).where(trouble).order_by(col(BulkRun.account), col(BulkRun.run)).limit(limit))).scalars()
    )
