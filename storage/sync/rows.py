"""The rows a sync keeps: how far it is, what it read, what failed, and its report."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.ids import new_id
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import METADATA
from storage.vendor_tables import SyncCursor, SyncFailure, SyncRecord, SyncReport, SyncSetting

_RECORDS: Final = METADATA.tables["sync_record"]
_FAILURES: Final = METADATA.tables["sync_failure"]
_IDENTITY: Final = ["tenant", "vendor", "kind", "external_id"]


@dataclass
class Seen:
    """What is kept of a record. `read` are the values its fields gave; `kept` those a sync last wrote where that is something else."""

    external_id: str
    account: str = ""
    contact: str | None = None
    changed_at: datetime | None = None
    deleted: bool = False
    read: dict[str, Json] = field(default_factory=dict)
    kept: dict[str, Json] = field(default_factory=dict)
    turns_at: datetime | None = None


def _row_name(vendor: str, kind: str, external_id: str) -> str:
    return f"{vendor}/{kind}/{external_id}"


def _sealed(session: Session, table: str, column: str, name: str, tree: object) -> bytes | None:
    """Seal what a vendor sent as ASCII text: it may hold halves of characters that no other encoding takes."""
    return session.seal(table, column, name, json.dumps(tree, default=str))


def _opened(session: Session, table: str, column: str, name: str, sealed: bytes | None) -> dict[str, Any]:
    text = session.open_text(table, column, name, sealed)
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _seen(session: Session, row: SyncRecord) -> Seen:
    name = _row_name(row.vendor, row.kind, row.external_id)
    values = _opened(session, "sync_record", "values", name, row.values)
    return Seen(
        row.external_id,
        row.account,
        row.contact,
        row.changed_at,
        row.deleted,
        dict(values.get("read", {})),
        dict(values.get("kept", {})),
        row.turns_at,
    )


async def read_seen(session: Session, vendor: str, kind: str, external_ids: Sequence[str]) -> dict[str, Seen]:
    """Give what is kept of these records."""
    query = select(SyncRecord).where(
        col(SyncRecord.vendor) == vendor, col(SyncRecord.kind) == kind, col(SyncRecord.external_id).in_(external_ids)
    )
    return {row.external_id: _seen(session, row) for row in (await session.execute(query)).scalars()}


async def read_of_accounts(session: Session, vendor: str, kind: str, accounts: Iterable[str]) -> dict[str, list[Seen]]:
    """Give what is kept of the records of accounts that are not deleted, in the order of their ids."""
    query = select(SyncRecord).where(
        col(SyncRecord.vendor) == vendor,
        col(SyncRecord.kind) == kind,
        col(SyncRecord.account).in_(list(accounts)),
        ~col(SyncRecord.deleted),
    )
    found: dict[str, list[Seen]] = {}
    for row in (await session.execute(query.order_by(col(SyncRecord.external_id)))).scalars():
        found.setdefault(row.account, []).append(_seen(session, row))
    return found


async def save_seen(session: Session, vendor: str, kind: str, rows: Sequence[Seen]) -> None:
    """Keep what records said."""
    if not rows:
        return
    written = [
        {
            "tenant": session.tenant,
            "vendor": vendor,
            "kind": kind,
            "external_id": row.external_id,
            "account": row.account,
            "contact": row.contact,
            "changed_at": row.changed_at,
            "deleted": row.deleted,
            "turns_at": row.turns_at,
            "values": _sealed(
                session, "sync_record", "values", _row_name(vendor, kind, row.external_id), {"read": row.read, "kept": row.kept}
            ),
        }
        for row in rows
    ]
    statement = insert(_RECORDS)
    changes = {name: statement.excluded[name] for name in written[0] if name not in _IDENTITY}
    await session.execute(statement.on_conflict_do_update(index_elements=_IDENTITY, set_=changes), written)


async def list_turned(session: Session, vendor: str, kind: str, now: datetime, limit: int) -> list[str]:
    """Give accounts of which a record's moment has come."""
    query = select(col(SyncRecord.account)).where(
        col(SyncRecord.vendor) == vendor, col(SyncRecord.kind) == kind, col(SyncRecord.turns_at) <= now
    )
    return list((await session.execute(query.distinct().order_by(col(SyncRecord.account)).limit(limit))).scalars())


async def set_turns(session: Session, vendor: str, kind: str, turns: Mapping[str, datetime | None]) -> None:
    """Note when conditions on the time of records turn next."""
    for external_id, at in turns.items():
        mine = (col(SyncRecord.vendor) == vendor, col(SyncRecord.kind) == kind, col(SyncRecord.external_id) == external_id)
        await session.execute(update(SyncRecord).where(*mine).values(turns_at=at).execution_options(synchronize_session=False))


# Cursors


async def lock_cursor(session: Session, vendor: str, kind: str) -> SyncCursor:
    """Give how far a kind is read; nobody else takes a page of it in before the transaction ends."""
    new = insert(SyncCursor).values(tenant=session.tenant, vendor=vendor, kind=kind)
    await session.execute(new.on_conflict_do_nothing())
    query = select(SyncCursor).where(col(SyncCursor.vendor) == vendor, col(SyncCursor.kind) == kind).with_for_update()
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one()


async def read_cursor(session: Session, vendor: str, kind: str) -> str | None:
    """Give how far a kind is read; None: not at all."""
    row = await session.get(SyncCursor, (session.tenant, vendor, kind))
    return row.cursor if row else None


async def forget_cursors(session: Session, vendor: str) -> None:
    """Have everything of a vendor read again from its beginning."""
    await session.execute(update(SyncCursor).where(col(SyncCursor.vendor) == vendor).values(cursor=None))


# Failures


@dataclass(frozen=True)
class Failed:
    """A record that could not be taken in."""

    external_id: str
    reason: str
    why: str
    fields: Mapping[str, Any]
    deleted: bool = False


async def save_failures(session: Session, vendor: str, kind: str, failed: Sequence[Failed], now: datetime) -> None:
    """Queue records to be tried again. One that failed before counts another attempt."""
    if not failed:
        return
    rows = [
        {
            "tenant": session.tenant,
            "vendor": vendor,
            "kind": kind,
            "external_id": each.external_id,
            "id": new_id(),
            "reason": each.reason,
            "why": _storable(each.why[:1000]),
            "attempts": 1,
            "first_at": now,
            "tried_at": now,
            "raw": _sealed(
                session,
                "sync_failure",
                "raw",
                _row_name(vendor, kind, each.external_id),
                {"fields": dict(each.fields), "deleted": each.deleted},
            ),
        }
        for each in failed
    ]
    statement = insert(_FAILURES)
    changes: dict[str, Any] = {name: statement.excluded[name] for name in ("reason", "why", "raw", "tried_at")}
    changes["attempts"] = _FAILURES.c.attempts + 1
    await session.execute(statement.on_conflict_do_update(index_elements=_IDENTITY, set_=changes), rows)


async def forget_failures(session: Session, vendor: str, kind: str, external_ids: Sequence[str]) -> None:
    """Take records from the queue: they are in, or gone."""
    mine = (col(SyncFailure.vendor) == vendor, col(SyncFailure.kind) == kind, col(SyncFailure.external_id).in_(external_ids))
    await session.execute(delete(SyncFailure).where(*mine).execution_options(synchronize_session=False))


async def list_to_retry(session: Session, vendor: str, kind: str, before: datetime, limit: int) -> list[SyncFailure]:
    """Give queued records that were not tried since."""
    query = select(SyncFailure).where(col(SyncFailure.vendor) == vendor, col(SyncFailure.kind) == kind, col(SyncFailure.tried_at) < before)
    return list((await session.execute(query.order_by(col(SyncFailure.external_id)).limit(limit))).scalars())


def raw_of_failure(session: Session, row: SyncFailure) -> tuple[dict[str, Any], bool]:
    """Give the fields of a queued record as they came, and whether it was deleted."""
    raw = _opened(session, "sync_failure", "raw", _row_name(row.vendor, row.kind, row.external_id), row.raw)
    return dict(raw.get("fields", {})), bool(raw.get("deleted"))


async def find_failure(session: Session, vendor: str, failure_id: str) -> SyncFailure | None:
    """Give a queued record."""
    query = select(SyncFailure).where(col(SyncFailure.vendor) == vendor, col(SyncFailure.id) == failure_id)
    return (await session.execute(query)).scalar_one_or_none()


async def list_failures(session: Session, vendor: str, *, after: str | None = None, limit: int = 50) -> Page[SyncFailure]:
    """Give queued records, by id."""
    query = select(SyncFailure).where(col(SyncFailure.vendor) == vendor)
    return await fetch_page(session, query, (col(SyncFailure.id),), after=after, limit=limit)


async def count_failures(session: Session, vendor: str) -> int:
    """Count queued records."""
    return (await session.execute(select(func.count()).select_from(SyncFailure).where(col(SyncFailure.vendor) == vendor))).scalar_one()


# Settings and reports


async def find_setting(session: Session, vendor: str) -> SyncSetting | None:
    """Give what the tenant wants otherwise than as shipped."""
    return await session.get(SyncSetting, (session.tenant, vendor))


async def save_setting(session: Session, vendor: str, changes: Mapping[str, object], *, by: str) -> None:
    """Set the mapping (None: the shipped one) or the interval."""
    values = {**changes, "saved_by": by, "saved_at": func.now()}
    statement = insert(SyncSetting).values(tenant=session.tenant, vendor=vendor, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant", "vendor"], set_=values))


async def begin_report(session: Session, report_id: str, vendor: str, by: str | None) -> bool:
    """Begin a report; False when it was begun before."""
    new = insert(SyncReport).values(tenant=session.tenant, id=report_id, vendor=vendor, status="running", started_by=by)
    return (await session.execute(new.on_conflict_do_nothing().returning(col(SyncReport.id)))).first() is not None


async def lock_report(session: Session, report_id: str) -> SyncReport | None:
    """Give a report, to write on."""
    query = select(SyncReport).where(col(SyncReport.id) == report_id).with_for_update()
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def find_report(session: Session, vendor: str, report_id: str) -> SyncReport | None:
    """Give a report."""
    query = select(SyncReport).where(col(SyncReport.vendor) == vendor, col(SyncReport.id) == report_id)
    return (await session.execute(query)).scalar_one_or_none()


async def end_others(session: Session, vendor: str, report_id: str) -> None:
    """End the reports of syncs that never came to their end, because somebody ended them in Temporal."""
    mine = (col(SyncReport.vendor) == vendor, col(SyncReport.status) == "running", col(SyncReport.id) != report_id)
    values = {"status": "failed", "ended_at": func.now(), "error": "it was broken off; the next one went on where it stood"}
    await session.execute(update(SyncReport).where(*mine).values(**values).execution_options(synchronize_session=False))


async def first_done_at(session: Session, vendor: str, kind: str) -> datetime | None:
    """Give when the first sync began that read a kind to its end; None before there was one."""
    query = select(col(SyncReport.started_at)).where(
        col(SyncReport.vendor) == vendor, col(SyncReport.status) == "done", col(SyncReport.counts)[kind].is_not(None)
    )
    return (await session.execute(query.order_by(col(SyncReport.started_at)).limit(1))).scalar_one_or_none()


async def list_reports(session: Session, vendor: str, *, after: str | None = None, limit: int = 50) -> Page[SyncReport]:
    """Give reports, the newest first."""
    query = select(SyncReport).where(col(SyncReport.vendor) == vendor)
    return await fetch_page(session, query, (col(SyncReport.started_at), col(SyncReport.id)), after=after, limit=limit, descending=True)
