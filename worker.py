"""The composition root on the Temporal side: settings in, a worker that plays. Run it with `python -m worker`.

PostgreSQL and Temporal may be away when it starts: it says so in one line and waits. When they go away later nothing is lost, and it
carries on by itself when they are back.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.attempts import Attempts
from activities.connections import Connections
from activities.effects import Pause
from activities.registry import Activity, Dependencies, build_activities
from activities.scoring.serving import Serving
from activities.syncing import Vendors, wanted_syncs
from api.plays import Plays
from api.services.relay import relay_forever
from api.services.slack_desk import SlackDesk
from connectors.email.mail import Mailer
from connectors.email.outbox import FolderOutbox
from connectors.email.smtp import Smtp
from connectors.http.client import WebClient
from connectors.registry import VENDORS
from logs import configure_logging
from settings import SettingInvalid, SettingMissing, Settings, read_settings
from storage.encryption import PAYLOADS, BoundKeys, KeyRing
from storage.enrollment.schedules import list_schedules
from storage.repositories.tenants import find_tenant
from storage.session import Database
from workflows.client import Address, TemporalAway, connect
from workflows.messages import QUEUE_PLAYS, QUEUE_SCORING, sweep_schedule_id
from workflows.outlet import TemporalPlays
from workflows.override import HealthOverride
from workflows.playbook_run import PlaybookRun
from workflows.schedules import SweepPlan, keep_schedules, keep_scoring, keep_sweeps
from workflows.scoring import ScoringBackfill, ScoringDrift, ScoringNight, ScoringTraining
from workflows.sweep import LaunchSweep
from workflows.sync import SyncTick, VendorSync

_LOG = structlog.get_logger("worker")
_PAUSE_S = 1.0
_SCHEDULES_PAUSE_S = 5.0
WORKFLOWS: tuple[type, ...] = (PlaybookRun, LaunchSweep, VendorSync, SyncTick, HealthOverride)
SCORING_WORKFLOWS: tuple[type, ...] = (ScoringNight, ScoringBackfill, ScoringTraining, ScoringDrift)


class DatabaseAway(Exception):
    """PostgreSQL could not be reached; the message is one sentence for the operator."""


def build_worker(client: Client, activities: Sequence[Activity], settings: Settings, workflows: Sequence[type] = WORKFLOWS) -> Worker:
    """Make the worker of the queue of plays. One queue for all: a second one for connectors would cost each step a round trip."""
    pollers = PollerBehaviorAutoscaling()
    return Worker(
        client,
        task_queue=QUEUE_PLAYS,
        workflows=workflows,
        activities=activities,
        interceptors=[Attempts()],
        max_cached_workflows=settings.worker_cached_plays,
        workflow_task_poller_behavior=pollers,
        activity_task_poller_behavior=pollers,
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_stop_grace_s),
    )


def build_scorer(client: Client, activities: Sequence[Activity], settings: Settings) -> Worker:
    """Make the worker of the queue of scoring: one computation at a time, so that plays beside it keep their share of the machine."""
    return Worker(
        client,
        task_queue=QUEUE_SCORING,
        workflows=SCORING_WORKFLOWS,
        activities=activities,
        max_concurrent_activities=1,
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_stop_grace_s),
    )


@asynccontextmanager
async def working(client: Client, activities: Sequence[Activity], settings: Settings) -> AsyncIterator[None]:
    """Work at the queues this process is given."""
    builders = {QUEUE_PLAYS: build_worker, QUEUE_SCORING: build_scorer}
    async with AsyncExitStack() as stack:
        for queue in settings.queues():
            await stack.enter_async_context(builders[queue](client, activities, settings))
        yield


@asynccontextmanager
async def opened(
    settings: Settings, *, after_answer: Pause | None = None, vendors: Vendors = VENDORS
) -> AsyncIterator[tuple[Client, list[Activity]]]:
    """Connect to everything the worker needs, and give the client and the activities.

    Args:
        settings: where everything is.
        after_answer: see `activities.effects.Ledger`; only the drill sets it.
        vendors: those that are synced; tests have others.

    Raises:
        DatabaseAway, TemporalAway: not reachable in time.
        SettingMissing: a setting it cannot do without is not there.
    """
    keys = KeyRing.parse(settings.require_encryption_keys())
    database = Database(settings.require_database_url(), keys, pool_size=settings.database_pool_size)
    connections = Connections(database, settings.vendor_sandbox_url)
    scoring = Serving(database, connections)
    cipher = BoundKeys(keys, PAYLOADS) if settings.temporal_sealed else None
    try:
        _, client = await asyncio.gather(
            _wait_for_database(database, settings.database_connect_timeout_s),
            connect(Address.of(settings), cipher=cipher, wait_s=settings.temporal_connect_timeout_s, say=_LOG.info),
        )
        dependencies = Dependencies(
            database=database,
            plays=TemporalPlays(client),
            mailer=_mailer(settings),
            web=WebClient(
                timeout_s=settings.http_request_timeout_s,
                allowed_hosts=_names(settings.http_allowed_hosts),
                private_hosts=_names(settings.http_private_hosts),
            ),
            sender=settings.email_from,
            connections=connections,
            after_answer=after_answer,
            vendors=vendors,
            scoring=scoring,
        )
        async with _relaying(database, client, settings, vendors, scoring):
            yield client, build_activities(dependencies)
    finally:
        scoring.close()
        await connections.close()
        await database.close()


@asynccontextmanager
async def _relaying(database: Database, client: Client, settings: Settings, vendors: Vendors, scoring: Serving) -> AsyncIterator[None]:
    """Bring to plays what activities noted for them, and begin plays whose request died before it could, also while no API runs.

    The schedules of syncs and sweeps are kept as connections, settings and playbooks want them, too, and the models that score are loaded.
    """

    async def connected() -> Client:
        return client

    plays = Plays(connected, settings.temporal_ui_url, settings.temporal_namespace)
    desk = SlackDesk(database, settings.vendor_sandbox_url)
    look_every = timedelta(seconds=settings.trigger_look_interval_s)
    relay = asyncio.create_task(relay_forever(database, plays, desk, settings.tenant, look_every=look_every), name="relay")
    schedules = asyncio.create_task(_keep_schedules(database, client, settings, vendors), name="schedules")
    models = asyncio.create_task(scoring.keep_warm(settings.tenant), name="models")
    try:
        yield
    finally:
        for task in (relay, schedules, models):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _keep_schedules(database: Database, client: Client, settings: Settings, vendors: Vendors) -> None:
    """Look every few seconds which vendors are to be synced how often, which playbooks swept when, and that scoring has its nights.

    Every worker does so; the same twice changes nothing.
    """
    syncs: dict[str, int] | None = None
    sweeps: dict[str, SweepPlan] | None = None
    zone: str | None = None
    names = [name for name, vendor in vendors.items() if vendor.records]
    while True:
        try:
            async with database.begin(settings.tenant) as session:
                wanted = await wanted_syncs(session, vendors, settings.sync_interval_min)
                plans = [SweepPlan(*each) for each in await list_schedules(session)]
                tenant = await find_tenant(session)
            syncs = await keep_schedules(client, settings.tenant, names, wanted, syncs)
            swept = {sweep_schedule_id(settings.tenant, plan.playbook, plan.trigger_id): plan for plan in plans}
            sweeps = await keep_sweeps(client, settings.tenant, swept, sweeps)
            zone = await keep_scoring(client, settings.tenant, tenant.zone if tenant else "UTC", zone)
        except (DBAPIError, OSError, RPCError) as error:
            _LOG.info("schedules are looked after later", reason=type(error).__name__)
        await asyncio.sleep(_SCHEDULES_PAUSE_S)


async def run(settings: Settings, *, after_answer: Pause | None = None) -> None:
    """Play until told to stop (SIGTERM, SIGINT); actions under way get time to end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(settings, after_answer=after_answer) as (client, activities), working(client, activities, settings):
        _LOG.info("the worker is ready", temporal=settings.temporal_address, queues=", ".join(settings.queues()))
        await stop.wait()
        _LOG.info("the worker stops; actions under way get time to end", seconds=settings.worker_stop_grace_s)


async def _wait_for_database(database: Database, wait_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    waiting = False
    while True:
        with suppress(OSError, DBAPIError, TimeoutError):
            await asyncio.wait_for(database.ping(), timeout=5)
            return
        if loop.time() >= deadline:
            raise DatabaseAway(f"PostgreSQL did not answer within {wait_s:.0f} s; is PLAYKEEPER_DATABASE_URL right?")
        if not waiting:
            waiting = True
            _LOG.info(f"waiting for PostgreSQL, up to {wait_s:.0f} s")
        await asyncio.sleep(_PAUSE_S)


def _mailer(settings: Settings) -> Mailer:
    if settings.smtp_host is None:
        return FolderOutbox(settings.outbox_folder)
    return Smtp(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        timeout_s=settings.smtp_timeout_s,
    )


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.split(",") if name.strip())


def runner() -> Callable[[Coroutine[object, object, None]], None]:
    """Give what runs a coroutine on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.run
    return lambda main: uvloop.run(main)


def main() -> None:
    """Run the worker; what keeps it from starting is one line and exit code 1."""
    try:
        settings = read_settings()
    except SettingInvalid as error:
        sys.exit(str(error))
    configure_logging(settings)
    try:
        runner()(run(settings))
    except (SettingMissing, DatabaseAway, TemporalAway) as error:
        _LOG.error(str(error))  # the sentence is all there is to know
        sys.exit(1)


if __name__ == "__main__":
    main()
