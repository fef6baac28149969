"""The queue of what may bring accounts in: written in the transaction that made it, and each thing once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text, update
from sqlmodel import col

from enrollment.triggers import SETTLES_AT_MOST
from storage.session import Session
from storage.trigger_tables import Occurrence

_INSERT = """
    INSERT INTO occurrence (tenant, playbook, trigger, kind, account, mark, event, launch, rank, settles, at, due_at, outcome, tries)
    SELECT CAST(:tenant AS text), CAST(:playbook AS text), CAST(:trigger AS text), CAST(:kind AS text), n.account, n.mark, n.event,
        CAST(:launch AS text), CAST(:rank AS integer), CAST(:settles AS boolean), n.at, n.due_at, '', 0
    FROM unnest(CAST(:accounts AS text[]), CAST(:marks AS text[]), CAST(:events AS text[]), CAST(:ats AS timestamptz[]),
        CAST(:dues AS timestamptz[])) WITH ORDINALITY AS n (account, mark, event, at, due_at, number)
    WHERE NOT EXISTS (SELECT 1 FROM occurrence o WHERE o.tenant = CAST(:tenant AS text) AND o.playbook = CAST(:playbook AS text)
        AND o.trigger = CAST(:trigger AS text) AND o.account = n.account AND o.mark = n.mark)
    ORDER BY n.number
"""
_ONCE = text(_INSERT + "ON CONFLICT (tenant, playbook, trigger, account, mark) DO NOTHING")
# A burst is one: each of it puts off the end, up to a bound, and the last one is what the play is told.
_SETTLING = text(
    _INSERT
    + """ON CONFLICT (tenant, playbook, trigger, account) WHERE settles AND done_at IS NULL DO UPDATE SET
        event = excluded.event, due_at = least(excluded.due_at, occurrence.at + CAST(:longest AS interval))"""
)
_NEXT = text("""
    SELECT o.id FROM occurrence o LEFT JOIN launch l ON l.tenant = o.tenant AND l.id = o.launch
    WHERE o.playbook = :playbook AND o.done_at IS NULL AND o.due_at <= :now AND (o.launch IS NULL OR l.status IN ('running', 'done'))
    ORDER BY o.rank, o.due_at, o.id LIMIT :most
""")
_DUE = text("""
    SELECT DISTINCT o.playbook FROM occurrence o LEFT JOIN launch l ON l.tenant = o.tenant AND l.id = o.launch
    WHERE o.done_at IS NULL AND o.due_at <= :now AND (o.launch IS NULL OR l.status IN ('running', 'done')) ORDER BY 1
""")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 8))")


@dataclass(frozen=True)
class Way:
    """By which trigger of which playbook something comes; `settle` is how long a burst of it is waited for."""

    playbook: str
    trigger: str
    kind: str
    settle: timedelta = timedelta(0)
    launch: str | None = None
    rank: int = 2


@dataclass(frozen=True)
class New:
    """What may bring an account in. `mark` says what it is; `due_at` is when it does, `at` when it happened."""

    account: str
    mark: str
    at: datetime
    due_at: datetime
    event: str | None = None


async def add_occurrences(session: Session, way: Way, new: Sequence[New]) -> int:
    """Write down what is not there yet; give how many rows that made or put off."""
    if way.settle:
        # Of one account the last counts: a statement may put off a row only once.
        new = list({one.account: one for one in new}.values())
    if not new:
        return 0
    given = {
        "tenant": session.tenant,
        "playbook": way.playbook,
        "trigger": way.trigger,
        "kind": way.kind,
        "launch": way.launch,
        "rank": way.rank,
        "settles": bool(way.settle),
        "accounts": [one.account for one in new],
        "marks": [one.mark for one in new],
        "events": [one.event for one in new],
        "ats": [one.at for one in new],
        "dues": [one.due_at + way.settle for one in new],
    }
    if way.settle:
        done = await session.execute(_SETTLING, given | {"longest": way.settle * SETTLES_AT_MOST})
    else:
        done = await session.execute(_ONCE, given)
    return int(done.rowcount)  # type: ignore[attr-defined]  # a statement that writes has one


async def try_lock(session: Session, name: str) -> bool:
    """Take a lock until the end of the transaction, so that one at a time works for this name; False when somebody else does."""
    return bool((await session.execute(_TRY_LOCK, {"name": f"{session.tenant}:{name}"})).scalar_one())


async def list_due_playbooks(session: Session, now: datetime) -> list[str]:
    """Give the playbooks for which something is due."""
    return list((await session.execute(_DUE, {"now": now})).scalars())


async def list_next(session: Session, playbook: str, now: datetime, most: int) -> list[Occurrence]:
    """Give what is due for a playbook, the most urgent first, of one account in the order in which it happened."""
    ids = list((await session.execute(_NEXT, {"playbook": playbook, "now": now, "most": most})).scalars())
    if not ids:
        return []
    rows = (await session.execute(select(Occurrence).where(col(Occurrence.id).in_(ids)))).scalars()
    by_id = {row.id: row for row in rows}
    return [by_id[one] for one in ids]


async def end_occurrences(session: Session, outcomes: dict[str, list[int]], now: datetime) -> None:
    """Note what came of occurrences, by outcome. What did not hold is as if it had not been, and may begin again."""
    not_held = outcomes.pop("not_held", [])
    if not_held:
        await session.execute(delete(Occurrence).where(col(Occurrence.id).in_(not_held)))
    for outcome, ids in sorted(outcomes.items()):
        # One that was put off meanwhile, because its burst goes on, stays.
        theirs = (col(Occurrence.id).in_(ids), col(Occurrence.due_at) <= now)
        await session.execute(update(Occurrence).where(*theirs).values(done_at=now, outcome=outcome))


async def put_off(session: Session, ids: Sequence[int], due_at: datetime, *, failed: bool = False) -> None:
    """Have occurrences looked at later."""
    values = {"due_at": due_at} | ({"tries": Occurrence.tries + 1} if failed else {})
    await session.execute(update(Occurrence).where(col(Occurrence.id).in_(list(ids))).values(**values))
