"""Simulated books as panels, with what the best possible predictor knew: for the gates of scoring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from scoring.features.history import histories_of
from scoring.features.panels import build_panel
from scoring.panel import Numbers, Panel
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS, Target
from scoring.simulate.book import Book, simulate
from scoring.simulate.options import LIFELIKE, Options

FIRST_DAY = 125
"""Days after a book's beginning from which on windows and baselines are full."""
STEP_DAYS = 28


@dataclass(frozen=True)
class Simulated:
    """A book's panel, and the oracle's probability for each of its rows (NaN where it has none)."""

    panel: Panel
    oracle: Numbers


def cutoffs_of(book: Book, step: int = STEP_DAYS) -> list[datetime]:
    """Give cutoffs whose window of labels is over by the book's end, the newest as late as it goes."""

    def backwards() -> Iterator[date]:
        day = book.end - timedelta(days=LEAD_DAYS + WINDOW_DAYS + 1)
        while day >= book.options.start + timedelta(days=FIRST_DAY):
            yield day
            day -= timedelta(days=step)

    return [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in sorted(backwards())]


def panel_of(book: Book, cutoffs: Sequence[datetime] | None = None, target: Target = "churn") -> Panel:
    """Give what a model learns from; the book's end is when it is trained."""
    until = datetime(book.end.year, book.end.month, book.end.day, tzinfo=UTC)
    return build_panel(histories_of(book.observations()).values(), cutoffs or cutoffs_of(book), target, until=until)


def with_oracle(book: Book, panel: Panel) -> Simulated:
    """Put the oracle's probability beside each row."""
    days = sorted({day.item() for day in np.unique(panel.as_of)})
    truth = book.oracle(days)
    known = {(account, day): p for account, day, p in zip(truth.accounts.tolist(), truth.as_of.tolist(), truth.churn.tolist(), strict=True)}
    rows = zip(panel.accounts.tolist(), panel.as_of.tolist(), strict=True)
    return Simulated(panel, np.array([known.get(row, np.nan) for row in rows]))


def simulated(accounts: int, seed: int, months: int = 36, base_rate: float = 0.03) -> Book:
    """Draw a book with the inconsistencies of a tidy company."""
    return simulate(Options(accounts=accounts, months=months, seed=seed, base_rate=base_rate, mess=LIFELIKE))
