"""A simulated book in the database, as an import would bring it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from scoring.observations import Observation
from scoring.simulate.book import Book, simulate
from scoring.simulate.options import Options
from storage.repositories.observations import Seen, add_observations, make_months
from storage.session import Database
from storage.tables import METADATA

TENANT = "acme"
START = date(2024, 11, 4)
_AT_ONCE = 20_000


def drawn(accounts: int = 300, *, base_rate: float = 0.08, months: int = 24, seed: int = 7) -> Book:
    """A book that ends near today, with more churn than usual, so that few accounts carry a model."""
    return simulate(Options(accounts=accounts, months=months, seed=seed, start=START, base_rate=base_rate))


async def fill(database: Database, book: Book, until: datetime, tenant: str = TENANT) -> None:
    """Bring accounts and everything that was seen of them by a moment into the database."""
    seen = [stored(each) for each in book.observations() if each.ingested_at <= until]
    rows = [{"tenant": tenant, "id": account, "name": account, "currency": "EUR", "mrr": 1000} for account in book.accounts.ids.tolist()]
    async with database.begin(tenant) as session:
        await session.execute(METADATA.tables["account"].insert(), rows)
        await make_months(session, "observation", {each.occurred_at.date() for each in seen})
    for first in range(0, len(seen), _AT_ONCE):
        async with database.begin(tenant) as session:
            await add_observations(session, seen[first : first + _AT_ONCE])


def stored(each: Observation) -> Seen:
    return Seen(each.account, each.occurred_at, each.id, each.kind, each.subject, each.values, each.ingested_at)


def end_of(book: Book) -> datetime:
    return datetime.combine(book.end, datetime.min.time(), UTC)
