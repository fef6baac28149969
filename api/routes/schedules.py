"""Sweeps and the schedules that begin them."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from api.deps import DatabaseDep, PlaysDep
from api.openapi import may_fail
from api.problems import PlaybookNotFound, PlaybookNotPublished, ScheduleNotFound, TemporalAway
from api.routes.playbooks import Slug
from api.schemas.schedules import Backfill, BackfillDone, PauseSchedule, ScheduleOut, SweepBegun, SweepNow
from api.security import Operator, Viewer
from api.services.sweeps import backfill, pause_schedule, show_schedule, show_schedules, sweep_now

router = APIRouter(prefix="/v1", tags=["schedules"])

TriggerId = Annotated[str, Path(max_length=100, description="The id of the trigger in the playbook.", examples=["schedule_1"])]
_FAILS = may_fail(ScheduleNotFound, TemporalAway, body=True)


@router.post(
    "/playbooks/{slug}/sweep",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Sweep a playbook's audience now",
    responses=may_fail(PlaybookNotFound, PlaybookNotPublished, ScheduleNotFound, TemporalAway, body=True),
)
async def sweep(slug: Slug, body: SweepNow, user: Operator, database: DatabaseDep, plays: PlaysDep) -> SweepBegun:
    """Every account of the audience is looked at, and the rules of the playbook decide who enters.

    The launch shows how far it is and, at its end, what became of the accounts, by reason.
    """
    launch = await sweep_now(database, plays, user, slug, body)
    return SweepBegun(launch=launch.id, playbook=launch.playbook, version=launch.version, dry_run=body.dry_run)


@router.get("/schedules", summary="List schedules", responses=may_fail(TemporalAway))
async def list_all_schedules(user: Viewer, database: DatabaseDep, plays: PlaysDep) -> list[ScheduleOut]:
    """The schedules of all published playbooks, with their next turns."""
    return await show_schedules(database, plays, user.tenant)


@router.get("/schedules/{slug}/{trigger}", summary="Look at a schedule", responses=may_fail(ScheduleNotFound, TemporalAway))
async def get_schedule(slug: Slug, trigger: TriggerId, user: Viewer, plays: PlaysDep) -> ScheduleOut:
    """A schedule with its next turns, and how many it missed."""
    return await show_schedule(plays, user.tenant, slug, trigger)


@router.post("/schedules/{slug}/{trigger}/pause", summary="Pause a schedule", responses=_FAILS)
async def pause(slug: Slug, trigger: TriggerId, body: PauseSchedule, user: Operator, database: DatabaseDep, plays: PlaysDep) -> ScheduleOut:
    """It comes no more until it is resumed, also when a new version of the playbook is published."""
    await pause_schedule(database, plays, user, slug, trigger, paused=True, note=body.note)
    return await show_schedule(plays, user.tenant, slug, trigger)


@router.post("/schedules/{slug}/{trigger}/resume", summary="Resume a schedule", responses=_FAILS)
async def resume(
    slug: Slug, trigger: TriggerId, body: PauseSchedule, user: Operator, database: DatabaseDep, plays: PlaysDep
) -> ScheduleOut:
    """Turns that it missed while it was paused are not made up for; `backfill` does that."""
    await pause_schedule(database, plays, user, slug, trigger, paused=False, note=body.note)
    return await show_schedule(plays, user.tenant, slug, trigger)


@router.post(
    "/schedules/{slug}/{trigger}/backfill",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Make up for missed turns",
    responses=may_fail(PlaybookNotFound, PlaybookNotPublished, ScheduleNotFound, TemporalAway, body=True),
)
async def make_up(slug: Slug, trigger: TriggerId, body: Backfill, user: Operator, database: DatabaseDep, plays: PlaysDep) -> BackfillDone:
    """Say which turns were missed, and make up for all of them by one sweep; none when none was missed. A dry run unless told otherwise."""
    return await backfill(database, plays, user, slug, trigger, body)
