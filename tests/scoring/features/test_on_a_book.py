"""A simulated book, with all the mess of real life, goes through the same door as everybody's data and says what really happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta

import pytest

from scoring.features.history import histories_of
from scoring.features.panels import build_panel
from scoring.intake import read_observation
from scoring.observations import Observation
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS
from scoring.simulate.book import Book, simulate
from scoring.simulate.options import LIFELIKE, Options


@pytest.fixture(scope="module")
def book() -> Book:
    return simulate(Options(seed=5, accounts=150, months=20, mess=LIFELIKE))


def test_what_a_book_shows_is_taken_in(book: Book) -> None:
    now = datetime.combine(book.end, time(), UTC) + timedelta(days=60)
    wrong = []
    for each in book.observations():
        sent = {
            "id": each.id,
            "account": each.account,
            "kind": each.kind,
            "subject": each.subject,
            "occurred_at": each.occurred_at.isoformat(),
            "ingested_at": each.ingested_at.isoformat(),
            "values": each.values,
        }
        read = read_observation(json.loads(json.dumps(sent)), now, as_known=True)
        if not isinstance(read, Observation) or read != each:
            wrong.append((each, read))

    assert wrong == []


def test_labels_are_what_really_happened(book: Book) -> None:
    cutoffs = [book.options.start + timedelta(days=days) for days in (120, 300, 420)]
    moments = [datetime.combine(day, time(), UTC) for day in cutoffs]

    panel = build_panel(histories_of(book.observations()).values(), moments, "churn")

    begin, end = timedelta(days=LEAD_DAYS), timedelta(days=LEAD_DAYS + WINDOW_DAYS)
    left = [book.churned_on(str(account)) for account in panel.accounts]
    away = [
        label != (gone is not None and day + begin <= gone <= day + end)
        for label, gone, day in zip(panel.labels, left, panel.as_of.tolist(), strict=True)
    ]
    assert panel.labels.sum() > 10
    # A contract's clock may be wrong by up to two days, and a day is not a moment: only those at the edges may differ.
    assert sum(away) <= 2
