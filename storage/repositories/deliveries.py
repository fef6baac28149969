"""News on its way to plays: written with what made it, taken away when the play has it.

Two may bring the same news (the request that made it, and the relay); a play hears it once, because news have ids.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlmodel import col

from playbook_dsl.values import Json
from storage.ids import new_id
from storage.session import Session
from storage.tables import Delivery

# Who makes a delivery tries it at once; the relay takes what is left after this.
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE_S = 300.0


async def add_delivery(session: Session, workflow_id: str, news: Json, *, pause: timedelta = _FIRST_PAUSE) -> Delivery:
    """Note news for a play; `news` is the JSON of a `workflows.messages.News`. The relay waits for `pause` before it takes it."""
    row = Delivery(tenant=session.tenant, id=new_id(), workflow_id=workflow_id)
    row.news = session.seal("delivery", "news", row.id, news)
    row.due_at = datetime.now(UTC) + pause
    session.add(row)
    await session.flush()
    return row


def news_of(session: Session, row: Delivery) -> Json:
    """Open the news of a delivery."""
    return session.open("delivery", "news", row.id, row.news)


async def list_due_deliveries(session: Session, limit: int = 100) -> list[Delivery]:
    """Give the deliveries that are due, the oldest first."""
    query = select(Delivery).where(col(Delivery.due_at) <= func.now()).order_by(col(Delivery.due_at), col(Delivery.id)).limit(limit)
    return list((await session.execute(query)).scalars())


async def remove_delivery(session: Session, delivery_id: str) -> None:
    """Forget a delivery: the play has it, or has ended."""
    await session.execute(delete(Delivery).where(col(Delivery.tenant) == session.tenant, col(Delivery.id) == delivery_id))


async def postpone_delivery(session: Session, row: Delivery) -> None:
    """Try again later, after pauses that double up to five minutes."""
    pause = timedelta(seconds=min(2.0**row.attempts, _LONGEST_PAUSE_S))
    values = {"attempts": row.attempts + 1, "due_at": func.now() + pause}
    await session.execute(update(Delivery).where(col(Delivery.tenant) == session.tenant, col(Delivery.id) == row.id).values(values))
