"""Everything that is known of one account and one playbook. It reads only: no arm is drawn, and nothing is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from enrollment.deciding import Asked, Decision, decide
from enrollment.holdout import arm_of
from enrollment.rules import Rules
from enrollment.states import OPEN, Reason, State
from enrollment.watching import Facts
from storage.enrollment.admission import Room, list_queued, read_room
from storage.enrollment.histories import History, read_histories
from storage.enrollment.published import Published
from storage.enrollment.refusals import find_refusal
from storage.enrollment.scopes import scope_of
from storage.enrollment_tables import Arm, Enrollment, Launch, Refusal
from storage.fact_definitions import facts_of
from storage.facts import AccountRows, read_account
from storage.repositories.tenants import find_tenant
from storage.session import Session

_MOST_ROWS: Final = 50


@dataclass(frozen=True)
class Waits:
    """Why one in the queue is not let in. `place` counts from 1 among `of` who wait for nothing but room."""

    row: Enrollment
    place: int | None
    of: int
    launch: Launch | None
    in_the_way: str | None


@dataclass(frozen=True)
class Explained:
    """An account in a playbook. `decision`: what would become of it if it came now, with a verdict of every rule."""

    rows: AccountRows
    rules: Rules
    key: str
    decision: Decision
    facts: Facts
    opened: Sequence[Enrollment]
    ended: Sequence[Enrollment]
    refusal: Refusal | None
    arm: Arm | None
    room: Room
    waits: Sequence[Waits]


async def explain_account(session: Session, playbook: Published, account: str, now: datetime, key: str | None = None) -> Explained | None:
    """Give everything that is known of an account in a playbook; None when there is no such account.

    Args:
        session: the transaction to read in.
        playbook: whose rules are asked.
        account: the account's id.
        now: aware; the moment for which the rules are asked.
        key: what it is about, where `again` has a key; without it what the newest enrollment is about.
    """
    rows = await read_account(session, account)
    if rows is None:
        return None
    rules = playbook.rules
    history = (await read_histories(session, playbook.slug, [account], now))[account]
    found = await _enrollments(session, playbook.slug, account)
    scope = scope_of(rows, rules, now)
    if key is None:
        key = found[0].key if found and rules.enroll.again_key is not None else rules.key(scope)
    asked = Asked(
        now=now,
        past=history.past(key),
        scope=lambda: scope,
        arm=lambda stratum: _arm(session.tenant, rules, account, stratum, history),
        excluded=history.excluded,
        exempt=history.exempt,
        existed=history.existed,
    )
    opened = [row for row in found if row.state in OPEN]
    return Explained(
        rows=rows,
        rules=rules,
        key=key,
        decision=decide(rules, asked, all_rules=True),
        facts=Facts(scope, await _plain(session)),
        opened=opened,
        ended=[row for row in found if row.state not in OPEN],
        refusal=await find_refusal(session, playbook.slug, account),
        arm=history.arm,
        room=await read_room(session, rules, now),
        waits=await _waits(session, rules, history, opened),
    )


def _arm(tenant: str, rules: Rules, account: str, stratum: str, history: History) -> str:
    return history.arm.arm if history.arm else arm_of(tenant, rules.playbook, account, stratum, rules.holdout_share)


async def _enrollments(session: Session, slug: str, account: str) -> list[Enrollment]:
    mine = (col(Enrollment.playbook) == slug, col(Enrollment.account) == account)
    query = select(Enrollment).where(*mine).order_by(col(Enrollment.created_at).desc(), col(Enrollment.episode).desc())
    return list((await session.execute(query.limit(_MOST_ROWS))).scalars())


async def _plain(session: Session) -> frozenset[str]:
    """Give the facts whose values may be shown: one value or a list of such, and not sealed."""
    shown = (
        fact.path
        for fact in facts_of(await find_tenant(session))
        if not fact.sealed and fact.type.kind != "record" and not (fact.type.item and fact.type.item.kind == "record")
    )
    return frozenset(shown)


async def _waits(session: Session, rules: Rules, history: History, opened: Sequence[Enrollment]) -> list[Waits]:
    queued = [row for row in opened if row.state == State.QUEUED]
    if not queued:
        return []
    order = [row.id for row in await list_queued(session, rules)]
    launches = [row.launch for row in queued if row.launch]
    query = select(Launch).where(col(Launch.id).in_(launches))
    known = {launch.id: launch for launch in (await session.execute(query)).scalars()} if launches else {}
    found = []
    for row in queued:
        place = order.index(row.id) + 1 if row.id in order else None
        active = [other for other in history.opened.get(row.key, []) if other.state == State.ACTIVE and other.id != row.id]
        blocks = active[0].run if active and (row.reason in (Reason.PLAY, Reason.RESTART) or place is None) else None
        found.append(Waits(row, place, len(order), known.get(row.launch or ""), blocks))
    return found
