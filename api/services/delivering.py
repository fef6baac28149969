"""Brings news to plays: at once for whoever made them, later by the relay."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from api.plays import Plays
from api.services.starting import begin
from storage.repositories.deliveries import news_of, postpone_delivery, remove_delivery
from storage.repositories.runs import find_starting_run
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


async def _begun(database: Database, plays: Plays, tenant: str, workflow_id: str, news: News) -> bool:
    """Begin a play that is written down and not begun yet, so that news of its first moment are not lost; False when there is none."""
    async with database.begin(tenant) as session:
        run_id = await find_starting_run(session, workflow_id)
    if run_id is None:
        return False
    await begin(database, plays, tenant, run_id)
    return await plays.tell(workflow_id, news)


async def _deliver(database: Database, plays: Plays, tenant: str, row: Delivery) -> bool:
    try:
        async with database.begin(tenant) as session:
            news = News.model_validate(news_of(session, row))
        told = await plays.tell(row.workflow_id, news) or await _begun(database, plays, tenant, row.workflow_id, news)
    except Exception:
        async with database.begin(tenant) as session:
            await postpone_delivery(session, row)
        raise
    async with database.begin(tenant) as session:
        await remove_delivery(session, row.id)
    return told
