"""Named locks of accounts. Who waits is served by priority, then by age."""

from datetime import datetime

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from storage.session import Session
from storage.tables import AccountLock, Run


async def ask_for_lock(session: Session, account: str, name: str, run: str, key: str, priority: int) -> bool:
    """Queue for a lock, and say whether it is held now. Asking again changes nothing."""
    await _one_at_a_time(session, account, name)
    values = {"account": account, "name": name, "run": run, "key": key, "priority": priority, "granted": False}
    await session.execute(insert(AccountLock).values(tenant=session.tenant, **values).on_conflict_do_nothing())
    await _forget_ended_plays(session, account, name)
    holder = await _grant_next(session, account, name)
    return holder is not None and (holder.run, holder.key) == (run, key)


async def give_back_lock(session: Session, account: str, name: str, run: str, key: str) -> AccountLock | None:
    """Give a lock back, or leave its queue; give who holds it now."""
    await _one_at_a_time(session, account, name)
    mine = (col(AccountLock.account) == account, col(AccountLock.name) == name, col(AccountLock.run) == run, col(AccountLock.key) == key)
    await session.execute(delete(AccountLock).where(*mine))
    await _forget_ended_plays(session, account, name)
    return await _grant_next(session, account, name)


async def give_back_all(session: Session, account: str, run: str) -> list[AccountLock]:
    """Give back every lock of a play that has ended, and leave every queue; give who holds these locks now."""
    query = select(col(AccountLock.name)).where(col(AccountLock.account) == account, col(AccountLock.run) == run).distinct()
    found: list[AccountLock] = []
    for name in sorted((await session.execute(query)).scalars()):
        await _one_at_a_time(session, account, name)
        mine = (col(AccountLock.account) == account, col(AccountLock.name) == name, col(AccountLock.run) == run)
        await session.execute(delete(AccountLock).where(*mine).execution_options(synchronize_session=False))
        await _forget_ended_plays(session, account, name)
        holder = await _grant_next(session, account, name)
        found += [holder] if holder else []
    return found


async def list_contested(session: Session, since: datetime) -> list[Run]:
    """Give the plays that hold a lock for which another one waits since before this time."""
    waiting = aliased(AccountLock)
    behind = exists().where(
        col(waiting.account) == col(AccountLock.account),
        col(waiting.name) == col(AccountLock.name),
        ~col(waiting.granted),
        col(waiting.since) < since,
    )
    query = select(Run).join(AccountLock, col(AccountLock.run) == col(Run.id)).where(col(AccountLock.granted), behind)
    return list((await session.execute(query.order_by(col(Run.id)).limit(100))).scalars().unique())


async def _one_at_a_time(session: Session, account: str, name: str) -> None:
    place = f"{session.tenant}/{account}/{name}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(place, text("0")))))


async def _forget_ended_plays(session: Session, account: str, name: str) -> None:
    """A play that was ended by force gives nothing back itself."""
    ended = select(col(Run.id)).where(col(Run.state) == "closed")
    place = (col(AccountLock.account) == account, col(AccountLock.name) == name)
    await session.execute(delete(AccountLock).where(*place, col(AccountLock.run).in_(ended)).execution_options(synchronize_session=False))


async def _grant_next(session: Session, account: str, name: str) -> AccountLock | None:
    place = (col(AccountLock.account) == account, col(AccountLock.name) == name)
    order = (
        col(AccountLock.granted).desc(),
        col(AccountLock.priority).desc(),
        col(AccountLock.since),
        col(AccountLock.run),
        col(AccountLock.key),
    )
    query = select(AccountLock).where(*place).order_by(*order).limit(1).execution_options(populate_existing=True)
    first = (await session.execute(query)).scalar_one_or_none()
    if first is not None and not first.granted:
        mine = (col(AccountLock.run) == first.run, col(AccountLock.key) == first.key)
        await session.execute(update(AccountLock).where(*place, *mine).values(granted=True).execution_options(synchronize_session=False))
    return first
