"""Sweeps: begin one now, and look after the schedules that begin them."""

from datetime import UTC, datetime, timedelta

from temporalio.client import Client, ScheduleDescription, ScheduleHandle

from activities.contracts import LaunchInput
from api.plays import PlayGone, Plays
from api.problems import ScheduleNotFound
from api.schemas.schedules import Backfill, BackfillDone, ScheduleOut, SweepNow
from api.security import Actor
from api.services.audit import audit
from api.services.starting import startable_version
from enrollment.launches import Course
from playbook_dsl.timing.schedule import turns_between
from storage.enrollment.launching import begun_as
from storage.enrollment.published import Published
from storage.enrollment.schedules import list_schedules, schedules_of
from storage.enrollment.sweeping import list_launches_to_work_off, list_sweeps_since
from storage.ids import new_id
from storage.repositories.runs import add_launch
from storage.session import Database
from storage.tables import Launch
from workflows.messages import sweep_schedule_id

_GRACE = timedelta(seconds=10)
_SHOWN = 5


async def sweep_now(database: Database, plays: Plays, user: Actor, slug: str, body: SweepNow) -> Launch:
    """Begin a sweep of a playbook's audience; what cannot be begun just now is begun by the relay.

    Raises:
        PlaybookNotFound, PlaybookNotPublished: nothing was begun.
        ScheduleNotFound: the playbook has no such trigger.
    """
    async with database.begin(user.tenant) as session:
        playbook = await startable_version(session, slug)
        launch = Launch(
            id=new_id(),
            playbook=slug,
            version=playbook.version,
            kind="dry_run" if body.dry_run else "sweep",
            trigger_id=_trigger(playbook, body.trigger),
            started_by=user.name,
            **({} if body.dry_run else begun_as(Course.of(playbook.rules.enroll), datetime.now(UTC))),
        )
        await add_launch(session, launch)
        await audit(session, user.name, "launch.sweep", "launch", launch.id, {"playbook": slug, "dry_run": body.dry_run})
    await begin_launch(plays, user.tenant, launch)
    return launch


def _trigger(playbook: Published, wanted: str | None) -> str | None:
    known = [trigger_id for trigger_id, _ in schedules_of(playbook.plan)]
    if wanted is not None and wanted not in known:
        raise _not_found(playbook.slug, wanted)
    return wanted or (known[0] if known else "by_hand")


async def begin_launch(plays: Plays, tenant: str, launch: Launch) -> None:
    """Have a launch worked off. Safe to repeat.

    Raises:
        TemporalAway: the row stays as it is and the relay asks again.
    """
    kind = "sweep" if launch.kind == "dry_run" else launch.kind
    given = LaunchInput.model_validate(
        {
            "tenant": tenant,
            "playbook": launch.playbook,
            "kind": kind,
            "launch": launch.id,
            "trigger_id": launch.trigger_id,
            "by": launch.started_by,
            "dry": launch.kind == "dry_run",
        }
    )
    await plays.start_launch(given, launch.id)


async def relay_launches(database: Database, plays: Plays, tenant: str, *, grace: timedelta = _GRACE) -> None:
    """Begin the working off of launches whose request died before it could."""
    async with database.begin(tenant) as session:
        left = await list_launches_to_work_off(session, datetime.now(UTC) - grace)
    for launch in left:
        await begin_launch(plays, tenant, launch)


async def show_schedules(database: Database, plays: Plays, tenant: str) -> list[ScheduleOut]:
    """Give every schedule of every published playbook, with its next turns."""
    async with database.begin(tenant) as session:
        wanted = await list_schedules(session)
    found = []
    for slug, trigger_id, _ in wanted:
        try:
            found.append(await show_schedule(plays, tenant, slug, trigger_id))
        except ScheduleNotFound:
            # It was published a moment ago; a worker makes it within seconds.
            found.append(ScheduleOut(playbook=slug, trigger=trigger_id, paused=False, note="is being made"))
    return found


async def show_schedule(plays: Plays, tenant: str, slug: str, trigger_id: str) -> ScheduleOut:
    """Give a schedule.

    Raises:
        ScheduleNotFound: there is none.
    """
    described = await _described(plays, tenant, slug, trigger_id)
    info = described.info
    return ScheduleOut(
        playbook=slug,
        trigger=trigger_id,
        paused=described.schedule.state.paused,
        note=described.schedule.state.note or "",
        next=list(info.next_action_times[:_SHOWN]),
        turns=info.num_actions,
        missed=info.num_actions_missed_catchup_window,
        skipped=info.num_actions_skipped_overlap,
    )


async def pause_schedule(database: Database, plays: Plays, user: Actor, slug: str, trigger_id: str, *, paused: bool, note: str) -> None:
    """Pause a schedule, or resume it. A new version of the playbook leaves it as it is.

    Raises:
        ScheduleNotFound: there is none.
    """
    await _described(plays, user.tenant, slug, trigger_id)
    async with plays.temporal() as client:
        handle = _handle(client, user.tenant, slug, trigger_id)
        said = note or f"{'paused' if paused else 'resumed'} by {user.name}"
        await (handle.pause(note=said) if paused else handle.unpause(note=said))
    async with database.begin(user.tenant) as session:
        what = "schedule.pause" if paused else "schedule.resume"
        await audit(session, user.name, what, "playbook", slug, {"trigger": trigger_id, "note": said})


async def backfill(database: Database, plays: Plays, user: Actor, slug: str, trigger_id: str, body: Backfill) -> BackfillDone:
    """Make up for turns that were missed: by one sweep, because accounts are looked at as they are now.

    Raises:
        ScheduleNotFound: there is none.
        PlaybookNotFound, PlaybookNotPublished: nothing could enter.
    """
    async with database.begin(user.tenant) as session:
        playbook = await startable_version(session, slug)
        when = dict(schedules_of(playbook.plan)).get(trigger_id)
        done = await list_sweeps_since(session, slug, trigger_id, body.since)
    if when is None:
        raise _not_found(slug, trigger_id)
    until = min(body.until or datetime.now(UTC), datetime.now(UTC))
    turns = turns_between(when, body.since, until)
    missed = [turn for turn in turns if not any(turn <= at < turn + when.catch_up + when.jitter for at in done)]
    if not missed:
        return BackfillDone(missed=[], dry_run=body.dry_run)
    launch = await sweep_now(database, plays, user, slug, SweepNow(trigger=trigger_id, dry_run=body.dry_run))
    return BackfillDone(missed=missed, launch=launch.id, dry_run=body.dry_run)


def _not_found(slug: str, trigger_id: str) -> ScheduleNotFound:
    return ScheduleNotFound(f'The playbook "{slug}" has no schedule "{trigger_id[:80]}"; GET /v1/schedules lists them.')


def _handle(client: Client, tenant: str, slug: str, trigger_id: str) -> ScheduleHandle:
    return client.get_schedule_handle(sweep_schedule_id(tenant, slug, trigger_id))


async def _described(plays: Plays, tenant: str, slug: str, trigger_id: str) -> ScheduleDescription:
    try:
        async with plays.temporal() as client:
            return await _handle(client, tenant, slug, trigger_id).describe()
    except PlayGone:
        raise _not_found(slug, trigger_id) from None
