"""Brings news to plays: at once for whoever made them, later by the relay."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from api.plays import Plays
from storage.repositories.deliveries import news_of, postpone_delivery, remove_delivery
from storage.session import Database
from storage.tables import Delivery
from workflows.messages import News

log = structlog.get_logger()

_AT_ONCE: Final = 20


async def deliver_all(database: Database, plays: Plays, tenant: str, deliveries: Sequence[Delivery]) -> int:
    """Bring news to plays; give how many were told. What fails is tried again later."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Delivery) -> bool:
        async with free:
            try:
                return await _deliver(database, plays, tenant, row)
            except Exception as error:  # one that cannot be delivered must not keep the others
                log.warning("news not delivered yet", workflow_id=row.workflow_id, reason=type(error).__name__)
                return False

    return sum(await asyncio.gather(*(one(row) for row in deliveries)))


async def _deliver(database: Database, plays: Plays, tenant: str, row: Delivery) -> bool:
    try:
        async with database.begin(tenant) as session:
            news = News.model_validate(news_of(session, row))
        told = await plays.tell(row.workflow_id, news)
    except Exception:
        async with database.begin(tenant) as session:
            await postpone_delivery(session, row)
        raise
    async with database.begin(tenant) as session:
        await remove_delivery(session, row.id)
    return told
