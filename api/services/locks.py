"""Frees locks of accounts whose play is gone: ended by force in Temporal, it gave nothing back and wrote nothing down."""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from api.plays import Plays
from storage.repositories.deliveries import add_delivery
from storage.repositories.locks import give_back_all, list_contested
from storage.repositories.runs import find_run
from storage.session import Database
from workflows.messages import News

log = structlog.get_logger()

_PATIENCE: Final = timedelta(seconds=10)


async def free_locks(database: Database, plays: Plays, tenant: str, *, patience: timedelta = _PATIENCE) -> int:
    """Free the locks that others wait for and whose play Temporal does not know any more; give how many plays held some.

    Raises:
        TemporalAway: nobody can tell.
    """
    async with database.begin(tenant) as session:
        holders = await list_contested(session, datetime.now(UTC) - patience)
    freed = 0
    for run in holders:
        # One that is about to begin is not in Temporal yet.
        if run.state == "starting" or await plays.is_under_way(run.workflow_id):
            continue
        log.warning("lock freed: its play is gone", run=run.id)
        await _free(database, tenant, run.account, run.id)
        freed += 1
    return freed


async def _free(database: Database, tenant: str, account: str, run_id: str) -> None:
    async with database.begin(tenant) as session:
        for holder in await give_back_all(session, account, run_id):
            waiting = await find_run(session, holder.run)
            if waiting is not None:
                news = News(
                    kind="lock_granted", id=f"lock:{holder.name}:{holder.run}:{holder.key}:{holder.since.isoformat()}", key=holder.key
                )
                await add_delivery(session, waiting.workflow_id, news.model_dump(mode="json"), pause=timedelta(0))
