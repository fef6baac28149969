"""What was so already when a version was published: it does not fire for that."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.enrollment_tables import Baseline
from storage.session import Session
from storage.tables import Account
from storage.trigger_tables import Standing
from storage.triggers.conditions import Clause


async def take_standing(session: Session, slug: str, trigger: str, condition: Clause | None, now: datetime) -> None:
    """Note every account for which a condition holds, so that it fires only for those for which it becomes so.

    One that cannot be asked of the database has no such list: it fires the first time that an account is looked at and it holds.
    """
    if condition is None:
        return
    names = ("tenant", "playbook", "trigger", "account", "since")
    rows = select(literal(session.tenant), literal(slug), literal(trigger), col(Account.id), literal(now)).where(condition)
    await session.execute(insert(Standing).from_select(names, rows).on_conflict_do_nothing())


async def take_baseline(session: Session, slug: str, audience: Clause) -> None:
    """Note every account of the audience as there before, in place of those noted at an earlier publishing."""
    await session.execute(delete(Baseline).where(col(Baseline.playbook) == slug))
    rows = select(literal(session.tenant), literal(slug), col(Account.id)).where(audience)
    await session.execute(insert(Baseline).from_select(("tenant", "playbook", "account"), rows).on_conflict_do_nothing())


async def drop_from_baseline(session: Session, slug: str, audience: Clause, accounts: list[str] | None = None) -> None:
    """Let those who left the audience count as new when they come back; among some accounts, or among all."""
    there = select(col(Account.id)).where(col(Account.id) == col(Baseline.account), audience).exists()
    mine: list[ColumnElement[bool]] = [col(Baseline.playbook) == slug, ~there]
    if accounts is not None:
        mine.append(col(Baseline.account).in_(accounts))
    await session.execute(delete(Baseline).where(*mine), execution_options={"synchronize_session": False})


async def count_matching(session: Session, audience: Clause) -> int:
    """Count the accounts of an audience."""
    return int((await session.execute(select(func.count()).select_from(Account).where(audience))).scalar_one())
