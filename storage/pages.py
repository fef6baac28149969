"""Keyset pagination: a page begins after the last row of the one before, however many rows come and go meanwhile."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, SQLColumnExpression, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import Tuple
from sqlalchemy.types import TypeDecorator

from playbook_dsl.values import from_json, to_json

MAX_PAGE = 200
Row = TypeVar("Row")


class BadCursor(Exception):
    """A cursor that no page of this list has given."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, and the cursor of the next page (None: this was the last)."""

    items: list[Row]
    next: str | None


async def fetch_page(
    session: AsyncSession,
    query: Select[Row],
    order: Sequence[SQLColumnExpression[Any]],
    *,
    descending: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row]:
    """Give the rows of a query after a cursor.

    Args:
        session: the transaction to read in.
        query: selects one entity; has no order of its own.
        order: the columns of the order; together they are unique and none is null.
        descending: whether all of them go down.
        after: the cursor of the page before, None for the first page.
        limit: rows a page, 1 to 200; anything else is brought into that range.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    limit = max(1, min(limit, MAX_PAGE))
    if after is not None:
        place = _read(after, order)
        query = query.where(tuple_(*order) < place if descending else tuple_(*order) > place)
    ordered = query.order_by(*(column.desc() if descending else column.asc() for column in order)).limit(limit + 1)
    rows = (await session.execute(ordered.add_columns(*order))).all()
    more = len(rows) > limit
    return Page([row[0] for row in rows[:limit]], _write(rows[limit - 1][1:]) if more else None)


def _write(values: Sequence[object]) -> str:
    text = json.dumps([to_json(value) for value in values], separators=(",", ":"))  # type: ignore[arg-type]  # keys of an order are plain values
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, order: Sequence[SQLColumnExpression[Any]]) -> Tuple:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(order):
            raise BadCursor("the cursor belongs to another list")
        typed = [from_json(value) for value in values]
        types = tuple_(*order).type.types
        for value, kind in zip(typed, types, strict=True):
            plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
            if not isinstance(value, plain.python_type) or (isinstance(value, str) and "\x00" in value):
                raise BadCursor("the cursor belongs to another list")
    except (ValueError, TypeError, AttributeError) as error:
        raise BadCursor("the cursor was not made by this list") from error
    return tuple_(*(literal(value, kind) for value, kind in zip(typed, types, strict=True)))
