"""Lets those in who wait: when there is room, when their launch lets them, when the play in their way has ended.

One at a time for a playbook, so that two who count the plays under way never count the same room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text
from sqlalchemy.orm import aliased
from sqlmodel import col

from enrollment.deciding import Asked, Decision, Past, decide
from enrollment.rules import Rules
from enrollment.states import Reason, State, move
from playbook_dsl.timing.durations import approximate_seconds
from playbook_dsl.timing.zones import zone_named
from playbook_dsl.values import Json
from storage.enrollment.histories import read_histories
from storage.enrollment.plays import Started, begin_play
from storage.enrollment.published import Published, find_published
from storage.enrollment.scopes import scope_of
from storage.enrollment_tables import Enrollment, Launch
from storage.facts import AccountRows, read_accounts
from storage.repositories.accounts import lock_accounts
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import Run

LOOK_AGAIN: Final = timedelta(minutes=10)
"""How often somebody who is delayed is looked at, where no change of their facts does so earlier."""
_MOST: Final = 200
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
    """Give the playbooks for which somebody waits who might be let in now, or is observed no longer, by slug."""
    due = or_(col(Enrollment.until).is_(None), col(Enrollment.until) <= now)
    looked_at = and_(col(Enrollment.state).in_((State.SUPPRESSED, State.HELD_OUT)), due)
    waits = or_(col(Enrollment.state) == State.QUEUED, looked_at)
    query = select(col(Enrollment.playbook)).where(waits).distinct().order_by(col(Enrollment.playbook))
    return list((await session.execute(query)).scalars())


async def admit(session: Session, slug: str, now: datetime) -> list[Started]:
    """Let in as many as there is room for; give the plays that are to be begun."""
    await session.execute(_LOCK, {"name": f"{session.tenant}:{slug}"})
    await _end_observations(session, slug, now)
    playbook = await find_published(session, slug)
    if playbook is None:
        return []
    room = await read_room(session, playbook.rules, now)
    rows = [*await _delayed(session, slug, now), *_in_turn(await _queued(session, slug), room)]
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


async def _queued(session: Session, slug: str) -> Sequence[Enrollment]:
    """Give those whom nothing but room keeps, in a fair order: what is most urgent, then each owner in turn, then who came first."""
    before = aliased(Enrollment)
    in_the_way = exists().where(
        col(before.playbook) == slug,
        col(before.account) == col(Enrollment.account),
        col(before.key) == col(Enrollment.key),
        col(before.state) == State.ACTIVE,
    )
    launched = or_(
        col(Enrollment.launch).is_(None),
        and_(col(Launch.status).in_(("running", "done")), col(Enrollment.wave) <= col(Launch.open_wave)),
    )
    turn = func.row_number().over(
        partition_by=(col(Enrollment.rank), col(Enrollment.owner)), order_by=(col(Enrollment.created_at), col(Enrollment.id))
    )
    query = (
        select(Enrollment)
        .outerjoin(Launch, and_(col(Launch.tenant) == col(Enrollment.tenant), col(Launch.id) == col(Enrollment.launch)))
        .where(col(Enrollment.playbook) == slug, col(Enrollment.state) == State.QUEUED, launched)
        .where(or_(~col(Enrollment.beside), ~in_the_way))
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
        .where(col(Enrollment.playbook) == slug, col(Enrollment.state) == State.QUEUED, col(Enrollment.reason) == Reason.RESTART)
        .where(col(before.playbook) == slug, col(before.state) == State.ACTIVE)
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

    async def admit(self, rows: Sequence[Enrollment]) -> list[Started]:
        """Ask the rules once more, because days may have passed, and let in whom they still let in."""
        accounts = sorted({row.account for row in rows})
        await lock_accounts(self._session, accounts)
        facts = await read_accounts(self._session, accounts)
        histories = await read_histories(self._session, self._playbook.slug, accounts, self._now)
        started: list[Started] = []
        # Somebody may have withdrawn one of them before its account was locked.
        fresh = select(Enrollment).where(col(Enrollment.id).in_([row.id for row in rows]))
        await self._session.execute(fresh, execution_options={"populate_existing": True})
        for row in rows:
            if row.state not in (State.QUEUED, State.SUPPRESSED):
                continue
            known, history = facts.get(row.account), histories[row.account]
            if known is None:
                leave(row, Reason.UNKNOWN, self._now)
                continue
            start = self._session.open("enrollment", "start", row.id, row.start)
            arm = history.arm.arm if history.arm else ""
            decision = self._decide(row, known, start, excluded=history.excluded, exempt=history.exempt, arm=arm)
            one = self._moved(row, known, start, decision)
            started += [one] if one else []
        self._session.add_all([one.run for one in started])
        await self._session.flush()
        return started

    def _decide(self, row: Enrollment, known: AccountRows, start: Json, *, excluded: str | None, exempt: str | None, arm: str) -> Decision:
        trigger = start.get("trigger") if isinstance(start, dict) else None
        inputs = start.get("inputs") if isinstance(start, dict) else None
        scope = scope_of(
            known,
            self._playbook.rules,
            self._now,
            trigger=trigger if isinstance(trigger, dict) else None,
            inputs=inputs if isinstance(inputs, dict) else None,
        )
        # Who was let in by hand is not asked again what the person left aside.
        ignore = {"audience", "limits"} if row.trigger in ("manual", "api") else {"limits"}
        asked = Asked(
            now=self._now,
            past=Past(),
            scope=lambda: scope,
            ignore=frozenset(ignore),
            arm=lambda _: arm,
            excluded=excluded,
            exempt=exempt,
        )
        return decide(self._playbook.rules, asked)

    def _moved(self, row: Enrollment, known: AccountRows, start: Json, decision: Decision) -> Started | None:
        if decision.state is State.SUPPRESSED:
            if row.state != State.SUPPRESSED:
                _change(row, move(State(row.state), State.SUPPRESSED), decision.reason, decision.detail, self._now)
            row.until = self._now + LOOK_AGAIN
            return None
        if decision.state is State.REFUSED:
            leave(row, Reason.NO_LONGER, self._now, decision.detail)
            return None
        if decision.state is State.HELD_OUT and row.state == State.SUPPRESSED:
            _change(row, move(State.SUPPRESSED, State.HELD_OUT), decision.reason, decision.detail, self._now)
            row.until = decision.until
            return None
        # Its launch may wait for an approval or a wave, which only those in the queue do.
        if row.state == State.SUPPRESSED and (self._playbook.rules.limited or row.launch is not None):
            _change(row, move(State.SUPPRESSED, State.QUEUED), Reason.ROOM, "waits for room", self._now)
            return None
        _change(row, move(State(row.state), State.ACTIVE), Reason.ENTERED, "enters", self._now)
        row.beside, row.until, row.version = False, None, self._playbook.version
        return begin_play(self._session, self._playbook, row, known, start, at=self._now)


def _change(row: Enrollment, state: State, reason: str, detail: str, now: datetime) -> None:
    row.state, row.reason, row.detail, row.changed_at = state, reason, detail, now


def leave(row: Enrollment, reason: str, now: datetime, detail: str = "") -> None:
    """End an enrollment that never became a play, or was only observed."""
    _change(row, move(State(row.state), State.LEFT), reason, detail, now)
    row.left_at, row.start, row.until = now, None, None
