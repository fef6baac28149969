"""The course of a launch: its approval, its waves, the gate between them, and its end. The relay looks after all that are open.

Every look locks the launch, so that several processes that look at the same time do nothing twice.
"""

from datetime import UTC, datetime
from typing import Final

import structlog

from activities.failures import ActionProblem
from activities.owners import resolve_owner
from api.plays import Plays
from api.services.admitting import admit_playbook
from api.services.audit import audit
from api.services.starting import begin_all
from enrollment.launches import Course
from enrollment.rules import Rules, Scope, evaluate, holds
from playbook_dsl.timing.durations import add
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Duration, from_json
from storage.calendars import calendar_of
from storage.enrollment.launching import (
    OPEN_STATUSES,
    Tally,
    count_waiting,
    decide_page,
    let_wait_for_room,
    list_open_launches,
    lock_launch,
    sample_of,
    tally,
    wanted_of,
    withdraw,
)
from storage.enrollment.published import Published, find_published
from storage.enrollment_tables import Launch
from storage.ids import new_id
from storage.repositories.people import find_person
from storage.repositories.tasks import add_tasks
from storage.repositories.tenants import find_tenant
from storage.session import Database, Session
from storage.tables import Task

log = structlog.get_logger()

_SAMPLE: Final = 10


async def carry_launches(database: Database, plays: Plays, tenant: str) -> None:
    """Carry every open launch on. One that cannot go on does not keep the others."""
    async with database.begin(tenant) as session:
        found = await list_open_launches(session)
    for launch_id in found:
        try:
            await carry_launch(database, plays, tenant, launch_id)
        except Exception as error:  # one that cannot go on must not keep the others
            log.warning("launch waits", launch=launch_id, reason=type(error).__name__)


async def carry_launch(database: Database, plays: Plays, tenant: str, launch_id: str) -> None:
    """Decide about the accounts of a launch that are left, begin their plays, and take the next step of its course."""
    while True:
        async with database.begin(tenant) as session:
            launch = await lock_launch(session, launch_id, wait=False)
            entered = await decide_page(session, launch, datetime.now(UTC)) if launch is not None else None
        if entered is None:
            break
        await begin_all(database, plays, tenant, [one.run.id for one in entered.started])
    async with database.begin(tenant) as session:
        launch = await lock_launch(session, launch_id, wait=False)
        moved = launch is not None and await step_on(session, launch, datetime.now(UTC))
    if moved and launch is not None:
        await admit_playbook(database, plays, tenant, launch.playbook)


async def step_on(session: Session, launch: Launch, now: datetime) -> bool:
    """Take the next step of a launch that is locked, if it is time for one; True when accounts may enter that had to wait."""
    if launch.status not in OPEN_STATUSES or launch.cursor < launch.rows:
        return False
    playbook = await find_published(session, launch.playbook, launch.version)
    if playbook is None:
        return False
    if launch.status == "waiting":
        if launch.task is None:
            await _ask(session, launch, playbook, now)
        return False
    course = Course.of(playbook.rules.enroll)
    if launch.open_wave >= course.last_wave:
        launch.status, launch.why, launch.ended_at = "done", "", now
        return False
    return await _next_wave(session, launch, playbook, course, now)


async def _next_wave(session: Session, launch: Launch, playbook: Published, course: Course, now: datetime) -> bool:
    counted = await tally(session, launch.id)
    opens_at = await _opens_at(session, launch, playbook.rules, course)
    if opens_at is not None and opens_at > now:
        launch.why = f"wave {launch.open_wave + 1} of {course.last_wave} opens at {opens_at:%Y-%m-%d %H:%M} UTC"
        return False
    if opens_at is None and (counted.active or await _somebody_is_due(session, launch)):
        launch.why = f"wave {launch.open_wave + 1} of {course.last_wave} opens when the plays of the one before have ended"
        return False
    if course.halt_if is not None and holds(course.halt_if, _gate_scope(session, launch, playbook.rules, counted, now)):
        await _halt(session, launch, playbook, course, counted)
        return False
    await open_wave(session, launch, course, now)
    return True


async def open_wave(session: Session, launch: Launch, course: Course, now: datetime) -> None:
    """Open the next wave of a launch; after the last one the launch is done."""
    launch.open_wave, launch.wave_at = min(launch.open_wave + 1, course.last_wave), now
    await let_wait_for_room(session, launch, now)
    last = launch.open_wave >= course.last_wave and launch.cursor >= launch.rows
    launch.status, launch.why, launch.ended_at = ("done", "", now) if last else ("running", "", None)


async def _opens_at(session: Session, launch: Launch, rules: Rules, course: Course) -> datetime | None:
    """Give when the next wave may open; None when the playbook sets no time, and the plays under way say it."""
    if course.after is None or launch.wave_at is None:
        return None
    calendar = calendar_of(None, await find_tenant(session))
    now = datetime.now(UTC)
    span = evaluate(course.after, _own_scope(session, launch, rules, now))
    try:
        return add(launch.wave_at, span, calendar) if isinstance(span, Duration) else None
    except TimingError:
        return None


async def _somebody_is_due(session: Session, launch: Launch) -> bool:
    """Say whether accounts of the waves that are open still wait to enter."""
    return bool(await count_waiting(session, launch.id, up_to_wave=launch.open_wave))


def _own_scope(session: Session, launch: Launch, rules: Rules, now: datetime) -> dict[str, object]:
    return {"inputs": from_json(dict(wanted_of(session, launch).inputs)), "tables": rules.tables, "now": now, "today": now.date()}


def _gate_scope(session: Session, launch: Launch, rules: Rules, counted: Tally, now: datetime) -> Scope:
    run = {"id": launch.id, "launch": launch.id, "version": launch.version, "failed_share": counted.failed_share}
    return {**_own_scope(session, launch, rules, now), "run": run}


async def _halt(session: Session, launch: Launch, playbook: Published, course: Course, counted: Tally) -> None:
    """Stop before the next wave, and tell the person who began it, or else the playbook's owner."""
    why = f"{course.halt_if} holds: {counted.failed} of {counted.begun} plays failed or are held ({counted.failed_share:.1%})"
    launch.status, launch.why, launch.was = "halted", f"halted before wave {launch.open_wave + 1} of {course.last_wave}: {why}", "running"
    owner = await _owner(session, launch, playbook)
    notice = Task(
        id=new_id(),
        kind="notice",
        account="",
        title=f'The launch of "{playbook.plan.title}" was halted',
        why=f"{launch.why}. Resume it to open the next wave all the same, or cancel it: playkeeper resume --launch {launch.id}",
        owner=owner,
        priority="high",
        context={"launch": launch.id, "playbook": launch.playbook, "version": launch.version},
    )
    await add_tasks(session, [notice])
    await audit(session, "playkeeper", "launch.halt", "launch", launch.id, {"why": launch.why})


async def _owner(session: Session, launch: Launch, playbook: Published) -> str | None:
    for name in (launch.started_by, playbook.plan.owner):
        person = await find_person(session, name) if name else None
        if person is not None:
            return person.id
    return None


async def _ask(session: Session, launch: Launch, playbook: Published, now: datetime) -> None:
    """Put the launch into the inbox of who approves it: one item for the whole list."""
    held = await count_waiting(session, launch.id)
    if not held:
        launch.status, launch.why, launch.ended_at = "done", "nobody on the list enters, so nobody was asked", now
        return
    course = Course.of(playbook.rules.enroll)
    try:
        owner: str | None = (await resolve_owner(session, "", list(course.approvers))).id
        found = ""
    except ActionProblem as problem:
        # Anybody who may work with launches sees it in the inbox.
        owner, found = None, f"; {problem}"
    context: dict[str, object] = {
        "launch": launch.id,
        "playbook": launch.playbook,
        "version": launch.version,
        "accounts": held,
        "counts": launch.counts,
        "sample": await sample_of(session, launch.id, _SAMPLE),
        "waves": list(course.waves),
    }
    task = Task(
        id=new_id(),
        kind="approval",
        account="",
        title=f'Start "{playbook.plan.title}" on {held:,} account{"s" if held > 1 else ""}?',
        why=f'"{playbook.plan.title}" asks for an approval before a launch; {launch.started_by or "somebody"} began this one{found}',
        owner=owner,
        context=context,
    )
    await add_tasks(session, [task])
    launch.task, launch.why = task.id, f"waits for the approval of {owner or ' or '.join(course.approvers)}"


async def decide_launch(session: Session, launch_id: str, *, approved: bool, by: str, comment: str | None, now: datetime) -> Launch | None:
    """Let a launch that waits for its approval begin, or call it off; None when it does not wait any more."""
    launch = await lock_launch(session, launch_id)
    if launch is None or launch.status != "waiting":
        return None
    said = f": {comment}" if comment else ""
    await audit(session, by, "launch.approve" if approved else "launch.reject", "launch", launch.id, {"comment": comment})
    if not approved:
        launch.status, launch.why, launch.ended_at = "cancelled", f"{by} rejected it{said}", now
        await withdraw(session, now, launch=launch.id, slug=launch.playbook)
        return launch
    playbook = await find_published(session, launch.playbook, launch.version)
    await open_wave(session, launch, Course.of(playbook.rules.enroll) if playbook else Course(), now)
    return launch
