"""Messages to people at customers: counted before one more is sent, and who waits for their turn.

Whoever sends counts and writes in one transaction, under a lock of the account and of each recipient for the channel, and by the clock of
the database: so however many workers send at once, nobody gets more than their budget allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from sqlalchemy import ColumnElement, and_, delete, exists, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from enrollment.budget import Before
from playbook_dsl.values import Json
from storage.session import Session
from storage.tables import METADATA, Run, Tenant
from storage.touch_tables import Touch, TouchWait

_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(place), clock_timestamp() FROM ("
    "SELECT DISTINCT hashtextextended(name, 14) AS place FROM unnest(CAST(:names AS text[])) AS name ORDER BY 1) AS places"
)
_NOW: Final = func.clock_timestamp()
_TOUCHES: Final = METADATA.tables["touch"]
_ADD: Final = insert(_TOUCHES).values(at=_NOW).on_conflict_do_update(index_elements=["tenant", "effect", "recipient"], set_={"at": _NOW})


@dataclass(frozen=True)
class Mine:
    """The message that asks: its effect, and how urgent it is against others."""

    effect: str
    urgent: bool = False
    priority: int = 0


class RunRow(TypedDict):
    """Whose a message is."""

    account: str
    run: str
    playbook: str


async def lock_touches(session: Session, account: str, channel: str, recipients: Sequence[str]) -> datetime:
    """Let nobody else send to the account or to these recipients by this channel before the transaction ends; give the time."""
    # In the order of the locks, so that two who need the same never wait for each other.
    names = [f"{session.tenant}/{channel}/{name}" for name in (f"account {account}", *recipients)]
    times: list[datetime] = [at for _, at in await session.execute(_LOCK, {"names": names})]
    return max(times)


async def list_sent(
    session: Session, channel: str, since: datetime, *, recipients: Sequence[str] = (), account: str | None = None, but: str = ""
) -> dict[str, list[datetime]]:
    """Give when messages were sent since a time, by recipient, or with `account` those of the account under the empty name.

    A message to several people of an account is one message of the account. Those of the effect `but` are not counted.
    """
    who = literal("") if account is not None else col(Touch.recipient)
    mine = col(Touch.account) == account if account is not None else col(Touch.recipient).in_(recipients)
    query = select(who.label("who"), func.max(col(Touch.at)))
    query = query.where(mine, col(Touch.channel) == channel, col(Touch.at) > since, col(Touch.effect) != but)
    found: dict[str, list[datetime]] = {}
    for name, at in await session.execute(query.group_by("who", col(Touch.effect))):
        found.setdefault(str(name), []).append(at)
    return found


async def list_before(session: Session, mine: Mine, account: str, channel: str, recipients: Sequence[str]) -> dict[str, list[Before]]:
    """Give who waits and goes before this message, by recipient (empty: the account); those of plays that have ended are left out."""
    alive = or_(_counted_on(), col(TouchWait.effect) == mine.effect)
    place = or_(col(TouchWait.recipient).in_(recipients), and_(col(TouchWait.recipient) == "", col(TouchWait.account) == account))
    query = select(TouchWait).where(place, col(TouchWait.channel) == channel, alive)
    rows = list((await session.execute(query)).scalars())
    since = {row.recipient: row.since for row in rows if row.effect == mine.effect}
    found: dict[str, list[Before]] = {}
    for row in rows:
        own = since.get(row.recipient)
        # Who asks for the first time is the youngest of all.
        older = own is None or (row.since, row.effect) < (own, mine.effect)
        if row.effect != mine.effect and (row.urgent, row.priority, older) > (mine.urgent, mine.priority, False):
            found.setdefault(row.recipient, []).append(Before(row.until, row.gone_at))
    return found


async def add_touches(session: Session, effect: str, run: RunRow, channel: str, recipients: Sequence[str]) -> None:
    """Write down that a message is about to be sent; one that was written down before is sent now."""
    mine = {"tenant": session.tenant, "effect": effect, "channel": channel, **run}
    rows = [{**mine, "recipient": recipient} for recipient in sorted(set(recipients))]
    connection = await session.connection()
    await connection.execute(_ADD, rows)


async def forget_touches(session: Session, effect: str) -> None:
    """Forget a message that was not sent."""
    await session.execute(delete(Touch).where(col(Touch.effect) == effect))


async def wait_for_turn(session: Session, waits: Sequence[Mapping[str, object]]) -> None:
    """Write down that a message waits; one that waits already keeps its age."""
    new = insert(TouchWait)
    changes = {name: new.excluded[name] for name in ("until", "gone_at", "why", "urgent", "priority")}
    statement = new.on_conflict_do_update(index_elements=["tenant", "effect", "recipient"], set_=changes)
    await session.execute(statement, [{"tenant": session.tenant, **wait} for wait in waits])


async def wait_no_more(session: Session, effect: str) -> None:
    """Forget that a message waits."""
    await session.execute(delete(TouchWait).where(col(TouchWait.effect) == effect))


async def list_waiting(session: Session, account: str) -> list[TouchWait]:
    """Give the messages that wait for a recipient of an account, those that go first at the beginning."""
    order = (col(TouchWait.channel), col(TouchWait.recipient), col(TouchWait.urgent).desc(), col(TouchWait.priority).desc())
    query = select(TouchWait).where(col(TouchWait.account) == account, _counted_on())
    return list((await session.execute(query.order_by(*order, col(TouchWait.since), col(TouchWait.effect)))).scalars())


async def find_default_budgets(session: Session) -> Mapping[str, Json]:
    """Give the budgets that hold for every playbook which has none of its own for a channel."""
    found = (await session.execute(select(col(Tenant.settings)["budget"]).where(col(Tenant.id) == session.tenant))).scalar_one_or_none()
    return found if isinstance(found, dict) else {}


def _counted_on() -> ColumnElement[bool]:
    """Say whether somebody who waits still does: the play has not ended, and it asks again when its time comes."""
    ended = exists().where(col(Run.id) == col(TouchWait.run), col(Run.state) == "closed")
    return and_(col(TouchWait.gone_at) > _NOW, ~ended)
