"""Whether what was to hold for a time did so; asked when the time is over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import text

from enrollment.rules import Scope, evaluate, holds
from enrollment.triggers import crossing_of, held_until, subject_of
from playbook_dsl.enrollment import Trigger
from storage.session import Session
from storage.trigger_tables import Occurrence, Standing
from storage.triggers.changes import crossed
from storage.triggers.watching import watched_paths

Verdict: TypeAlias = bool | datetime
"""Whether it held; a moment when it has to be asked again."""

_LATER = text("""
    SELECT account, max(id) FROM fact_change WHERE account = ANY(CAST(:accounts AS text[])) AND path = ANY(CAST(:paths AS text[]))
    GROUP BY account
""")
# When it last came to the wanted side. A score that was unknown before came to it as well.
_SINCE = text("""
    SELECT DISTINCT ON (account) account, at FROM fact_change
    WHERE account = ANY(CAST(:accounts AS text[])) AND path = :path
        AND CAST(:sign AS numeric) * fact_number(after) < CAST(:threshold AS numeric)
        AND coalesce(CAST(:sign AS numeric) * fact_number(before) >= CAST(:threshold AS numeric), true)
    ORDER BY account, id DESC
""")


async def ask_whether_held(
    session: Session, trigger: Trigger, rows: Sequence[Occurrence], scopes: Mapping[str, Scope], now: datetime
) -> dict[int, Verdict]:
    """Say for each occurrence whether what it is about held until now; one without `for` did."""
    match trigger.kind:
        case "unchanged":
            return await _unchanged(session, trigger, rows)
        case "score" if "for" in trigger.spec:
            return await _below(session, trigger, rows, scopes, now)
        case "becomes" if "for" in trigger.spec:
            return await _standing(session, trigger, rows, scopes)
    return {row.id: True for row in rows}


async def _unchanged(session: Session, trigger: Trigger, rows: Sequence[Occurrence]) -> dict[int, Verdict]:
    """The mark is the number of the change since which it stands still, or that no change was seen (`w…`)."""
    asked = {"accounts": [row.account for row in rows], "paths": sorted(watched_paths(trigger))}
    latest = {account: number for account, number in await session.execute(_LATER, asked)}
    return {row.id: latest.get(row.account, 0) <= (int(row.mark[1:]) if row.mark.startswith("c") else 0) for row in rows}


async def _below(
    session: Session, trigger: Trigger, rows: Sequence[Occurrence], scopes: Mapping[str, Scope], now: datetime
) -> dict[int, Verdict]:
    crossing = crossing_of(trigger)
    asked = {name: value for name, value in crossed(crossing).items() if name in ("path", "sign", "threshold")}
    since = {account: at for account, at in await session.execute(_SINCE, asked | {"accounts": [row.account for row in rows]})}
    found: dict[int, Verdict] = {}
    for row in rows:
        scope = scopes.get(row.account)
        score = evaluate(crossing.path, scope) if scope is not None else None
        there = isinstance(score, int | float) and (score < crossing.threshold if crossing.falls else score > crossing.threshold)
        if scope is None or not there or row.account not in since:
            found[row.id] = False
            continue
        until = held_until(trigger, since[row.account], scope)
        found[row.id] = until if until > now else True
    return found


async def _standing(session: Session, trigger: Trigger, rows: Sequence[Occurrence], scopes: Mapping[str, Scope]) -> dict[int, Verdict]:
    found: dict[int, Verdict] = {}
    for row in rows:
        standing = await session.get(Standing, (session.tenant, row.playbook, row.trigger, row.account))
        scope = scopes.get(row.account)
        found[row.id] = standing is not None and standing.since == row.at and scope is not None and holds(subject_of(trigger), scope)
    return found
