"""The report of a sync, written in the transactions that do the work."""

from typing import Any, Final

from sqlalchemy import func

from storage.session import Session
from storage.sync import rows
from storage.sync.items import COUNTS, Tally
from storage.sync.rows import end_others, forget_cursors, lock_report

_MOST_REASONS: Final = 200


async def begin_report(session: Session, report_id: str, vendor: str, by: str | None, *, from_start: bool) -> None:
    """Begin a report, once; reading from the beginning is begun once, too."""
    if not await rows.begin_report(session, report_id, vendor, by):
        return
    await end_others(session, vendor, report_id)
    if from_start:
        await forget_cursors(session, vendor)


async def add_to_report(session: Session, report_id: str, kind: str, tally: Tally, cursor: str | None) -> None:
    """Add what came of a page."""
    report = await lock_report(session, report_id)
    if report is None:
        return
    before: Any = report.counts.get(kind, {})
    report.counts = {**report.counts, kind: {name: before.get(name, 0) + tally.counts[name] for name in COUNTS}}
    if cursor is not None:
        report.cursors = {**report.cursors, kind: cursor}
    if tally.skipped:
        report.skipped = _with_reasons(report.skipped, kind, tally)
    await session.flush()


def _with_reasons(before: list[dict[str, object]], kind: str, tally: Tally) -> list[dict[str, object]]:
    known = {(str(each["kind"]), str(each["field"]), str(each["why"])): dict(each) for each in before}
    for (field, why), count in sorted(tally.skipped.items()):
        example = tally.examples[field, why]
        each: dict[str, Any] = known.setdefault(
            (kind, field, why), {"kind": kind, "field": field, "why": why, "count": 0, "example": example}
        )
        each["count"] += count
    return list(known.values())[:_MOST_REASONS]


async def end_report(session: Session, vendor: str, report_id: str, error: str | None) -> None:
    """Close a report."""
    report = await lock_report(session, report_id)
    if report is not None and report.vendor == vendor and report.ended_at is None:
        report.status = "failed" if error else "done"
        report.error = error
        report.ended_at = func.now()  # type: ignore[assignment]  # the database's clock, as for the start
        await session.flush()
