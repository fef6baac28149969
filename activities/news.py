"""News for plays: noted in the transaction that makes them, brought by the relay once it is committed."""

from datetime import timedelta
from typing import Literal

from activities.contracts import JsonTree
from storage.repositories.deliveries import add_delivery
from storage.session import Session

_AT_ONCE = timedelta(0)


async def tell_play(
    session: Session,
    workflow_id: str,
    *,
    kind: Literal["event", "facts", "object", "lock_granted"],
    news_id: str,
    name: str | None = None,
    key: str | None = None,
    fields: dict[str, JsonTree] | None = None,
) -> None:
    """Note news for a play. The same `news_id` twice is heard once."""
    news: JsonTree = {"kind": kind, "id": news_id, "name": name, "key": key, "fields": fields or {}}
    await add_delivery(session, workflow_id, news, pause=_AT_ONCE)
