"""Finds what comes true by the passing of time alone: dates, conditions with `today`, facts that stand still, audiences that are left.

Each is one query over the accounts for a trigger, every some minutes; a trigger remembers up to when it was looked at.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, exists, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from enrollment.triggers import expression_of, held_until, moment_of, settles_for, shifts_of, span_of, subject_of
from playbook_dsl.enrollment import Trigger
from storage.enrollment.published import Published, list_published
from storage.enrollment.scopes import scope_of
from storage.facts import read_accounts
from storage.session import Session
from storage.tables import Account
from storage.trigger_tables import FactChange, Occurrence, Standing, TriggerWatch
from storage.triggers.baselines import drop_from_baseline
from storage.triggers.conditions import Clause, Lowering, lowering
from storage.triggers.queue import New, Way, add_occurrences, try_lock
from storage.triggers.watching import AUDIENCE, watched_paths

_PAGE: Final = 500
_KEEP: Final = timedelta(days=7)
_LONG_AGO: Final = timedelta(days=400)
"""How far a score that has to come from somewhere is looked back at, where nothing says `within`."""
_MOST_FORGOTTEN: Final = 10_000
_FORGET_CHANGES = text("""
    DELETE FROM fact_change WHERE id IN (SELECT id FROM fact_change WHERE seen AND at < :before ORDER BY at LIMIT :most)
""")
_FORGET_DONE = text("""
    DELETE FROM occurrence WHERE id IN (
        SELECT id FROM occurrence WHERE done_at < :before AND kind NOT IN ('date', 'publish') ORDER BY id LIMIT :most)
""")


async def list_due_watches(session: Session, before: datetime) -> list[tuple[str, str]]:
    """Give playbook and trigger of every watch that was not looked at since a moment."""
    query = select(col(TriggerWatch.playbook), col(TriggerWatch.trigger)).where(col(TriggerWatch.looked_at) <= before)
    return [(playbook, trigger) for playbook, trigger in await session.execute(query.order_by("playbook", "trigger"))]


async def look(session: Session, slug: str, trigger_id: str, before: datetime, now: datetime) -> bool:
    """Look for one trigger; False when somebody else does, or did since `before`."""
    if not await try_lock(session, f"look:{slug}:{trigger_id}"):
        return False
    watch = await session.get(TriggerWatch, (session.tenant, slug, trigger_id), populate_existing=True)
    if watch is None or watch.looked_at is None or watch.looked_at > before:
        return False
    playbook = next((one for one in await list_published(session) if one.slug == slug), None)
    if playbook is None:
        return False
    await _look(session, playbook, watch, await lowering(session, now), now)
    watch.looked_at = now
    await session.flush()
    return True


async def _look(session: Session, playbook: Published, watch: TriggerWatch, lowered: Lowering, now: datetime) -> None:
    enroll = playbook.rules.enroll
    audience = lowered.clause(enroll.audience)
    if watch.trigger == AUDIENCE:
        if audience is not None:
            await drop_from_baseline(session, playbook.slug, audience)
        return
    trigger = next((one for one in enroll.triggers if one.id == watch.trigger), None)
    if trigger is None or audience is None or watch.looked_at is None:
        return
    match trigger.kind:
        case "date":
            await _dates(session, playbook, trigger, audience, lowered, watch.looked_at)
        case "becomes":
            await _becomes(session, playbook, trigger, lowered)
        case "unchanged":
            await _never_changed(session, playbook, trigger, audience, watch, now)


async def _dates(session: Session, playbook: Published, trigger: Trigger, audience: Clause, lowered: Lowering, looked_at: datetime) -> None:
    """Find those whose day came since the last look: roughly in SQL, exactly by each account's calendar."""
    now = lowered.now
    earliest, latest = shifts_of(trigger)
    roughly = _between(subject_of(trigger), lowered, (looked_at - now).days - latest, -earliest)
    if roughly is None:
        return
    way = Way(playbook.slug, trigger.id, "date", settles_for(trigger))
    after = ""
    while True:
        query = select(col(Account.id)).where(audience, roughly, col(Account.id) > after).order_by(col(Account.id)).limit(_PAGE)
        page = list((await session.execute(query)).scalars())
        new = []
        for account, rows in (await read_accounts(session, page)).items() if page else ():
            moment = moment_of(trigger, scope_of(rows, playbook.rules, now))
            if moment is not None and looked_at < moment.at <= now:
                new.append(New(account, moment.mark, moment.at, now))
        await add_occurrences(session, way, sorted(new, key=lambda one: (one.at, one.account)))
        if len(page) < _PAGE:
            return
        after = page[-1]


def _between(date_source: str, lowered: Lowering, least: int, most: int) -> Clause | None:
    """Give the clause that a date lies between so many days from now; a date is compared with today, a moment with now."""
    for clock in ("today", "now"):
        low, high = (f"{clock} + {days} days" if days >= 0 else f"{clock} - {-days} days" for days in (least, most))
        found = lowered.clause(f"({date_source}) >= {low} and ({date_source}) <= {high}")
        if found is not None:
            return found
    return None


async def _becomes(session: Session, playbook: Published, trigger: Trigger, lowered: Lowering) -> None:
    condition = lowered.clause(subject_of(trigger))
    if condition is None:
        return
    now = lowered.now
    mine = (col(Standing.playbook) == playbook.slug, col(Standing.trigger) == trigger.id)
    holds = select(col(Account.id)).where(col(Account.id) == col(Standing.account), condition).exists()
    ended = delete(Standing).where(*mine, ~holds).returning(col(Standing.account))
    over = list((await session.execute(ended, execution_options={"synchronize_session": False})).scalars())
    if over and "for" in trigger.spec:
        pending = (col(Occurrence.playbook) == playbook.slug, col(Occurrence.trigger) == trigger.id, col(Occurrence.done_at).is_(None))
        await session.execute(delete(Occurrence).where(*pending, col(Occurrence.account).in_(over)))
    names = ("tenant", "playbook", "trigger", "account", "since")
    stands = exists().where(*mine, col(Standing.account) == col(Account.id))
    rows = select(literal(session.tenant), literal(playbook.slug), literal(trigger.id), col(Account.id), literal(now))
    made = insert(Standing).from_select(names, rows.where(condition, ~stands)).on_conflict_do_nothing().returning(col(Standing.account))
    fresh = sorted((await session.execute(made)).scalars())
    await _queue_standing(session, playbook, trigger, fresh, now)


async def _queue_standing(session: Session, playbook: Published, trigger: Trigger, fresh: Sequence[str], now: datetime) -> None:
    way = Way(playbook.slug, trigger.id, "becomes", settles_for(trigger))
    for start in range(0, len(fresh), _PAGE):
        page = fresh[start : start + _PAGE]
        known = await read_accounts(session, page) if "for" in trigger.spec else {}
        due = {account: held_until(trigger, now, scope_of(rows, playbook.rules, now)) for account, rows in known.items()}
        await add_occurrences(session, way, [New(account, f"t{now.isoformat()}", now, due.get(account, now)) for account in page])


async def _never_changed(
    session: Session, playbook: Published, trigger: Trigger, audience: Clause, watch: TriggerWatch, now: datetime
) -> None:
    """Find those who stand still since before anybody watched: for them the time runs from the publishing on."""
    source = expression_of(trigger, "for")
    if source is None or held_until(trigger, watch.since, {}) > now or watch.looked_at is None:
        return
    if held_until(trigger, watch.since, {}) <= watch.looked_at:
        return
    changed = exists().where(
        col(FactChange.account) == col(Account.id),
        col(FactChange.path).in_(sorted(watched_paths(trigger))),
        col(FactChange.at) >= watch.since,
    )
    there = await lowering(session, now)
    known = there.clause(f"{subject_of(trigger)} is not missing")
    if known is None:
        return
    query = select(col(Account.id)).where(audience, known, ~changed, col(Account.created_at) <= watch.since).order_by(col(Account.id))
    found = list((await session.execute(query)).scalars())
    way = Way(playbook.slug, trigger.id, "unchanged")
    mark = f"w{watch.since.isoformat()}"
    for start in range(0, len(found), _PAGE):
        await add_occurrences(session, way, [New(account, mark, now, now) for account in found[start : start + _PAGE]])


async def forget_old(session: Session, now: datetime) -> None:
    """Forget changes that no trigger looks back at any more, and what was done long ago."""
    longest = _KEEP
    for playbook in await list_published(session):
        for trigger in playbook.rules.enroll.triggers:
            if trigger.kind == "score" and "from" in trigger.spec and "within" not in trigger.spec:
                longest = max(longest, _LONG_AGO)
            for key in ("within", "for"):
                longest = max(longest, span_of(expression_of(trigger, key)))
    before = now - longest - _KEEP
    await session.execute(_FORGET_CHANGES, {"before": before, "most": _MOST_FORGOTTEN})
    await session.execute(_FORGET_DONE, {"before": before - _KEEP, "most": _MOST_FORGOTTEN})
