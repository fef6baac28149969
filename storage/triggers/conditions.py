"""Conditions over accounts as SQL, with the clock and the calendar of the team."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, true

from playbook_dsl.expressions.scope import Scope as Names
from playbook_dsl.expressions.sql import CannotLower, lower
from playbook_dsl.resolve.scopes import fact_types
from storage.calendars import calendar_of
from storage.fact_columns import fact_column
from storage.fact_definitions import facts_of
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import Tenant

Clause: TypeAlias = ColumnElement[Any]


@dataclass(frozen=True)
class Lowering:
    """Turns conditions into clauses of a query from `account`."""

    tenant: Tenant | None
    now: datetime

    def clause(self, condition: str | None) -> Clause | None:
        """Give a condition as SQL; no condition is met by all. None when it cannot be asked of the database."""
        if condition is None:
            return true()
        calendar = calendar_of(None, self.tenant)
        found = lower(
            condition,
            Names(fact_types(facts_of(self.tenant))),
            fact_column,
            now=self.now,
            today=self.now.astimezone(calendar.tz).date(),
            zone=calendar.zone,
            calendar=calendar,
        )
        return None if isinstance(found, CannotLower) else found


async def lowering(session: Session, now: datetime) -> Lowering:
    """Give what turns conditions into SQL for the session's tenant."""
    return Lowering(await find_tenant(session), now)
