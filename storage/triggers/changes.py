"""Makes of changes of facts what may bring accounts in. One at a time for a tenant, in the order in which they happened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

from sqlalchemy import and_, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from enrollment.rules import Scope, holds
from enrollment.triggers import (
    Crossing,
    change_fits,
    crossing_of,
    fires_late,
    held_until,
    moment_of,
    needs_facts,
    settles_for,
    subject_of,
)
from playbook_dsl.enrollment import Trigger
from playbook_dsl.values import Json
from storage.enrollment.published import Published, list_published
from storage.enrollment.scopes import scope_of
from storage.facts import AccountRows, read_accounts
from storage.session import Session
from storage.trigger_tables import FactChange, Occurrence, Standing, TriggerWatch, WatchedPath
from storage.triggers.baselines import drop_from_baseline
from storage.triggers.conditions import lowering
from storage.triggers.queue import New, Way, add_occurrences, try_lock
from storage.triggers.watching import AUDIENCE

MOST_CHANGES: Final = 500
"""How many changes are looked at in one transaction."""
_NO_FACTS: Final[Scope] = {}

# Armed is who was on the far side of `from`; the last change that left it is the mark, so that one arming fires once.
_CROSSED = text("""
    SELECT c.id, c.account, c.at, armed.id FROM fact_change c CROSS JOIN LATERAL (
        SELECT h.id, h.at FROM fact_change h
        WHERE h.tenant = c.tenant AND h.account = c.account AND h.path = c.path AND h.id <= c.id
            AND CAST(:sign AS numeric) * fact_number(h.before) >= CAST(:start AS numeric)
        ORDER BY h.id DESC LIMIT 1
    ) armed
    WHERE c.id = ANY(CAST(:changes AS bigint[])) AND c.path = :path
        AND CAST(:sign AS numeric) * fact_number(c.after) < CAST(:threshold AS numeric)
        AND (CAST(:within AS interval) IS NULL OR armed.at >= c.at - CAST(:within AS interval))
    ORDER BY c.id
""")


@dataclass
class _Looking:
    """One look at some changes: the accounts are read once for all triggers."""

    session: Session
    now: datetime
    rows: Mapping[str, AccountRows]
    scopes: dict[tuple[str, str], Scope] = field(default_factory=dict)

    def scope(self, playbook: Published, trigger: Trigger, account: str) -> Scope | None:
        """Give what a trigger is asked against; None for an account that is not there any more."""
        if not needs_facts(trigger):
            return _NO_FACTS
        rows = self.rows.get(account)
        if rows is None:
            return None
        name = (playbook.slug, account)
        if name not in self.scopes:
            self.scopes[name] = scope_of(rows, playbook.rules, self.now)
        return self.scopes[name]


async def take_changes(session: Session, now: datetime) -> int:
    """Look at the oldest changes that nobody has looked at; give how many these were. 0 also while somebody else does."""
    if not await try_lock(session, "changes"):
        return 0
    query = select(FactChange).where(~col(FactChange.seen)).order_by(col(FactChange.id)).limit(MOST_CHANGES)
    changes = list((await session.execute(query)).scalars())
    if not changes:
        return 0
    watchers = await _watchers(session, {change.path for change in changes})
    if watchers:
        playbooks = await list_published(session)
        looking = _Looking(session, now, await _facts(session, playbooks, watchers, changes))
        for playbook in playbooks:
            await _look(looking, playbook, watchers, changes)
    ids = [change.id for change in changes]
    await session.execute(update(FactChange).where(col(FactChange.id).in_(ids)).values(seen=True))
    return len(changes)


async def _facts(
    session: Session, playbooks: Sequence[Published], watchers: "Watchers", changes: Sequence[FactChange]
) -> Mapping[str, AccountRows]:
    """Read the accounts where a trigger wants to know more than what changed; a nightly re-score mostly needs none of it."""
    asking = [
        watcher
        for playbook in playbooks
        for trigger in playbook.rules.enroll.triggers
        if needs_facts(trigger) and (watcher := watchers.get((playbook.slug, trigger.id)))
    ]
    accounts = sorted({change.account for watcher in asking for change in watcher.of(changes)})
    return await read_accounts(session, accounts) if accounts else {}


@dataclass
class _Watcher:
    """Which paths a trigger watches since when; what happened before it was published is not for it."""

    since: datetime
    paths: set[str] = field(default_factory=set)

    def of(self, changes: Sequence[FactChange]) -> list[FactChange]:
        return [change for change in changes if change.path in self.paths and change.at >= self.since]


Watchers: TypeAlias = dict[tuple[str, str], _Watcher]
"""The triggers that watch some paths, by playbook and trigger."""


async def _watchers(session: Session, paths: Iterable[str]) -> Watchers:
    of_watch = and_(col(TriggerWatch.playbook) == col(WatchedPath.playbook), col(TriggerWatch.trigger) == col(WatchedPath.trigger))
    query = select(WatchedPath, col(TriggerWatch.since)).join(TriggerWatch, of_watch).where(col(WatchedPath.path).in_(sorted(paths)))
    found: Watchers = {}
    for watched, since in await session.execute(query):
        found.setdefault((watched.playbook, watched.trigger), _Watcher(since)).paths.add(watched.path)
    return found


async def _look(looking: _Looking, playbook: Published, watchers: Watchers, changes: Sequence[FactChange]) -> None:
    for trigger in playbook.rules.enroll.triggers:
        watcher = watchers.get((playbook.slug, trigger.id))
        theirs = watcher.of(changes) if watcher else []
        if theirs:
            await _fire(looking, playbook, trigger, theirs)
    watcher = watchers.get((playbook.slug, AUDIENCE))
    left = sorted({change.account for change in watcher.of(changes)}) if watcher else []
    audience = (await lowering(looking.session, looking.now)).clause(playbook.rules.enroll.audience) if left else None
    if audience is not None:
        await drop_from_baseline(looking.session, playbook.slug, audience, left)


async def _fire(looking: _Looking, playbook: Published, trigger: Trigger, changes: Sequence[FactChange]) -> None:
    match trigger.kind:
        case "change" | "segment":
            new = _changed(looking, playbook, trigger, changes)
        case "unchanged":
            new = _stands_still(looking, playbook, trigger, changes)
        case "score":
            new = await _crossed(looking, playbook, trigger, changes)
        case "becomes":
            new = await _became(looking, playbook, trigger, changes)
        case "date":
            new = _dated(looking, playbook, trigger, changes)
        case _:
            return
    settle = timedelta(0) if trigger.kind == "unchanged" else settles_for(trigger)
    await add_occurrences(looking.session, Way(playbook.slug, trigger.id, trigger.kind, settle), new)


def _changed(looking: _Looking, playbook: Published, trigger: Trigger, changes: Sequence[FactChange]) -> list[New]:
    new = []
    for change in changes:
        scope = looking.scope(playbook, trigger, change.account)
        if scope is not None and change_fits(trigger, cast(Json, change.before), cast(Json, change.after), scope):
            new.append(New(change.account, f"c{change.id}", change.at, looking.now))
    return new


def _stands_still(looking: _Looking, playbook: Published, trigger: Trigger, changes: Sequence[FactChange]) -> list[New]:
    """From each change on it may stand still; whether it did is looked at when the time is over."""
    new = []
    for change in changes:
        scope = looking.scope(playbook, trigger, change.account)
        if scope is not None and change.after is not None:
            new.append(New(change.account, f"c{change.id}", change.at, held_until(trigger, change.at, scope)))
    return new


async def _crossed(looking: _Looking, playbook: Published, trigger: Trigger, changes: Sequence[FactChange]) -> list[New]:
    crossing = crossing_of(trigger)
    new = []
    for _, account, at, armed in await looking.session.execute(_CROSSED, crossed(crossing) | {"changes": [one.id for one in changes]}):
        scope = looking.scope(playbook, trigger, account)
        if scope is not None:
            new.append(New(account, f"s{armed}", at, held_until(trigger, at, scope)))
    return new


def crossed(crossing: Crossing) -> dict[str, str | float | timedelta | None]:
    """Give the parameters of a query about a crossing; with the sign turned a rise is a fall."""
    sign = 1 if crossing.falls else -1
    return {
        "path": crossing.path,
        "sign": sign,
        "start": sign * crossing.start,
        "threshold": sign * crossing.threshold,
        "within": crossing.within,
    }


async def _became(looking: _Looking, playbook: Published, trigger: Trigger, changes: Sequence[FactChange]) -> list[New]:
    accounts = sorted({change.account for change in changes})
    condition = subject_of(trigger)
    scopes = {account: scope for account in accounts if (scope := looking.scope(playbook, trigger, account)) is not None}
    true = {account for account, scope in scopes.items() if holds(condition, scope)}
    return await now_standing(looking.session, playbook, trigger, scopes, true, looking.now)


async def now_standing(
    session: Session, playbook: Published, trigger: Trigger, scopes: Mapping[str, Scope], true: set[str], now: datetime
) -> list[New]:
    """Note for which of some accounts a condition holds now; give those for which that is new."""
    mine = (col(Standing.playbook) == playbook.slug, col(Standing.trigger) == trigger.id)
    asked = col(Standing.account).in_(sorted(scopes))
    stood = set((await session.execute(select(col(Standing.account)).where(*mine, asked))).scalars())
    over = sorted(stood - true)
    if over:
        await session.execute(delete(Standing).where(*mine, col(Standing.account).in_(over)))
        # What had not held long enough yet is no occurrence, and may be one again.
        pending = (col(Occurrence.playbook) == playbook.slug, col(Occurrence.trigger) == trigger.id, col(Occurrence.account).in_(over))
        if trigger.spec.get("for"):
            await session.execute(delete(Occurrence).where(*pending, col(Occurrence.done_at).is_(None)))
    fresh = sorted(true - stood)
    if not fresh:
        return []
    rows = [
        {"tenant": session.tenant, "playbook": playbook.slug, "trigger": trigger.id, "account": account, "since": now} for account in fresh
    ]
    await session.execute(insert(Standing).on_conflict_do_nothing(), rows)
    return [New(account, f"t{now.isoformat()}", now, held_until(trigger, now, scopes[account])) for account in fresh]


def _dated(looking: _Looking, playbook: Published, trigger: Trigger, changes: Sequence[FactChange]) -> list[New]:
    new = []
    for account in sorted({change.account for change in changes}):
        scope = looking.scope(playbook, trigger, account)
        moment = moment_of(trigger, scope) if scope is not None else None
        if scope is not None and moment is not None and fires_late(trigger, moment, looking.now, scope):
            new.append(New(account, moment.mark, moment.at, looking.now))
    return new
