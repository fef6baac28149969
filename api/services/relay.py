"""Carries on what a request began and could not finish: plays not started yet, events not looked at yet, news and questions not sent yet.

It also lets in the accounts that wait for room in a playbook, works launches off, opens their waves, tells many plays the same, frees
the locks of plays that are gone, and starts the timers of overrides of health.

Runs beside the requests of every API process and beside the plays of every worker.
Several at once do no harm: a start of the same id changes nothing, and news have ids.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from api.plays import Plays
from api.services.admitting import admit_all
from api.services.bulk import carry_jobs
from api.services.coming import bring_in_all, relay_changes, relay_housekeeping, relay_looks
from api.services.delivering import deliver_all
from api.services.health import Timers
from api.services.launch_course import carry_launches
from api.services.locks import free_locks
from api.services.settling import settle
from api.services.slack_desk import SlackDesk
from api.services.slack_presses import Press, answer_press
from api.services.starting import begin_all
from api.services.sweeps import relay_launches
from storage.repositories.deliveries import list_due_deliveries
from storage.repositories.events import change_event, list_due_events
from storage.repositories.runs import list_runs_to_start
from storage.repositories.tenants import find_tenant, save_tenant
from storage.session import Database
from storage.tables import Tenant

log = structlog.get_logger()

NEWS_PAUSE_S = 0.5
STARTS_PAUSE_S = 2.0
EVENTS_PAUSE_S = 1.0
QUESTIONS_PAUSE_S = 1.0
ADMISSIONS_PAUSE_S = 1.0
TRIGGERS_PAUSE_S = 0.5
LOOK_EVERY = timedelta(minutes=10)
LOCKS_PAUSE_S = 10.0
LAUNCHES_PAUSE_S = 2.0
OVERRIDES_PAUSE_S = 5.0
_GRACE = timedelta(seconds=5)
_BATCH = 100
_MOST_BATCHES = 50


async def make_tenant(database: Database, tenant: str) -> None:
    """Make the tenant of this installation if there is none yet, as soon as PostgreSQL is there."""
    while True:
        try:
            async with database.begin(tenant) as session:
                if await find_tenant(session) is None:
                    await save_tenant(session, Tenant(id=tenant, name=tenant))
        except (DBAPIError, OSError) as error:
            log.info("waiting for PostgreSQL", reason=type(error).__name__)
            await asyncio.sleep(STARTS_PAUSE_S)
        else:
            return


async def relay_forever(database: Database, plays: Plays, desk: SlackDesk, tenant: str, *, look_every: timedelta = LOOK_EVERY) -> None:
    """Relay until cancelled. While PostgreSQL or Temporal is away it waits for it.

    Args:
        database: where what is left over is written down.
        plays: those who are told.
        desk: what asks in Slack.
        tenant: whose.
        look_every: how often the clock is looked at for triggers that time alone makes fire.
    """
    timers = Timers()
    look_pause_s = min(look_every.total_seconds() / 10, 30.0)
    await asyncio.gather(
        _again_and_again(NEWS_PAUSE_S, lambda: relay_news(database, plays, tenant)),
        _again_and_again(STARTS_PAUSE_S, lambda: relay_starts(database, plays, tenant)),
        _again_and_again(EVENTS_PAUSE_S, lambda: relay_events(database, plays, desk, tenant)),
        _again_and_again(QUESTIONS_PAUSE_S, lambda: desk.ask_due(tenant)),
        _again_and_again(STARTS_PAUSE_S, lambda: relay_launches(database, plays, tenant)),
        _again_and_again(LOCKS_PAUSE_S, lambda: free_locks(database, plays, tenant)),
        _again_and_again(ADMISSIONS_PAUSE_S, lambda: admit_all(database, plays, tenant)),
        _again_and_again(TRIGGERS_PAUSE_S, lambda: relay_changes(database, plays, tenant)),
        _again_and_again(look_pause_s, lambda: relay_looks(database, tenant, look_every)),
        _again_and_again(look_every.total_seconds(), lambda: relay_housekeeping(database, tenant)),
        _again_and_again(LAUNCHES_PAUSE_S, lambda: carry_launches(database, plays, tenant)),
        _again_and_again(LAUNCHES_PAUSE_S, lambda: carry_jobs(database, plays, tenant)),
        _again_and_again(OVERRIDES_PAUSE_S, lambda: timers.keep(database, plays, tenant)),
    )


async def _again_and_again(pause_s: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # whatever it was, the next round may go well, and nobody else would do this work
            log.warning("relay waits", reason=type(error).__name__)
        await asyncio.sleep(pause_s)


async def relay_news(database: Database, plays: Plays, tenant: str) -> int:
    """Deliver the news that are due; give how many plays were told."""
    async with database.begin(tenant) as session:
        deliveries = await list_due_deliveries(session)
    return await deliver_all(database, plays, tenant, deliveries)


async def relay_starts(database: Database, plays: Plays, tenant: str, *, grace: timedelta = _GRACE) -> None:
    """Begin the plays that were written down longer than `grace` ago and of which nothing was heard yet."""
    async with database.begin(tenant) as session:
        runs = [run.id for run in await list_runs_to_start(session, datetime.now(UTC) - grace)]
    await begin_all(database, plays, tenant, runs)


async def relay_events(database: Database, plays: Plays, desk: SlackDesk, tenant: str) -> None:
    """Look at the events that are due, in batches as long as there are whole ones."""
    for _ in range(_MOST_BATCHES):
        async with database.begin(tenant) as session:
            due = await list_due_events(session, _BATCH)
        await settle_all(database, plays, desk, tenant, due)
        if len(due) < _BATCH:
            break


async def settle_all(database: Database, plays: Plays, desk: SlackDesk, tenant: str, event_ids: Sequence[str]) -> None:
    """Look at events one after the other, and tell the plays. What fails is left for the relay, and does not keep the others."""
    for event_id in event_ids:
        try:
            found = await settle(database, tenant, event_id)
            if isinstance(found, Press):
                await answer_press(desk, plays, tenant, found)
            else:
                await deliver_all(database, plays, tenant, found)
        except Exception as error:  # one that cannot be looked at must not keep the others
            log.warning("event not looked at yet", event_id=event_id, reason=type(error).__name__)
            await _look_later(database, tenant, event_id)
    if event_ids:
        await bring_in_all(database, plays, tenant)


async def _look_later(database: Database, tenant: str, event_id: str) -> None:
    with suppress(DBAPIError, OSError):
        async with database.begin(tenant) as session:
            await change_event(session, event_id, due_at=datetime.now(UTC) + _GRACE)
