"""Snapshots of features as they are written and thinned out: one row an account, moment and list of features."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, text
from sqlmodel import col

from storage.session import Session
from storage.tables import Account

DAILY_DAYS: Final = 30
"""So long every night's snapshot is kept; of the time before the first of each month."""


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot to be stored."""

    account: str
    values: Mapping[str, object]
    max_event_at: datetime | None
    max_ingested_at: datetime | None
    source_status: Mapping[str, object]


_SAVE: Final = text("""
    INSERT INTO account_feature_snapshot
        (tenant, account, as_of, feature_set, values, max_event_at, max_ingested_at, source_status)
    SELECT :tenant, account, :as_of, :feature_set, record::jsonb, max_event_at, max_ingested_at, status::jsonb
    FROM unnest(CAST(:accounts AS text[]), CAST(:records AS text[]), CAST(:events AS timestamptz[]), CAST(:learned AS timestamptz[]),
                CAST(:statuses AS text[])) AS batch (account, record, max_event_at, max_ingested_at, status)
    ON CONFLICT (tenant, account, as_of, feature_set) DO UPDATE SET
        values = excluded.values, max_event_at = excluded.max_event_at, max_ingested_at = excluded.max_ingested_at,
        source_status = excluded.source_status, created_at = now()
""")


async def save_snapshots(session: Session, as_of: datetime, feature_set: str, snapshots: Sequence[NewSnapshot]) -> None:
    """Store snapshots, or replace those of the same moment. The month must have been made (`observations.make_months`)."""
    await session.execute(
        _SAVE,
        {
            "tenant": session.tenant,
            "as_of": as_of,
            "feature_set": feature_set,
            "accounts": [each.account for each in snapshots],
            "records": [json.dumps(each.values) for each in snapshots],
            "events": [each.max_event_at for each in snapshots],
            "learned": [each.max_ingested_at for each in snapshots],
            "statuses": [json.dumps(each.source_status) for each in snapshots],
        },
    )


async def list_account_ids(session: Session, after: str, limit: int) -> list[str]:
    """Give the ids of accounts that come after one, in order."""
    query = select(col(Account.id)).where(col(Account.id) > after).order_by(col(Account.id)).limit(limit)
    return list((await session.execute(query)).scalars())


_THIN: Final = text("""
    DELETE FROM account_feature_snapshot AS one
    WHERE account = ANY(CAST(:accounts AS text[])) AND as_of < :before AND EXISTS (
        SELECT FROM account_feature_snapshot AS earlier
        WHERE earlier.account = one.account AND earlier.feature_set = one.feature_set AND earlier.as_of < one.as_of
            AND earlier.as_of >= date_trunc('month', one.as_of, 'UTC')
    )
""")


async def thin_snapshots(session: Session, accounts: Sequence[str], now: datetime) -> int:
    """Of the time before the last `DAILY_DAYS` days keep the first snapshot of each month; give how many were deleted."""
    deleted = await session.execute(_THIN, {"accounts": list(accounts), "before": now - timedelta(days=DAILY_DAYS)})
    return int(deleted.rowcount)  # type: ignore[attr-defined]  # a statement that writes has one
