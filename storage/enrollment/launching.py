"""Works a launch off: its accounts are written down first, and then decided about page by page, each page in a transaction of its own.

Whoever dies in between, the next one goes on at the launch's cursor. The launch stays locked while a page is decided about, so that two
never take the same one, and so that a cancel comes before a page or after it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, insert, or_, select, text, update
from sqlmodel import col

from enrollment.launches import Course, wave_of
from enrollment.states import Reason, State, sources
from playbook_dsl.values import Json
from storage.enrollment.entering import Came, Coming, Entered, Entry, enter
from storage.enrollment.published import Published, find_published
from storage.enrollment_tables import Enrollment, Launch, LaunchAccount
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import METADATA, Run

PAGE: Final = 200
BULK_RANK: Final = 1
"""How urgent the accounts of a list are against others that wait for room: after a click, before a sweep."""
OPEN_STATUSES: Final = ("running", "waiting")
_WRITTEN_AT_ONCE: Final = 5000
_LISTED = METADATA.tables["launch_account"]
_DECIDED = (
    update(_LISTED)
    .where(_LISTED.c.launch == bindparam("of_launch"), _LISTED.c.account == bindparam("of_account"))
    .values(state=bindparam("to_state"), reason=bindparam("to_reason"), detail=bindparam("to_detail"))
)
_ADMISSION = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))")


@dataclass(frozen=True)
class Listed:
    """An account of a launch; `inputs` are all inputs of its play where they are not those of the launch."""

    account: str
    inputs: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class Wanted:
    """What all plays of a launch have in common."""

    inputs: Mapping[str, Json] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    key: str | None = None


async def write_down(session: Session, launch: Launch, wanted: Wanted, listed: Iterable[Listed]) -> None:
    """Write down what a launch is to do, before any of it is done."""
    common: Json = {"inputs": dict(wanted.inputs), "ignore": [*sorted(wanted.ignore)], "key": wanted.key}
    launch.tenant = session.tenant
    launch.start = session.seal("launch", "start", launch.id, common)
    connection = await session.connection()
    count = 0
    remaining = iter(listed)
    while some := list(islice(remaining, _WRITTEN_AT_ONCE)):
        rows = [_row(session, launch.id, count + number, one) for number, one in enumerate(some, 1)]
        await connection.execute(insert(_LISTED), rows)
        count += len(rows)
    launch.rows = count
    session.add(launch)
    await session.flush()


def _row(session: Session, launch: str, number: int, one: Listed) -> dict[str, object]:
    inputs = None if one.inputs is None else session.seal("launch_account", "inputs", f"{launch}/{one.account}", dict(one.inputs))
    empty = {"state": "", "reason": "", "detail": ""}
    return {"tenant": session.tenant, "launch": launch, "account": one.account, "row": number, "inputs": inputs, **empty}


def wanted_of(session: Session, launch: Launch) -> Wanted:
    """Open what all plays of a launch have in common."""
    common = session.open("launch", "start", launch.id, launch.start)
    if not isinstance(common, dict):
        return Wanted()
    inputs, ignore, key = common.get("inputs"), common.get("ignore"), common.get("key")
    return Wanted(
        inputs=inputs if isinstance(inputs, dict) else {},
        ignore=frozenset(str(rule) for rule in ignore) if isinstance(ignore, list) else frozenset(),
        key=str(key) if key is not None else None,
    )


async def list_open_launches(session: Session) -> list[str]:
    """Give the launches that are not over and not stopped, the oldest first.

    Those that others fill (sweeps, publishings, events) are left to them; a sweep is ours once it is full.
    """
    swept = and_(col(Launch.kind) == "sweep", col(Launch.rows) > 0, col(Launch.rows) == col(Launch.expected))
    ours = or_(col(Launch.kind) == "bulk", swept)
    query = select(col(Launch.id)).where(col(Launch.status).in_(OPEN_STATUSES), ours).order_by(col(Launch.started_at), col(Launch.id))
    return list((await session.execute(query)).scalars())


async def lock_launch(session: Session, launch_id: str, *, wait: bool = True) -> Launch | None:
    """Give a launch that nobody else may change before the transaction ends; None when there is none, or somebody has it now."""
    query = select(Launch).where(col(Launch.id) == launch_id)
    locked = query.with_for_update(skip_locked=not wait)
    # What the session read before the lock is stale by now.
    return (await session.execute(locked, execution_options={"populate_existing": True})).scalar_one_or_none()


async def decide_page(session: Session, launch: Launch, now: datetime) -> Entered | None:
    """Decide about the next accounts of a launch that is locked; None when there are none left, or it is stopped."""
    if launch.cursor >= launch.rows or launch.status not in OPEN_STATUSES:
        return None
    playbook = await find_published(session, launch.playbook, launch.version)
    if playbook is None:
        launch.status, launch.why, launch.ended_at = "failed", f"version {launch.version} of the playbook is gone", now
        return None
    mine = select(LaunchAccount).where(col(LaunchAccount.launch) == launch.id, col(LaunchAccount.row) > launch.cursor)
    rows = list((await session.execute(mine.order_by(col(LaunchAccount.row)).limit(PAGE))).scalars())
    wanted = wanted_of(session, launch)
    comings = [Coming(row.account, inputs=_own_inputs(session, row)) for row in rows]
    entered = await enter(session, playbook, _entry(session, launch, playbook, wanted, now), comings)
    await _note(session, launch.id, entered.came)
    launch.cursor = rows[-1].row if rows else launch.rows
    launch.accounts += len(rows)
    launch.counts = added(launch.counts, entered.counts())
    await session.flush()
    return entered


def _own_inputs(session: Session, row: LaunchAccount) -> Mapping[str, Json] | None:
    opened = session.open("launch_account", "inputs", f"{row.launch}/{row.account}", row.inputs)
    return opened if isinstance(opened, dict) else None


def _entry(session: Session, launch: Launch, playbook: Published, wanted: Wanted, now: datetime) -> Entry:
    return Entry(
        trigger="manual",
        now=now,
        by=launch.started_by,
        inputs=wanted.inputs,
        ignore=wanted.ignore,
        launch=launch.id,
        key=wanted.key,
        rank=BULK_RANK,
        held_back=held_back(session.tenant, playbook, launch),
    )


def held_back(tenant: str, playbook: Published, launch: Launch) -> Callable[[str], tuple[Reason, int] | None]:
    """Give what says which accounts have to wait for the approval or for a wave of their launch."""
    waves = Course.of(playbook.rules.enroll).waves
    waits_for_approval = launch.status == "waiting"

    def waits(account: str) -> tuple[Reason, int] | None:
        wave = wave_of(tenant, playbook.slug, account, waves)
        if waits_for_approval:
            return Reason.APPROVAL, wave
        return (Reason.WAVE, wave) if wave > launch.open_wave else None

    return waits


async def _note(session: Session, launch: str, came: Sequence[Came]) -> None:
    rows = [
        {
            "of_launch": launch,
            "of_account": one.account,
            "to_state": str(one.decision.state),
            "to_reason": str(one.decision.reason),
            "to_detail": one.decision.detail[:500],
        }
        for one in came
    ]
    if rows:
        await (await session.connection()).execute(_DECIDED, rows)


def added(counts: Mapping[str, object], more: Mapping[str, int]) -> dict[str, object]:
    """Give counts with more of them added."""
    found = dict(counts)
    for name, count in more.items():
        before = found.get(name, 0)
        found[name] = (before if isinstance(before, int) else 0) + count
    return found


async def stop_admissions(session: Session, slug: str) -> None:
    """Wait for an admission to the playbook that is under way, and keep others out until the transaction ends."""
    await session.execute(_ADMISSION, {"name": f"{session.tenant}:{slug}"})


async def withdraw(session: Session, now: datetime, *, launch: str | None = None, slug: str, version: int | None = None) -> int:
    """Take the accounts that wait out of the queue of a playbook: those of a launch, of a version, or all; give how many."""
    await stop_admissions(session, slug)
    waiting = sorted(sources(State.LEFT) & {State.QUEUED, State.SUPPRESSED})
    statement = update(Enrollment).where(col(Enrollment.playbook) == slug, col(Enrollment.state).in_(waiting))
    if launch is not None:
        statement = statement.where(col(Enrollment.launch) == launch)
    if version is not None:
        statement = statement.where(col(Enrollment.version) == version)
    left = {"state": str(State.LEFT), "reason": str(Reason.WITHDRAWN), "left_at": now, "changed_at": now, "start": None, "until": None}
    return len((await session.execute(statement.values(**left).returning(col(Enrollment.id)))).all())


async def let_wait_for_room(session: Session, launch: Launch, now: datetime) -> None:
    """Say of those whose approval has come and whose wave is open that nothing but room keeps them."""
    held = (str(Reason.APPROVAL), str(Reason.WAVE))
    mine = (col(Enrollment.launch) == launch.id, col(Enrollment.state) == State.QUEUED, col(Enrollment.reason).in_(held))
    opened = update(Enrollment).where(*mine, col(Enrollment.wave) <= launch.open_wave)
    await session.execute(opened.values(reason=str(Reason.ROOM), detail="waits for room", changed_at=now))
    later = update(Enrollment).where(*mine, col(Enrollment.wave) > launch.open_wave, col(Enrollment.reason) == Reason.APPROVAL)
    await session.execute(later.values(reason=str(Reason.WAVE), changed_at=now))


async def count_waiting(session: Session, launch: str, *, up_to_wave: int | None = None) -> int:
    """Count the accounts of a launch that wait, those that are delayed among them; or those in the queue up to a wave."""
    query = select(func.count()).select_from(Enrollment).where(col(Enrollment.launch) == launch)
    if up_to_wave is not None:
        query = query.where(col(Enrollment.state) == State.QUEUED, col(Enrollment.wave) <= up_to_wave)
    else:
        query = query.where(col(Enrollment.state).in_((State.QUEUED, State.SUPPRESSED)))
    return int((await session.execute(query)).scalar_one())


async def page_accounts(session: Session, launch: str, *, reason: str | None, after: str | None, limit: int) -> Page[LaunchAccount]:
    """Give the accounts of a launch in their order, with what was decided."""
    query = select(LaunchAccount).where(col(LaunchAccount.launch) == launch)
    if reason is not None:
        query = query.where(col(LaunchAccount.reason) == reason)
    return await fetch_page(session, query, (col(LaunchAccount.row),), after=after, limit=limit)


def begun_as(course: Course, now: datetime) -> dict[str, Any]:
    """Give the columns with which a launch of this course begins: waiting for its approval, with its first wave open, or running."""
    waits = bool(course.approvers)
    return {"status": "waiting" if waits else "running", "open_wave": 0 if waits or not course.waves else 1, "wave_at": now}


@dataclass(frozen=True)
class Tally:
    """How the plays of a launch stand: those that began, those of them that failed or are held, those that have not ended."""

    begun: int
    failed: int
    active: int

    @property
    def failed_share(self) -> float:
        """Give the share that failed, 0 to 1; 0 when none began."""
        return self.failed / self.begun if self.begun else 0.0


async def tally(session: Session, launch: str) -> Tally:
    """Count the plays of a launch, those not that other plays started."""
    failed = or_(col(Run.outcome).in_(("failed", "undo_incomplete")), col(Run.state) == "held")
    query = select(func.count(), func.count().filter(failed), func.count().filter(col(Run.state) != "closed"))
    begun, bad, active = (await session.execute(query.where(col(Run.launch) == launch, col(Run.parent).is_(None)))).one()
    return Tally(int(begun), int(bad), int(active))


async def sample_of(session: Session, launch: str, limit: int = 10) -> list[str]:
    """Give some accounts of a launch that wait, by id."""
    mine = (col(Enrollment.launch) == launch, col(Enrollment.state) == State.QUEUED)
    return list((await session.execute(select(col(Enrollment.account)).where(*mine).order_by("account").limit(limit))).scalars())
