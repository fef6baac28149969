"""Brings in many accounts at once: the audience at a publishing, or those whom an event without an account is for.

A launch is filled page by page into the queue, each page with how far it came, so that it goes on after a crash where it stood.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, select
from sqlmodel import col

from enrollment.rules import Scope, evaluate, holds
from enrollment.triggers import expression_of
from playbook_dsl.enrollment import Trigger
from playbook_dsl.values import Json, from_json
from storage.enrollment.published import Published, find_published
from storage.enrollment.scopes import scope_of
from storage.enrollment_tables import Launch
from storage.facts import read_accounts
from storage.repositories.events import fields_of, find_event
from storage.session import Session
from storage.tables import Account
from storage.trigger_tables import Occurrence
from storage.triggers.conditions import Clause, lowering
from storage.triggers.queue import New, Way, add_occurrences, try_lock
from storage.triggers.watching import PUBLISHED

END: Final = "~"
"""Up to where a launch is filled that is filled; no account has this id."""
KINDS: Final = (PUBLISHED, "event")
WHILE_FOR: Final = timedelta(days=30)
"""How long those that join later are brought in at most."""
_PAGE: Final = 1_000
_EVENT_RANK: Final = 2
_PUBLISH_RANK: Final = 3


async def note_launched(session: Session, launch_id: str, counts: Mapping[str, int]) -> None:
    """Add to what became of the accounts of a launch."""
    launch = await session.get(Launch, (session.tenant, launch_id), with_for_update=True, populate_existing=True)
    if launch is not None:
        known = {name: int(str(count)) for name, count in launch.counts.items()}
        launch.counts = {name: known.get(name, 0) + counts.get(name, 0) for name in {**known, **counts}}
        await session.flush()


async def list_filling(session: Session) -> list[str]:
    """Give the launches that are not filled, or not worked off, the oldest first."""
    query = select(col(Launch.id)).where(col(Launch.kind).in_(KINDS), col(Launch.status) == "running")
    return list((await session.execute(query.order_by(col(Launch.started_at), col(Launch.id)))).scalars())


async def fill_launch(session: Session, launch_id: str, now: datetime) -> bool:
    """Put the next page of a launch into the queue; False when there is nothing more to do for now."""
    if not await try_lock(session, f"fill:{launch_id}"):
        return False
    launch = await session.get(Launch, (session.tenant, launch_id), with_for_update=True, populate_existing=True)
    if launch is None or launch.status != "running":
        return False
    playbook = await find_published(session, launch.playbook)
    trigger = _trigger(playbook, launch)
    if playbook is None or (launch.kind == "event" and trigger is None):
        _finish(launch, "cancelled", now, "the playbook is not published any more")
        return False
    if launch.filled_to == END:
        return await _end(session, launch, trigger, now)
    page = await _page(session, playbook, trigger, launch, now)
    if page is None:
        _finish(launch, "failed", now, "its audience cannot be asked of the database")
        return False
    await _queue(session, launch, page, now)
    launch.filled_to = END if len(page) < _PAGE else page[-1]
    await session.flush()
    return True


def _trigger(playbook: Published | None, launch: Launch) -> Trigger | None:
    triggers = playbook.rules.enroll.triggers if playbook else ()
    return next((one for one in triggers if one.id == launch.trigger_id), None)


async def _page(session: Session, playbook: Published, trigger: Trigger | None, launch: Launch, now: datetime) -> list[str] | None:
    named = expression_of(trigger, "accounts") if trigger is not None else None
    if named is not None:
        return sorted(await _named(session, named, launch))[:_PAGE] if launch.filled_to is None else []
    audience = (await lowering(session, now)).clause(playbook.rules.enroll.audience)
    return None if audience is None else await _next_accounts(session, audience, launch.filled_to or "")


async def _named(session: Session, source: str, launch: Launch) -> set[str]:
    """Give the accounts that an event names; one that names none is for nobody."""
    fields = await _fields(session, launch)
    found = evaluate(source, {"event": from_json(dict(fields))})
    listed = found if isinstance(found, list) else [found]
    return {str(one) for one in listed if isinstance(one, str | int) and not isinstance(one, bool)}


async def _fields(session: Session, launch: Launch) -> dict[str, Json]:
    event = await find_event(session, launch.event) if launch.event else None
    return fields_of(session, event) if event is not None else {}


async def _next_accounts(session: Session, audience: Clause, after: str) -> list[str]:
    query = select(col(Account.id)).where(audience, col(Account.id) > after).order_by(col(Account.id)).limit(_PAGE)
    return list((await session.execute(query)).scalars())


async def _queue(session: Session, launch: Launch, accounts: list[str], now: datetime) -> None:
    by_event = launch.kind == "event"
    way = Way(launch.playbook, launch.trigger_id or "", launch.kind, launch=launch.id, rank=_EVENT_RANK if by_event else _PUBLISH_RANK)
    mark = str(launch.event if by_event else launch.id)
    launch.accounts += await add_occurrences(session, way, [New(one, mark, now, now, event=launch.event) for one in accounts])


async def _end(session: Session, launch: Launch, trigger: Trigger | None, now: datetime) -> bool:
    waits = exists().where(col(Occurrence.launch) == launch.id, col(Occurrence.done_at).is_(None))
    goes_on = trigger is not None and expression_of(trigger, "while") and now < launch.started_at + WHILE_FOR
    if not goes_on and not (await session.execute(select(waits))).scalar_one():
        _finish(launch, "done", now)
        await session.flush()
    return False


def _finish(launch: Launch, status: str, now: datetime, why: str = "") -> None:
    launch.status, launch.ended_at = status, now
    launch.why = why or launch.why


async def join_later(session: Session, launch_id: str, after: str, now: datetime) -> str | None:
    """Bring in those of a page who joined the audience since the event, as long as its `while` holds for them.

    Returns:
        Where the next page begins, None when this was the last.
    """
    launch = await session.get(Launch, (session.tenant, launch_id))
    playbook = await find_published(session, launch.playbook) if launch else None
    if launch is None or playbook is None or launch.filled_to != END or launch.status != "running":
        return None
    trigger = _trigger(playbook, launch)
    condition = expression_of(trigger, "while") if trigger else None
    audience = (await lowering(session, now)).clause(playbook.rules.enroll.audience)
    if trigger is None or condition is None or audience is None or trigger.spec.get("accounts") != "audience":
        return None
    there = exists().where(
        col(Occurrence.playbook) == launch.playbook,
        col(Occurrence.trigger) == trigger.id,
        col(Occurrence.account) == col(Account.id),
        col(Occurrence.mark) == launch.event,
    )
    page = await _next_accounts(session, audience & ~there, after)
    fields = dict(await _fields(session, launch))
    said: dict[str, Json] = {"kind": "event", "id": trigger.id, "event": fields}
    scopes: dict[str, Scope] = (
        {account: scope_of(rows, playbook.rules, now, trigger=said) for account, rows in (await read_accounts(session, page)).items()}
        if page
        else {}
    )
    await _queue(session, launch, [account for account in page if account in scopes and holds(condition, scopes[account])], now)
    return page[-1] if len(page) == _PAGE else None
