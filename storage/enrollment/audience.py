"""The audience of a playbook as SQL over all accounts."""

from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select, text, true
from sqlalchemy.dialects.postgresql import asyncpg
from sqlmodel import col

from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.sql import CannotLower, lower
from playbook_dsl.resolve.scopes import fact_types
from storage.calendars import calendar_of
from storage.fact_columns import fact_column
from storage.fact_definitions import facts_of
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import Account

_GATHERED: Final = text("CREATE TEMPORARY TABLE gathered (row integer, account text) ON COMMIT DROP")
_WRITE_DOWN: Final = text(
    "INSERT INTO launch_account (tenant, launch, row, account, state, reason, detail) "
    "SELECT :tenant, :launch, row, account, '', '', '' FROM gathered"
)
_FORGET: Final = text("DROP TABLE gathered")


class AudienceUnusable(Exception):
    """The audience cannot be asked of the database any more, such as after a field of the tenant's own was removed."""


async def audience_condition(session: Session, source: str | None, now: datetime) -> ColumnElement[bool]:
    """Give the condition that selects the audience from `account`; without one all accounts.

    Raises:
        AudienceUnusable: naming the part that cannot be turned.
    """
    if source is None:
        return true()
    tenant = await find_tenant(session)
    calendar = calendar_of(None, tenant)
    condition = lower(
        source,
        Scope(fact_types(facts_of(tenant))),
        fact_column,
        now=now,
        today=now.astimezone(calendar.tz).date(),
        zone=calendar.zone,
        calendar=calendar,
    )
    if isinstance(condition, CannotLower):
        problem = condition.problems[0]
        part = source[problem.offset : problem.offset + problem.length]
        raise AudienceUnusable(f'the audience cannot be asked of the database: "{part}": {problem.message}')
    return condition


async def count_audience(session: Session, condition: ColumnElement[bool]) -> int:
    """Count the accounts of an audience."""
    return int((await session.execute(select(func.count()).select_from(Account).where(condition))).scalar_one())


async def page_audience(session: Session, condition: ColumnElement[bool], after: str, limit: int) -> list[str]:
    """Give the ids of an audience after this one, by id."""
    query = select(col(Account.id)).where(condition, col(Account.id) > after).order_by(col(Account.id)).limit(limit)
    return list((await session.execute(query)).scalars())


async def gather_audience(session: Session, launch: str, source: str | None, now: datetime) -> int:
    """Write down the accounts of an audience for a launch, in the order of their ids; give how many.

    An INSERT with the condition in it would scan with one process only. COPY scans with several, and its file keeps the ids out of memory;
    what it cannot do is write into a table with row-level security, so they come in by way of a table of the transaction's own.
    """
    condition = await audience_condition(session, source, now)
    matching = select(func.row_number().over(order_by=col(Account.id)), col(Account.id)).where(condition)
    statement, values = _as_text(matching)
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise RuntimeError("the connection has no driver")
    with TemporaryFile() as ids:
        await driver.copy_from_query(statement, *values, output=ids, format="csv")
        ids.seek(0)
        await connection.execute(_GATHERED)
        await driver.copy_to_table("gathered", source=ids, format="csv")
    written = await connection.execute(_WRITE_DOWN, {"tenant": session.tenant, "launch": launch})
    await connection.execute(_FORGET)
    return int(written.rowcount)


def _as_text(query: Select[Any]) -> tuple[str, list[object]]:
    """Give a query as the driver wants it, with its values in their order."""
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
    compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    values: list[object] = []
    for name in compiled.positiontup or ():
        bind = compiled.binds.get(name)
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect) if bind is not None else None
        value = compiled.params[name]
        values.append(convert(value) if convert is not None else value)
    return str(compiled), values
