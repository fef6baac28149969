"""Starts a playbook on many accounts, stops and resumes that, and takes all of it back."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from api.plays import Plays
from api.problems import EnrollmentRefused, LaunchClosed, LaunchNotFound, Problem
from api.schemas.launches import LaunchOut, LaunchStarted, LaunchTold, LaunchUndone
from api.schemas.runs import Refusal
from api.security import Actor
from api.services.admitting import admit_playbook
from api.services.audit import audit
from api.services.bulk import carry_job, job_out
from api.services.launch_asked import Prepared
from api.services.launch_course import carry_launch, open_wave, step_on
from api.services.starting import begin_all, unknown_account
from api.services.views import run_out
from enrollment.launches import Course
from enrollment.states import Reason, State
from playbook_dsl.values import Json
from storage.bulk_tables import BulkJob
from storage.enrollment.entering import Came, Entered
from storage.enrollment.launching import PAGE, begun_as, count_waiting, decide_page, lock_launch, stop_admissions, withdraw, write_down
from storage.enrollment.published import find_published
from storage.enrollment_tables import Launch
from storage.ids import new_id
from storage.repositories.bulk import Which, add_job, call_off, find_newest_job
from storage.repositories.runs import count_states, find_launch, list_runs_by_ids
from storage.repositories.tasks import close_task, find_task
from storage.session import Database, Session
from storage.tables import Run

_CAN_PAUSE: Final = ("running", "waiting", "done")


@dataclass(frozen=True)
class Launched:
    """What came of a launch. `there`: the plays that some accounts are in already, by account."""

    launch: Launch
    prepared: Prepared
    entered: Entered = field(default_factory=Entered)
    there: Mapping[str, Run] = field(default_factory=dict)


async def launch_accounts(database: Database, user: Actor, prepared: Prepared) -> Launched:
    """Write a launch down with its accounts. A short list is decided about in the same transaction, a long one after the answer."""
    listed, playbook, now = prepared.listed or [], prepared.playbook, datetime.now(UTC)
    course = Course.of(playbook.rules.enroll)
    launch = Launch(
        id=new_id(),
        playbook=playbook.slug,
        version=playbook.version,
        started_by=user.name,
        accounts=prepared.left_out,
        expected=len(listed) + prepared.left_out,
        counts=dict(prepared.counts),
        started_at=now,
        **begun_as(course, now),
    )
    async with database.begin(user.tenant) as session:
        await write_down(session, launch, prepared.wanted, listed)
        details: dict[str, Json] = {"playbook": playbook.slug, "accounts": len(listed), "ignore": [*sorted(prepared.wanted.ignore)]}
        await audit(session, user.name, "launch.start", "launch", launch.id, details)
        if len(listed) > PAGE:
            return Launched(launch, prepared)
        entered = await decide_page(session, launch, now) or Entered()
        await step_on(session, launch, now)
        there = {one.account: one.standing.run for one in entered.came if one.decision.state is State.REFUSED and one.standing}
        runs = await list_runs_by_ids(session, [run for run in there.values() if run])
    return Launched(launch, prepared, entered, {account: runs[run] for account, run in there.items() if run and run in runs})


async def begin_launched(database: Database, plays: Plays, tenant: str, done: Launched) -> None:
    """Begin the plays of a launch, work it off if it is a long one, and let in those for whom there is room."""
    await begin_all(database, plays, tenant, [one.run.id for one in done.entered.started])
    await carry_launch(database, plays, tenant, done.launch.id)
    await admit_playbook(database, plays, tenant, done.launch.playbook)


def started_out(done: Launched, plays: Plays) -> LaunchStarted:
    """Give what came of a launch as the API shows it."""
    launch, entered = done.launch, done.entered
    states = Counter(one.decision.state for one in entered.came)
    return LaunchStarted(
        id=launch.id,
        playbook=launch.playbook,
        version=launch.version,
        status=launch.status,
        expected=launch.expected or 0,
        started=[run_out(one.run, plays) for one in entered.started],
        existing=[run_out(run, plays) for run in done.there.values()],
        queued=states[State.QUEUED] + states[State.SUPPRESSED],
        held_out=states[State.HELD_OUT],
        refused=[refusal(one) for one in entered.came if one.decision.state is State.REFUSED and one.account not in done.there],
        problems=done.prepared.problems,
        notes=done.prepared.notes,
    )


async def launch_out(session: Session, launch: Launch) -> LaunchOut:
    """Give a launch with where its plays stand."""
    counted = {"states": await count_states(session, launch.id), "waiting": await count_waiting(session, launch.id)}
    return LaunchOut.model_validate(launch.model_dump(exclude={"start"}) | counted)


async def existing_launch(session: Session, launch_id: str) -> Launch:
    """Give a launch.

    Raises:
        LaunchNotFound: there is none with this id.
    """
    launch = await find_launch(session, launch_id)
    if launch is None:
        raise LaunchNotFound(f'There is no launch "{launch_id[:80]}"; GET /v1/launches lists them.')
    return launch


async def _locked(session: Session, launch_id: str) -> Launch:
    launch = await lock_launch(session, launch_id)
    if launch is None:
        raise LaunchNotFound(f'There is no launch "{launch_id[:80]}"; GET /v1/launches lists them.')
    await stop_admissions(session, launch.playbook)
    return launch


async def pause_launch(database: Database, user: Actor, launch_id: str, reason: str | None) -> LaunchTold:
    """Stop a launch where it is: nobody else enters, no wave opens, and its plays pause before their next steps.

    Raises:
        LaunchNotFound, LaunchClosed: nothing was changed.
    """
    async with database.begin(user.tenant) as session:
        launch = await _locked(session, launch_id)
        if launch.status == "paused":
            return LaunchTold(launch=await launch_out(session, launch))
        if launch.status not in _CAN_PAUSE:
            raise LaunchClosed(f"The launch is {launch.status}, so there is nothing to pause. {launch.why}".strip())
        launch.was, launch.status = launch.status, "paused"
        launch.why = f"paused by {user.name}" + (f": {reason}" if reason else "")
        job = await _command(session, user, launch, "pause", reason)
        return LaunchTold(launch=await launch_out(session, launch), job=await job_out(session, job))


async def resume_launch(database: Database, user: Actor, launch_id: str, reason: str | None) -> LaunchTold:
    """Let a launch that is paused go on with the plays it paused; one that was halted opens its next wave all the same.

    Raises:
        LaunchNotFound, LaunchClosed: nothing was changed.
    """
    now = datetime.now(UTC)
    async with database.begin(user.tenant) as session:
        launch = await _locked(session, launch_id)
        if launch.status == "halted":
            playbook = await find_published(session, launch.playbook, launch.version)
            await open_wave(session, launch, Course.of(playbook.rules.enroll) if playbook else Course(), now)
            await audit(session, user.name, "launch.resume", "launch", launch.id, {"reason": reason, "was": "halted"})
            return LaunchTold(launch=await launch_out(session, launch))
        if launch.status != "paused":
            raise LaunchClosed(f"The launch is {launch.status}; only one that is paused or halted is resumed.")
        launch.status, launch.why = launch.was or "running", ""
        pause = await find_newest_job(session, launch.id, "pause")
        if pause is not None:
            await call_off(session, pause.id)
        job = await _command(session, user, launch, "resume", reason, paused_by=pause.id if pause else None)
        return LaunchTold(launch=await launch_out(session, launch), job=await job_out(session, job))


async def cancel_launch(database: Database, user: Actor, launch_id: str, reason: str | None, *, undo: bool) -> LaunchTold:
    """End a launch: who waits is taken out of the queue, and its plays end.

    Raises:
        LaunchNotFound, LaunchClosed: nothing was changed.
    """
    async with database.begin(user.tenant) as session:
        launch = await _locked(session, launch_id)
        if launch.status in ("cancelled", "failed"):
            raise LaunchClosed(f"The launch is {launch.status} already. {launch.why}".strip())
        withdrawn = await _stop(session, user, launch, "cancelled", reason)
        job = await _command(session, user, launch, "cancel", reason, undo=undo)
        return LaunchTold(launch=await launch_out(session, launch), withdrawn=withdrawn, job=await job_out(session, job))


async def _stop(session: Session, user: Actor, launch: Launch, how: str, reason: str | None) -> int:
    """Let nobody else enter: not from the list, not from the queue, and nobody is asked any more."""
    now = datetime.now(UTC)
    launch.status, launch.ended_at = "cancelled", launch.ended_at or now
    launch.why = f"{how} by {user.name}" + (f": {reason}" if reason else "")
    task = await find_task(session, launch.task, lock=True) if launch.task else None
    if task is not None and task.status == "open":
        await close_task(session, task, "cancelled", by=user.name, outcome=f"the launch was {how}")
    return await withdraw(session, now, launch=launch.id, slug=launch.playbook)


async def _command(
    session: Session,
    user: Actor,
    launch: Launch,
    do: str,
    reason: str | None,
    *,
    undo: bool = False,
    force: bool = False,
    paused_by: str | None = None,
) -> BulkJob:
    job = BulkJob(id=new_id(), do=do, undo=undo, force=force, reason=reason, by=user.name)
    await add_job(session, job, Which(launch=launch.id, paused_by=paused_by))
    await audit(session, user.name, f"launch.{do}", "launch", launch.id, {"reason": reason, "force": force, "plays": job.total})
    return job


async def undo_launch(database: Database, plays: Plays, user: Actor, launch_id: str, reason: str | None, *, force: bool) -> LaunchUndone:
    """Take back what every play of a launch did. It is written down first, so it goes on whatever dies.

    Raises:
        LaunchNotFound: there is none with this id.
    """
    async with database.begin(user.tenant) as session:
        launch = await _locked(session, launch_id)
        withdrawn = await _stop(session, user, launch, "undone", reason)
        job = await _command(session, user, launch, "undo", reason, force=force)
    if job.total <= PAGE:
        # A small one is told before the answer; who asks sees at once what there was to take back.
        await carry_job(database, plays, user.tenant, job.id)
    async with database.begin(user.tenant) as session:
        shown = await job_out(session, job)
    undoing, nothing = shown.progress.get("told", 0) + shown.progress.get("open", 0), shown.progress.get("nothing", 0)
    return LaunchUndone(withdrawn=withdrawn, undoing=undoing, nothing=nothing, refused=shown.refused, job=shown)


def refusal(came: Came) -> Refusal:
    """Say why an account of a list did not enter."""
    problem = unknown_account(came.account) if came.decision.reason is Reason.UNKNOWN else EnrollmentRefused
    detail = problem.detail if isinstance(problem, Problem) else f"{came.account} {came.decision.detail}."
    return Refusal(account=came.account, code=problem.code, reason=str(came.decision.reason), detail=detail)
