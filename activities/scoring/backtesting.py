"""A scorecard tried on the past: nightly snapshots, and what became of the accounts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from activities.scoring.data import read_panel
from playbook_dsl.scorecard.card import DEFAULT, Card
from scoring.health import choose
from scoring.health_backtest import HealthBacktest, backtest
from scoring.health_panel import PastHealth, health_of_panel
from scoring.panel import Panel
from storage.repositories.health import read_account_labels
from storage.session import Database

_DAYS_A_MONTH: Final = 30.44
MOST_ROWS: Final = 40_000
"""Of more rows those of a part of the accounts are tried; the answer says how many there were."""


@dataclass(frozen=True)
class CardBacktest:
    """What came of it: the figures, the first and the last day there was, and how often each measure was unknown then, by title."""

    figures: HealthBacktest
    first: date | None
    last: date | None
    missing: Mapping[str, float]


async def backtest_card(database: Database, tenant: str, card: Card, others: Sequence[Card], until: datetime, months: int) -> CardBacktest:
    """Try a card on the accounts it is for, as they were once a month.

    Args:
        database: where snapshots are.
        tenant: whose.
        card: the one that is tried.
        others: the cards that are published; of `default` the accounts are left out that another one is for.
        until: up to when what became of the accounts is known.
        months: how far back the first cutoff may be, from the last whose window of labels is over.
    """
    panel = await read_panel(database, tenant, "churn", until)
    async with database.begin(tenant) as session:
        accounts = await read_account_labels(session)
    return await asyncio.to_thread(_tried, card, [each for each in others if each.name != card.name], panel, accounts, months)


def _tried(card: Card, others: Sequence[Card], panel: Panel, accounts: Mapping[str, Mapping[str, object]], months: int) -> CardBacktest:
    if len(panel):
        since = panel.as_of.max() - np.timedelta64(round(months * _DAYS_A_MONTH), "D")
        panel = panel.rows(panel.as_of > since)
    if card.name == DEFAULT and others:
        taken = {account for account, labels in accounts.items() if choose(others, {"account": labels}) is not None}
        panel = panel.rows(np.array([account not in taken for account in panel.accounts], dtype=bool))
    panel = _some(panel)
    past = health_of_panel(card, panel, accounts)
    rows = panel.rows(past.chosen)
    figures = backtest(past.scores[past.chosen], rows.labels, rows.accounts, green=card.green, yellow=card.yellow)
    return CardBacktest(figures, *_span(rows), missing=_missing(past))


def _some(panel: Panel) -> Panel:
    names = np.unique(panel.accounts)
    part = 1 + len(panel) // MOST_ROWS
    return panel if part == 1 else panel.rows(np.isin(panel.accounts, names[::part]))


def _span(panel: Panel) -> tuple[date | None, date | None]:
    return (panel.as_of.min().astype(object), panel.as_of.max().astype(object)) if len(panel) else (None, None)


def _missing(past: PastHealth) -> dict[str, float]:
    return {past.titles[name]: share for name, share in past.missing.items()}
