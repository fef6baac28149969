"""The audience of a playbook as a query: which accounts of the book it is for."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true
from sqlmodel import col

from enrollment.rules import Rules
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.sql import CannotLower, lower
from playbook_dsl.resolve.scopes import fact_types
from storage.calendars import calendar_of
from storage.fact_columns import fact_column
from storage.fact_definitions import facts_of
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import Account


class AudienceNotSql(Exception):
    """The audience cannot be asked of the database; the message names the part."""


async def audience_condition(session: Session, rules: Rules, now: datetime) -> ColumnElement[bool]:
    """Give the audience as a condition on `account`.

    Raises:
        AudienceNotSql: a part of it is no query, for example because a field of the organisation's own is gone since.
    """
    source = rules.enroll.audience
    if source is None:
        return true()
    tenant = await find_tenant(session)
    calendar = calendar_of(None, tenant)
    found = lower(
        source,
        Scope(fact_types(tuple(facts_of(tenant)))),
        fact_column,
        now=now,
        today=now.astimezone(calendar.tz).date(),
        zone=calendar.zone,
        calendar=calendar,
    )
    if isinstance(found, CannotLower):
        raise AudienceNotSql("; ".join(problem.message for problem in found.problems))
    return found


async def count_audience(session: Session, condition: ColumnElement[bool]) -> int:
    """Count the accounts of an audience."""
    return int((await session.execute(select(func.count()).select_from(Account).where(condition))).scalar_one())


async def page_audience(session: Session, condition: ColumnElement[bool], after: str, limit: int) -> list[str]:
    """Give the ids of an audience after this one, by id."""
    query = select(col(Account.id)).where(condition, col(Account.id) > after).order_by(col(Account.id)).limit(limit)
    return list((await session.execute(query)).scalars())
