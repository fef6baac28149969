"""What a model learns from, read from the database."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from scoring.features.compute import Features
from scoring.features.definitions import FEATURE_SET
from scoring.features.history import histories_of
from scoring.features.panels import Labelled, label_snapshots, panel_of
from scoring.observations import Observation
from scoring.panel import Panel
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS, Target
from storage.repositories.training import Kept, read_contracts, read_snapshots
from storage.session import Database, Session

MOST_ROWS: Final = 100_000
"""Rows a model learns from at most; it needs far fewer, and they have to fit into memory."""
YEARS: Final = 3
"""What happened before says little of customers of today."""
_ACCOUNTS: Final = 2_000


async def read_panel(database: Database, tenant: str, target: Target, until: datetime) -> Panel:
    """Give the rows whose window of labels is over by `until`: the first snapshot of each account in each month, with what became of it."""
    closed = until - timedelta(days=LEAD_DAYS + WINDOW_DAYS)
    kept: dict[str, list[tuple[datetime, Features]]] = defaultdict(list)
    rows: list[Labelled] = []
    async with database.begin(tenant) as session:
        since = until - timedelta(days=365 * YEARS)
        async for each in read_snapshots(session, FEATURE_SET, since=since, until=closed, most=MOST_ROWS):
            kept[each.account].append(features_of(each))
        accounts = sorted(kept)
        for first in range(0, len(accounts), _ACCOUNTS):
            some = accounts[first : first + _ACCOUNTS]
            contracts = await contracts_of(session, some, until)
            rows += await asyncio.to_thread(_labelled, {account: kept[account] for account in some}, contracts, target, until)
    return await asyncio.to_thread(panel_of, rows)


def features_of(kept: Kept) -> tuple[datetime, Features]:
    """Give moment and features of a snapshot as scoring reads them."""
    return kept.as_of, {name: value for name, value in kept.values.items() if isinstance(value, int | float | str)}


async def contracts_of(session: Session, accounts: Sequence[str], known: datetime) -> list[Observation]:
    """Give what was observed of the contracts of accounts and learned until a moment."""
    return [
        Observation(row.id, row.account, "contract", row.occurred_at, row.ingested_at, row.subject, row.values)
        for row in await read_contracts(session, accounts, known)
    ]


def _labelled(
    kept: dict[str, list[tuple[datetime, Features]]], contracts: Iterable[Observation], target: Target, until: datetime
) -> Sequence[Labelled]:
    histories = histories_of(contracts)
    return [
        row
        for account, snapshots in kept.items()
        if account in histories
        for row in label_snapshots(snapshots, histories[account], target, until)
    ]
