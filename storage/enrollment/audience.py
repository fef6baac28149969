"""The audience of a playbook as SQL over all accounts."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, literal, select, true
from sqlmodel import col

from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.sql import CannotLower, lower
from playbook_dsl.resolve.scopes import fact_types
from storage.calendars import calendar_of
from storage.enrollment_tables import LaunchAccount
from storage.fact_columns import fact_column
from storage.fact_definitions import facts_of
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import Account


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
    """Write down the accounts of an audience for a launch, in the order of their ids; give how many. They never leave the database."""
    condition = await audience_condition(session, source, now)
    number = func.row_number().over(order_by=col(Account.id))
    undecided = literal("")
    matching = select(literal(session.tenant), literal(launch), number, col(Account.id), undecided, undecided, undecided).where(condition)
    columns = ["tenant", "launch", "row", "account", "state", "reason", "detail"]
    written = await session.execute(insert(LaunchAccount).from_select(columns, matching))
    return int(written.rowcount)  # type: ignore[attr-defined]  # every result of an INSERT has it
