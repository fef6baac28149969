"""The people of a team, and who gets the next piece of work."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.session import Session
from storage.tables import Account, Person, RoundRobin, Task


async def save_people(session: Session, people: Sequence[Person]) -> None:
    """Make people, or bring them up to date."""
    if not people:
        return
    rows = [person.model_dump() | {"tenant": session.tenant} for person in people]
    statement = insert(Person).values(rows)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in ("tenant", "id")}
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=changes))


async def list_people(session: Session) -> list[Person]:
    """Give everybody, by id."""
    return list((await session.execute(select(Person).order_by(col(Person.id)))).scalars())


async def find_person(session: Session, name: str) -> Person | None:
    """Give the active person with this id or e-mail address."""
    query = select(Person).where(or_(col(Person.id) == name, func.lower(col(Person.email)) == name.lower()), col(Person.active))
    return (await session.execute(query.order_by(col(Person.id) != name, col(Person.id)).limit(1))).scalar_one_or_none()


async def find_csm(session: Session, account: str) -> Person | None:
    """Give the CSM of an account, who may not be active any more."""
    query = select(Person).join(Account, col(Account.csm) == col(Person.id)).where(col(Account.id) == account)
    return (await session.execute(query)).scalar_one_or_none()


async def list_people_by_ids(session: Session, ids: Sequence[str]) -> list[Person]:
    """Give the people with these ids, whether active or not."""
    return list((await session.execute(select(Person).where(col(Person.id).in_(ids)))).scalars())


async def list_people_by_role(session: Session, role: str) -> list[Person]:
    """Give the active people with a role, by id."""
    query = select(Person).where(col(Person.roles).contains([role]), col(Person.active)).order_by(col(Person.id))
    return list((await session.execute(query)).scalars())


async def find_least_loaded(session: Session, *, team: str | None = None, role: str | None = None) -> Person | None:
    """Give the active person of a team or with a role who has the fewest open items; by id among equals."""
    load = select(func.count()).where(col(Task.owner) == col(Person.id), col(Task.status) == "open").correlate(Person).scalar_subquery()
    query = select(Person).where(col(Person.active)).order_by(load, col(Person.id)).limit(1)
    if team is not None:
        query = query.where(col(Person.teams).contains([team]))
    if role is not None:
        query = query.where(col(Person.roles).contains([role]))
    return (await session.execute(query)).scalar_one_or_none()


async def take_next_of_team(session: Session, team: str) -> Person | None:
    """Give the active person of a team whose turn it is, and move the turn on. Two transactions at once get two people."""
    # The row is locked before it is read, so that a second transaction waits and then sees whose turn it is.
    await session.execute(insert(RoundRobin).values(tenant=session.tenant, team=team, last="").on_conflict_do_nothing())
    turn = (await session.execute(select(RoundRobin).where(col(RoundRobin.team) == team).with_for_update())).scalar_one()
    members = select(Person).where(col(Person.teams).contains([team]), col(Person.active)).order_by(col(Person.id)).limit(1)
    following = (await session.execute(members.where(col(Person.id) > turn.last))).scalar_one_or_none()
    chosen = following or (await session.execute(members)).scalar_one_or_none()
    if chosen is not None:
        turn.last = chosen.id
        await session.flush()
    return chosen
