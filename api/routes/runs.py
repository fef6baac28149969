"""Plays: start, list, look at, and tell them things."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response, status

from api.deps import DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import (
    AccountNotFound,
    CommandNotAllowed,
    EnrollmentRefused,
    InputsRefused,
    PlaybookNotFound,
    PlaybookNotPublished,
    PlayNotAnswering,
    RunClosed,
    RunNotFound,
    RunStillActive,
    StepNotFound,
    StepNotHeld,
    TemporalAway,
)
from api.schemas.parts import JsonMap
from api.schemas.runs import Answered, CancelRun, EditStep, RetryRun, RunDetails, RunOut, RunState, StartRun, Told, UndoRun
from api.security import Actor, Operator, Viewer
from api.services.commands import Asking, RunCommands, existing_run, new_request_id
from api.services.starting import begin_all, checked_inputs, start_by_hand, startable_version
from api.services.views import run_details, run_out
from storage.repositories.runs import RunFilter, find_run, list_runs

router = APIRouter(prefix="/v1/runs", tags=["runs"])

RunId = Annotated[str, Path(max_length=100, description="The play's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]
StepKey = Annotated[str, Path(max_length=300, description="The step's key, such as `call` or `loop[3].mail`.", examples=["call"])]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="The same key again gets the same answer and does nothing.",
        examples=["4f6c2b"],
    ),
]
_TELL = (RunNotFound, RunClosed, CommandNotAllowed, TemporalAway, PlayNotAnswering)


def asking(actor: Actor, key: str | None, reason: str | None = None) -> Asking:
    """Say who tells a play something."""
    return Asking(tenant=actor.tenant, by=actor.name, request_id=new_request_id(key), reason=reason)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Start a play",
    responses={
        200: {"model": RunOut, "description": "The account is in this play already; nothing was started."},
        **may_fail(AccountNotFound, PlaybookNotFound, PlaybookNotPublished, InputsRefused, EnrollmentRefused, body=True),
    },
)
async def start_run(body: StartRun, response: Response, user: Operator, database: DatabaseDep, plays: PlaysDep, key: Key = None) -> RunOut:
    """201 with the new play, or 200 with the one there is: the same enrollment twice is the same play.

    A person picked the account, so its audience, `again`, holdout and limits are left aside; `suppress` and exclusions are not.

    The play is written down first. If Temporal is away just now, its state stays `starting`, and it begins by itself when Temporal is back.
    """
    async with database.begin(user.tenant) as session:
        version = await startable_version(session, body.playbook, body.version)
        inputs = await checked_inputs(session, version.plan, body.inputs)
        run, is_new = await start_by_hand(session, version, body.account, inputs, by=user.name, key=body.key)
    if is_new:
        await begin_all(database, plays, user.tenant, [run.id])
    else:
        response.status_code = status.HTTP_200_OK
    async with database.begin(user.tenant) as session:
        return run_out(await find_run(session, run.id) or run, plays)


@router.get("", summary="List plays", responses=may_fail())
async def list_all_runs(
    user: Viewer,
    session: SessionDep,
    plays: PlaysDep,
    account: Annotated[str | None, Query(max_length=100, examples=["C-0001"], description="Only of this account.")] = None,
    playbook: Annotated[str | None, Query(max_length=63, examples=["at-risk-save"], description="Only of this playbook.")] = None,
    launch: Annotated[str | None, Query(max_length=100, description="Only of this launch.")] = None,
    state: Annotated[RunState | None, Query(examples=["waiting"], description="Only in this state.")] = None,
    outcome: Annotated[str | None, Query(max_length=100, examples=["completed"], description="Only those that ended so.")] = None,
    owner: Annotated[str | None, Query(max_length=100, examples=["maria"], description="Only of this person.")] = None,
    active: Annotated[bool | None, Query(description="Only plays that have not ended, or only those that have.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[RunOut]:
    """The newest first."""
    which = RunFilter(account=account, playbook=playbook, launch=launch, state=state, outcome=outcome, owner=owner, active=active)
    page = await list_runs(session, which, after=after, limit=limit)
    return PageOf(items=[run_out(run, plays) for run in page.items], next=page.next)


@router.get("/{run_id}", summary="Look at a play", responses=may_fail(RunNotFound))
async def get_run(run_id: RunId, user: Viewer, session: SessionDep, plays: PlaysDep) -> RunDetails:
    """The play with its steps and its effects, done and taken back, and a link to it in the Temporal UI."""
    return await run_details(session, await existing_run(session, run_id), plays)


@router.get("/{run_id}/live", summary="Ask the play itself", responses=may_fail(RunNotFound, RunClosed, TemporalAway, PlayNotAnswering))
async def get_live_state(run_id: RunId, user: Viewer, database: DatabaseDep, plays: PlaysDep) -> JsonMap:
    """What the play knows of itself right now: open questions, held steps, what an undo would take back."""
    return await RunCommands(database, plays).live_state(user.tenant, run_id)


@router.post("/{run_id}/pause", summary="Pause a play", responses=may_fail(*_TELL, body=True))
async def pause_run(
    run_id: RunId, user: Operator, database: DatabaseDep, plays: PlaysDep, body: Told | None = None, key: Key = None
) -> Answered:
    """Hold the play before its next step; steps under way finish. Pausing a paused play changes nothing."""
    body = body or Told()
    answer = await RunCommands(database, plays).tell(asking(user, key, body.reason), run_id, "pause")
    return Answered(run=run_id, **answer.model_dump())


@router.post("/{run_id}/resume", summary="Resume a play", responses=may_fail(*_TELL, body=True))
async def resume_run(
    run_id: RunId, user: Operator, database: DatabaseDep, plays: PlaysDep, body: Told | None = None, key: Key = None
) -> Answered:
    """Let a paused play go on. Waits that may shift last as much longer as the pause did."""
    body = body or Told()
    answer = await RunCommands(database, plays).tell(asking(user, key, body.reason), run_id, "resume")
    return Answered(run=run_id, **answer.model_dump())


@router.post("/{run_id}/cancel", summary="Cancel a play", responses=may_fail(*_TELL, body=True))
async def cancel_run(
    run_id: RunId, user: Operator, database: DatabaseDep, plays: PlaysDep, body: CancelRun | None = None, key: Key = None
) -> Answered:
    """End the play now: waits and questions are closed. With `undo` what it did is taken back."""
    body = body or CancelRun()
    answer = await RunCommands(database, plays).tell(asking(user, key, body.reason), run_id, "cancel", undo=body.undo)
    return Answered(run=run_id, **answer.model_dump())


@router.post("/{run_id}/undo", summary="Undo a play", responses=may_fail(*_TELL, body=True))
async def undo_run(
    run_id: RunId, user: Operator, database: DatabaseDep, plays: PlaysDep, body: UndoRun | None = None, key: Key = None
) -> Answered:
    """Take back what the play did, under way or ended. What a person changed since is left alone and reported, unless `force`.

    An undo that was incomplete can be asked for again. Undoing twice changes nothing the second time.
    """
    body = body or UndoRun()
    answer = await RunCommands(database, plays).undo(asking(user, key, body.reason), run_id, force=body.force)
    return Answered(run=run_id, **answer.model_dump())


@router.post(
    "/{run_id}/retry", summary="Go on with an ended play", responses=may_fail(RunNotFound, RunStillActive, StepNotFound, body=True)
)
async def retry_run(run_id: RunId, body: RetryRun, user: Operator, database: DatabaseDep, plays: PlaysDep, key: Key = None) -> Answered:
    """Begin again at a step: steps before it keep their results, unless their effects were undone."""
    answer = await RunCommands(database, plays).retry_from(asking(user, key, body.reason), run_id, body.from_)
    return Answered(run=run_id, **answer.model_dump())


@router.post("/{run_id}/steps/{step}/retry", summary="Retry a held step", responses=may_fail(*_TELL, StepNotFound, StepNotHeld, body=True))
async def retry_step(
    run_id: RunId, step: StepKey, user: Operator, database: DatabaseDep, plays: PlaysDep, body: Told | None = None, key: Key = None
) -> Answered:
    """Try a held step again as it is."""
    body = body or Told()
    answer = await RunCommands(database, plays).tell(asking(user, key, body.reason), run_id, "retry", key=step)
    return Answered(run=run_id, **answer.model_dump())


@router.post("/{run_id}/steps/{step}/skip", summary="Skip a step", responses=may_fail(*_TELL, StepNotFound, StepNotHeld, body=True))
async def skip_step(
    run_id: RunId, step: StepKey, user: Operator, database: DatabaseDep, plays: PlaysDep, body: Told | None = None, key: Key = None
) -> Answered:
    """Go on without a step: one that is held, waits, or has not begun."""
    body = body or Told()
    answer = await RunCommands(database, plays).tell(asking(user, key, body.reason), run_id, "skip", key=step)
    return Answered(run=run_id, **answer.model_dump())


@router.post(
    "/{run_id}/steps/{step}/edit",
    summary="Edit a held step",
    responses=may_fail(*_TELL, InputsRefused, StepNotFound, StepNotHeld, body=True),
)
async def edit_step(
    run_id: RunId, step: StepKey, body: EditStep, user: Operator, database: DatabaseDep, plays: PlaysDep, key: Key = None
) -> Answered:
    """Try a held step again with other inputs."""
    answer = await RunCommands(database, plays).edit(asking(user, key, body.reason), run_id, step, body.inputs)
    return Answered(run=run_id, **answer.model_dump())
