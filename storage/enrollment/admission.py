"""Lets those in who wait: when there is room, when their launch lets them, when the play in their way has ended.

One at a time for a playbook, so that two who count the plays under way never count the same room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text, true
from sqlalchemy.orm import aliased
from sqlmodel import col

from enrollment.deciding import Asked, Decision, Past, decide
from enrollment.rules import Rules
from enrollment.states import Reason, State, move
from playbook_dsl.timing.durations import approximate_seconds
from playbook_dsl.timing.zones import zone_named
from storage.enrollment.arms import contaminate, draw_arm
from storage.enrollment.experiments import begin_experiment
from storage.enrollment.histories import History, read_histories
from storage.enrollment.plays import Started, begin_play
from storage.enrollment.published import Published, find_published
from storage.enrollment.scopes import scope_of
from storage.enrollment.starts import Waiting, open_start
from storage.enrollment_tables import Arm, Enrollment, Launch
from storage.facts import AccountRows, read_accounts
from storage.repositories.accounts import lock_accounts
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import PlaybookVersion, Run

LOOK_AGAIN: Final = timedelta(minutes=10)
"""How often somebody who is delayed is looked at, where no change of their facts does so earlier."""
_MOST: Final = 200
_OF_LAUNCH = and_(col(Launch.tenant) == col(Enrollment.tenant), col(Launch.id) == col(Enrollment.launch))
_LAUNCHED = or_(
    col(Enrollment.launch).is_(None),
    and_(col(Launch.status).in_(("running", "done")), col(Enrollment.wave) <= col(Launch.open_wave)),
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))")


@dataclass(frozen=True)
class Room:
    """How many more may begin now: of the playbook, and of owners that have begun some (None: no limit)."""

    plays: int | None
    per_owner: int | None
    begun: dict[str, int]
    active: int
    today: int


async def read_room(session: Session, rules: Rules, now: datetime) -> Room:
    """Count what is under way and what began today, as far as there are limits on it."""
    if not rules.limited:
        return Room(None, None, {}, 0, 0)
    mine = col(Enrollment.playbook) == rules.playbook
    active = await _count(session, mine, col(Enrollment.state) == State.ACTIVE)
    tenant = await find_tenant(session)
    zone = zone_named(tenant.zone if tenant else "UTC") or UTC
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = await _count(session, mine, col(Enrollment.begun_at) >= midnight)
    left = [limit - used for limit, used in ((rules.at_once, active), (rules.per_day, today)) if limit is not None]
    rate, begun = rules.per_owner, {}
    if rate is not None:
        span = timedelta(seconds=approximate_seconds(rate.per))
        counted = col(Enrollment.begun_at) > now - span if span else col(Enrollment.state) == State.ACTIVE
        query = select(col(Enrollment.owner), func.count()).where(mine, counted, col(Enrollment.owner).is_not(None)).group_by("owner")
        begun = {str(owner): int(count) for owner, count in await session.execute(query)}
    return Room(max(0, min(left)) if left else None, rate.count if rate else None, begun, active, today)


async def _count(session: Session, *where: ColumnElement[bool]) -> int:
    return int((await session.execute(select(func.count()).select_from(Enrollment).where(*where))).scalar_one())


async def list_waiting_playbooks(session: Session, now: datetime) -> list[str]:
    """Give the playbooks for which somebody waits who might be let in now, or is observed no longer.

    Those of the higher priority come first: where two playbooks keep each other's accounts out, theirs are in when the others ask.
    """
    due = or_(col(Enrollment.until).is_(None), col(Enrollment.until) <= now)
    looked_at = and_(col(Enrollment.state).in_((State.SUPPRESSED, State.HELD_OUT)), due)
    waits = or_(col(Enrollment.state) == State.QUEUED, looked_at)
    version = and_(col(PlaybookVersion.slug) == col(Enrollment.playbook), col(PlaybookVersion.status) == "published")
    priority = func.coalesce(func.max(col(PlaybookVersion.plan)["enroll"]["priority"].as_integer()), 0)
    query = select(col(Enrollment.playbook)).outerjoin(PlaybookVersion, version).where(waits).group_by(col(Enrollment.playbook))
    query = query.order_by(priority.desc(), col(Enrollment.playbook))
    return list((await session.execute(query)).scalars())


async def admit(session: Session, slug: str, now: datetime) -> list[Started]:
    """Let in as many as there is room for; give the plays that are to be begun."""
    await session.execute(_LOCK, {"name": f"{session.tenant}:{slug}"})
    await _end_observations(session, slug, now)
    playbook = await find_published(session, slug)
    if playbook is None:
        return []
    room = await read_room(session, playbook.rules, now)
    rows = [*await _delayed(session, slug, now), *_in_turn(await list_queued(session, playbook.rules), room)]
    return await _Admission(session, playbook, now).admit(rows) if rows else []


async def _end_observations(session: Session, slug: str, now: datetime) -> None:
    over = (col(Enrollment.playbook) == slug, col(Enrollment.state) == State.HELD_OUT, col(Enrollment.until) <= now)
    for row in (await session.execute(select(Enrollment).where(*over).limit(_MOST))).scalars():
        leave(row, Reason.OBSERVED, now)
    await session.flush()


async def _delayed(session: Session, slug: str, now: datetime) -> Sequence[Enrollment]:
    """Give those whose delay is to be looked at, the longest waiting first."""
    due = or_(col(Enrollment.until).is_(None), col(Enrollment.until) <= now)
    query = select(Enrollment).where(col(Enrollment.playbook) == slug, col(Enrollment.state) == State.SUPPRESSED, due)
    return list((await session.execute(query.order_by(col(Enrollment.created_at)).limit(_MOST))).scalars())


async def list_queued(session: Session, rules: Rules) -> list[Enrollment]:
    """Give those whom nothing but room keeps, in a fair order: what is most urgent, then each owner in turn, then who came first."""
    slug, alongside = rules.playbook, rules.enroll.while_active == "alongside"
    before = aliased(Enrollment)
    in_the_way = exists().where(
        col(before.playbook) == slug,
        col(before.account) == col(Enrollment.account),
        col(before.key) == col(Enrollment.key),
        col(before.state) == State.ACTIVE,
    )
    turn = func.row_number().over(
        partition_by=(col(Enrollment.rank), col(Enrollment.owner)), order_by=(col(Enrollment.created_at), col(Enrollment.id))
    )
    query = (
        select(Enrollment)
        .outerjoin(Launch, _OF_LAUNCH)
        .where(col(Enrollment.playbook) == slug, col(Enrollment.state) == State.QUEUED, _LAUNCHED)
        .where(true() if alongside else ~in_the_way)
        .order_by(col(Enrollment.rank), turn, col(Enrollment.created_at), col(Enrollment.id))
        .limit(_MOST * 5)
    )
    return list((await session.execute(query)).scalars())


async def list_in_the_way(session: Session, slug: str) -> list[tuple[str, str]]:
    """Give the workflow ids of plays that are to be cancelled because their account begins anew, by the enrollment that waits for it."""
    before = aliased(Enrollment)
    query = (
        select(col(Enrollment.id), col(Run.workflow_id))
        .join(before, and_(col(before.account) == col(Enrollment.account), col(before.key) == col(Enrollment.key)))
        .join(Run, col(Run.id) == col(before.run))
        .outerjoin(Launch, _OF_LAUNCH)
        .where(col(Enrollment.playbook) == slug, col(Enrollment.state) == State.QUEUED, col(Enrollment.reason) == Reason.RESTART)
        # A launch that is not approved yet ends nothing.
        .where(col(before.playbook) == slug, col(before.state) == State.ACTIVE, _LAUNCHED)
    )
    return [(enrollment, workflow_id) for enrollment, workflow_id in await session.execute(query.order_by(col(Enrollment.id)).limit(_MOST))]


def _in_turn(rows: Sequence[Enrollment], room: Room) -> list[Enrollment]:
    begun = dict(room.begun)
    found: list[Enrollment] = []
    for row in rows:
        if len(found) >= (_MOST if room.plays is None else min(_MOST, room.plays)):
            break
        if room.per_owner is not None and row.owner is not None:
            if begun.get(row.owner, 0) >= room.per_owner:
                continue
            begun[row.owner] = begun.get(row.owner, 0) + 1
        found.append(row)
    return found


class _Admission:
    def __init__(self, session: Session, playbook: Published, now: datetime) -> None:
        self._session, self._playbook, self._now = session, playbook, now
        self._contaminated: list[str] = []
        self._arms: list[Arm] = []

    async def admit(self, rows: Sequence[Enrollment]) -> list[Started]:
        """Ask the rules once more, because days may have passed, and let in whom they still let in."""
        accounts = sorted({row.account for row in rows})
        await lock_accounts(self._session, accounts)
        # Somebody may have withdrawn one of them, or begun another, before its account was locked.
        fresh = select(Enrollment).where(col(Enrollment.id).in_([row.id for row in rows]))
        await self._session.execute(fresh, execution_options={"populate_existing": True})
        facts = await read_accounts(self._session, accounts)
        histories = await read_histories(self._session, self._playbook.slug, accounts, self._now)
        started: list[Started] = []
        for row in rows:
            if row.state not in (State.QUEUED, State.SUPPRESSED):
                continue
            known = facts.get(row.account)
            if known is None:
                leave(row, Reason.UNKNOWN, self._now, "the account is gone")
                continue
            one = self._moved(row, known, histories[row.account])
            started += [one] if one else []
        if self._arms:
            await begin_experiment(self._session, self._playbook, self._now)
        self._session.add_all([*self._arms, *(one.run for one in started)])
        await self._session.flush()
        await contaminate(self._session, self._playbook.slug, self._contaminated, self._now)
        return started

    def _decide(self, row: Enrollment, known: AccountRows, history: History, waiting: Waiting) -> Decision:
        rules = self._playbook.rules
        scope = scope_of(known, rules, self._now, trigger=waiting.trigger, inputs=waiting.inputs)
        # Who was queued has passed the holdout, or somebody left it aside.
        passed = {"limits", "holdout"} if row.state == State.QUEUED else {"limits"}
        asked = Asked(
            now=self._now,
            past=Past(),
            scope=lambda: scope,
            ignore=waiting.ignore | passed,
            arm=lambda stratum: self._arm(known, history, stratum),
            excluded=history.excluded,
            exempt=history.exempt,
        )
        return decide(rules, asked)

    def _arm(self, known: AccountRows, history: History, stratum: str) -> str:
        """Give the arm of an account; of one that was delayed it may not have been drawn when it came."""
        if history.arm is None:
            history.arm = draw_arm(self._session, self._playbook.rules, known, stratum, self._now)
            self._arms.append(history.arm)
        return history.arm.arm

    def _moved(self, row: Enrollment, known: AccountRows, history: History) -> Started | None:
        waiting = open_start(self._session, row)
        decision = self._decide(row, known, history, waiting)
        if decision.state is State.SUPPRESSED:
            if row.state != State.SUPPRESSED:
                _change(row, move(State(row.state), State.SUPPRESSED), decision.reason, decision.detail, self._now)
            row.until = self._now + LOOK_AGAIN
            return None
        if decision.state is State.REFUSED:
            leave(row, Reason.NO_LONGER, self._now, decision.detail)
            return None
        if decision.state is State.HELD_OUT:
            _change(row, move(State(row.state), State.HELD_OUT), decision.reason, decision.detail, self._now)
            row.until, row.start, row.stratum, row.beside = decision.until, None, decision.stratum, history.is_taken(row)
            return None
        waits = self._still_waits(row, history, waiting)
        if waits is not None:
            if row.state != State.QUEUED:
                _change(row, move(State(row.state), State.QUEUED), waits[0], waits[1], self._now)
                row.until = None
            return None
        _change(row, move(State(row.state), State.ACTIVE), Reason.ENTERED, "enters", self._now)
        row.beside, row.until, row.version = history.is_taken(row), None, self._playbook.version
        if history.is_control:
            self._contaminated.append(row.account)
        return begin_play(self._session, self._playbook, row, known, waiting.start, at=self._now)

    def _still_waits(self, row: Enrollment, history: History, waiting: Waiting) -> tuple[Reason, str] | None:
        """Give what one whom the rules let in waits for all the same: the play that is under way, or (after a delay) its turn."""
        way = self._playbook.rules.enroll.while_active
        if way != "alongside" and history.in_the_way(row):
            if way == "restart":
                return Reason.RESTART, "the play that is under way is cancelled first"
            return Reason.PLAY, "waits for the end of the play that is under way"
        limited = self._playbook.rules.limited and "limits" not in waiting.ignore
        if row.state == State.SUPPRESSED and (limited or row.launch is not None):
            return Reason.ROOM, "waits for room"
        return None


def _change(row: Enrollment, state: State, reason: str, detail: str, now: datetime) -> None:
    row.state, row.reason, row.detail, row.changed_at = state, reason, detail, now


def leave(row: Enrollment, reason: str, now: datetime, detail: str = "") -> None:
    """End an enrollment that never became a play, or was only observed."""
    _change(row, move(State(row.state), State.LEFT), reason, detail, now)
    row.left_at, row.start, row.until = now, None, None
