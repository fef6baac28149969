"""What published playbooks watch: kept when a version is published or archived, so that nothing else is noted."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import col

from enrollment.triggers import reads, reads_of, settles_for, subject_of
from playbook_dsl.enrollment import Enroll, Trigger
from storage.enrollment.published import Published
from storage.fact_definitions import BY_PATH, CUSTOM, STORED_ROOTS
from storage.session import Session
from storage.trigger_tables import Occurrence, Standing, TriggerWatch, WatchedPath
from storage.triggers.baselines import take_standing
from storage.triggers.conditions import lowering

AUDIENCE: Final = ""
"""The id of the watch over the audience of a playbook that takes only new accounts."""
PUBLISHED: Final = "publish"
"""The kind of what brings in accounts that were in the audience when a version was published."""
_NOTICE: Final = ("contract.end_date", "contract.notice_days", "account.renewal_date")


def stored_paths(path: str) -> set[str]:
    """Give the paths whose changes are noted for what an expression reads: a calculated fact changes with those it is made of."""
    if path.startswith(CUSTOM):
        return {".".join(path.split(".")[:3])}
    root = path.partition(".")[0]
    if path == "account.notice_date":
        return set(_NOTICE)
    if path == "account.arr":
        return {"account.mrr"}
    if path == "account.csm" or path.startswith("account.csm."):
        return {"account.csm.id"}
    if path.startswith("account.contacts"):
        return {"account.contacts"}
    if root in ("account", "contact") or root in STORED_ROOTS:
        return {one for one in BY_PATH if one == path or one.startswith(f"{path}.") or path.startswith(f"{one}.")}
    return set()


def watched_paths(trigger: Trigger) -> set[str]:
    """Give what a trigger watches."""
    if trigger.kind == "event":
        return {f"event:{subject_of(trigger)}"}
    found: set[str] = set()
    for path in reads_of(trigger).paths:
        found |= stored_paths(path)
    return found


def watch_kind(trigger: Trigger) -> str:
    """Give how a watch is worked: an event for a whole audience is another thing than one for its account."""
    return "event_accounts" if trigger.kind == "event" and "accounts" in trigger.spec else trigger.kind


def is_timed(trigger: Trigger) -> bool:
    """Say whether the passing of time alone can make a trigger fire, or something that is no fact of the account."""
    found = reads_of(trigger)
    return found.clock or found.row


async def keep_watches(session: Session, playbook: Published, now: datetime) -> None:
    """Watch what this version watches and nothing else of its playbook.

    A trigger that says the same as before keeps its past. For a new one everything that holds already counts as having been so.
    """
    enroll = playbook.rules.enroll
    wanted = {trigger.id: trigger for trigger in enroll.triggers if trigger.kind != "schedule"}
    known = {row.trigger: row for row in await list_watches(session, playbook.slug)}
    digests = {name: _digest(trigger) for name, trigger in wanted.items()} | _audience_digest(enroll)
    gone = [name for name, row in known.items() if digests.get(name) != row.digest]
    if gone:
        await _forget(session, playbook.slug, gone, known)
    new = [name for name in digests if name not in known or name in gone]
    for name in new:
        await _watch(session, playbook, name, wanted.get(name), digests[name], now)


async def forget_watches(session: Session, slug: str, now: datetime) -> None:
    """Watch nothing of a playbook any more; what waits in the queue does not bring anybody in."""
    known = {row.trigger: row for row in await list_watches(session, slug)}
    await _forget(session, slug, known, known)
    waits = (col(Occurrence.playbook) == slug, col(Occurrence.done_at).is_(None))
    await session.execute(update(Occurrence).where(*waits).values(done_at=now, outcome="gone"))


async def list_watches(session: Session, slug: str) -> list[TriggerWatch]:
    """Give the watches of a playbook, by trigger."""
    query = select(TriggerWatch).where(col(TriggerWatch.playbook) == slug).order_by(col(TriggerWatch.trigger))
    return list((await session.execute(query)).scalars())


async def _forget(session: Session, slug: str, names: Iterable[str], known: Mapping[str, TriggerWatch]) -> None:
    triggers = list(names)
    for table in (WatchedPath, Standing):
        theirs = (col(table.playbook) == slug, col(table.trigger).in_(triggers))
        await session.execute(delete(table).where(*theirs))
    for name in triggers:
        await session.delete(known[name])
    await session.flush()


async def _watch(session: Session, playbook: Published, name: str, trigger: Trigger | None, digest: str, now: datetime) -> None:
    slug = playbook.slug
    paths = watched_paths(trigger) if trigger else _audience_paths(playbook.rules.enroll)
    timed = trigger is None or is_timed(trigger)
    settle_s = int(settles_for(trigger).total_seconds()) if trigger else 0
    kind = watch_kind(trigger) if trigger else "audience"
    values = {"tenant": session.tenant, "playbook": slug, "trigger": name}
    made = {"kind": kind, "digest": digest, "settle_s": settle_s, "since": now, "looked_at": now if timed else None}
    # Two who keep the watches at the same moment write the same.
    await session.execute(upsert(TriggerWatch).values(**values, **made).on_conflict_do_nothing())
    if paths:
        rows = [values | {"path": path} for path in sorted(paths)]
        await session.execute(upsert(WatchedPath).values(rows).on_conflict_do_nothing())
    if trigger is not None and trigger.kind == "becomes":
        await take_standing(session, slug, name, (await lowering(session, now)).clause(subject_of(trigger)), now)


def _audience_paths(enroll: Enroll) -> set[str]:
    return {stored for path in reads(enroll.audience or "").paths for stored in stored_paths(path)}


def _audience_digest(enroll: Enroll) -> dict[str, str]:
    return {AUDIENCE: enroll.audience} if enroll.existing == "only_new" and enroll.audience else {}


def _digest(trigger: Trigger) -> str:
    """What decides whether it fires; another `if` or `settle` leaves what was noted of accounts as it is."""
    return json.dumps([watch_kind(trigger), dict(trigger.spec), trigger.settle], sort_keys=True, default=str)
