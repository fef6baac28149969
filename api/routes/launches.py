"""Launches: one start on many accounts, and their undo."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Path, status

from api.deps import BackgroundDep, DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import InputsRefused, LaunchNotFound, PlaybookNotFound, PlaybookNotPublished
from api.routes.runs import Key, asking
from api.schemas.runs import LaunchOut, LaunchStarted, LaunchUndone, StartLaunch, UndoRun
from api.security import Operator, Viewer
from api.services.admitting import begin_launched
from api.services.launches import launch_accounts, refusal, undo_launch
from api.services.views import run_out
from enrollment.states import State
from storage.repositories.runs import count_states, find_launch, list_launches

router = APIRouter(prefix="/v1/launches", tags=["launches"])

LaunchId = Annotated[str, Path(max_length=100, description="The launch's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Start a playbook on a list of accounts",
    responses=may_fail(PlaybookNotFound, PlaybookNotPublished, InputsRefused, body=True),
)
async def start_launch(
    body: StartLaunch, user: Operator, database: DatabaseDep, plays: PlaysDep, background: BackgroundDep, key: Key = None
) -> LaunchStarted:
    """One play for each account; they all carry the launch's id, by which they can be listed and undone together.

    Every rule of the playbook is asked about each account: those that are in this play already keep it, those that a rule refuses are
    listed with the reason, those for which there is no room wait for it; none keeps the others from starting.
    The plays are written down before the answer and begin twenty at once.
    """
    done = await launch_accounts(database, user, body)
    launch, entered = done.launch, done.entered
    background.spawn(begin_launched(database, plays, user.tenant, launch.playbook, entered.started), f"launch {launch.id}")
    states = Counter(one.decision.state for one in entered.came)
    return LaunchStarted(
        id=launch.id,
        playbook=launch.playbook,
        version=launch.version,
        started=[run_out(one.run, plays) for one in entered.started],
        existing=[run_out(run, plays) for run in done.there.values()],
        queued=states[State.QUEUED] + states[State.SUPPRESSED],
        held_out=states[State.HELD_OUT],
        refused=[refusal(one) for one in entered.came if one.decision.state is State.REFUSED and one.account not in done.there],
    )


@router.get("", summary="List launches", responses=may_fail())
async def list_all_launches(user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50) -> PageOf[LaunchOut]:
    """The newest first."""
    page = await list_launches(session, after=after, limit=limit)
    items = [LaunchOut.model_validate(launch.model_dump() | {"states": await count_states(session, launch.id)}) for launch in page.items]
    return PageOf(items=items, next=page.next)


@router.get("/{launch_id}", summary="Look at a launch", responses=may_fail(LaunchNotFound))
async def get_launch(launch_id: LaunchId, user: Viewer, session: SessionDep) -> LaunchOut:
    """The launch, and how many of its plays stand where. `GET /v1/runs?launch=…` lists the plays."""
    launch = await find_launch(session, launch_id)
    if launch is None:
        raise LaunchNotFound(f'There is no launch "{launch_id}".')
    return LaunchOut.model_validate(launch.model_dump() | {"states": await count_states(session, launch.id)})


@router.post(
    "/{launch_id}/undo", status_code=status.HTTP_202_ACCEPTED, summary="Undo a launch", responses=may_fail(LaunchNotFound, body=True)
)
async def undo_whole_launch(
    launch_id: LaunchId, user: Operator, database: DatabaseDep, plays: PlaysDep, body: UndoRun | None = None, key: Key = None
) -> LaunchUndone:
    """Take back what every play of the launch did, those under way and those that have ended."""
    body = body or UndoRun()
    return await undo_launch(database, plays, asking(user, key, body.reason), launch_id, force=body.force)
