"""The same condition gives the same answer in memory and in PostgreSQL, for every account, missing values included."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from playbook_dsl.expressions.check import check
from playbook_dsl.expressions.evaluate import evaluator
from playbook_dsl.expressions.sql import CannotLower, lower
from playbook_dsl.types import BOOL
from playbook_dsl.values import Value
from tests.playbook_dsl.expressions.accounts import NOW, SCOPE, TABLE, TODAY, column, remembered, rows, stored
from tests.playbook_dsl.expressions.sources import booleans

pytestmark = pytest.mark.servers


class Book:
    """One connection whose table is filled anew for every batch."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._url = url.replace("postgresql://", "postgresql+asyncpg://")
        self._connection: AsyncConnection = self._runner.run(self._open())
        self.compared = self.refused = 0

    async def _open(self) -> AsyncConnection:
        connection = await create_async_engine(self._url, poolclass=NullPool).connect()
        await connection.run_sync(lambda sync: TABLE.drop(sync, checkfirst=True))
        await connection.run_sync(TABLE.create)
        await connection.commit()
        return connection

    def answers(self, accounts: list[dict[str, Value]], sources: list[str]) -> list[tuple[bool, ...]]:
        return self._runner.run(self._answers(accounts, sources))

    async def _answers(self, accounts: list[dict[str, Value]], sources: list[str]) -> list[tuple[bool, ...]]:
        if not sources:
            return [() for _ in accounts]
        conditions = []
        for source in sources:
            condition = lower(source, SCOPE, column, now=NOW, today=TODAY)
            assert not isinstance(condition, CannotLower), (source, condition)
            conditions.append(func.coalesce(condition, literal(False)))
        try:
            await self._connection.execute(delete(TABLE))
            await self._connection.execute(insert(TABLE), [{"id": number, **stored(row)} for number, row in enumerate(accounts)])
            result = await self._connection.execute(select(*conditions).select_from(TABLE).order_by(TABLE.c.id))
            return [tuple(row) for row in result]
        finally:
            await self._connection.rollback()

    def close(self) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()


@pytest.fixture(scope="module")
def book(postgres_url: str) -> Iterator[Book]:
    book = Book(postgres_url)
    yield book
    book.close()
    assert book.compared > 3_000
    assert book.compared > 10 * book.refused


# Without shrinking: a smaller case is sought by the shortest source instead, which takes no further queries.
@settings(max_examples=35, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(accounts=st.lists(rows, min_size=8, max_size=25), sources=st.lists(booleans, min_size=10, max_size=25))
def test_memory_and_database_answer_alike(book: Book, accounts: list[dict[str, Value]], sources: list[str]) -> None:
    lowered = []
    for source in sources:
        errors = check(source, SCOPE, expects=BOOL).errors
        assert {problem.code for problem in errors} <= {"PB307"}, source  # two literals of two currencies
        if isinstance(lower(source, SCOPE, column, now=NOW, today=TODAY), CannotLower):
            book.refused += len(accounts)
        else:
            lowered.append(source)
    in_memory = [tuple(evaluator(source)(remembered(row)) is True for source in lowered) for row in accounts]
    in_database = book.answers(accounts, lowered)
    book.compared += len(lowered) * len(accounts)

    differences = [
        (source, row, memory, database)
        for row, memories, databases in zip(accounts, in_memory, in_database, strict=True)
        for source, memory, database in zip(lowered, memories, databases, strict=True)
        if memory != database
    ]
    differences.sort(key=lambda difference: len(difference[0]))
    assert differences == []
