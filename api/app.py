"""The composition root of the HTTP side: settings in, application out.

PostgreSQL and Temporal may be away when it starts, and may go away later: nothing connects before it is needed, and what needs one that
is away is answered with a problem that says so.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from temporalio.client import Client

from activities.connections import Connections
from activities.scoring.serving import Serving
from api.answers import install_problems
from api.background import Background
from api.idempotency import Idempotency
from api.limits import RequestLimits
from api.openapi import DESCRIPTION, TAGS
from api.plays import Plays
from api.problems import TemporalAway
from api.routes import (
    accounts,
    budget,
    bulk,
    connectors,
    effects,
    enrollments,
    events,
    exemptions,
    health,
    hooks,
    impact,
    launches,
    models,
    people,
    playbooks,
    runs,
    schedules,
    scorecards,
    scores,
    syncs,
    tasks,
    templates,
    usage,
)
from api.services.relay import make_tenant, relay_forever
from api.services.slack_desk import SlackDesk
from settings import Settings
from storage.encryption import PAYLOADS, BoundKeys, KeyRing
from storage.session import Database
from workflows.client import Address, connect
from workflows.client import TemporalAway as NotConnected

ROUTERS = (
    *(health, accounts, budget, scorecards, playbooks, bulk, runs, launches, enrollments, exemptions, schedules, impact),
    *(tasks, effects, events, hooks, connectors, syncs, usage, scores, models, templates, people),
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the API. `uvicorn --factory api.app:create_app` serves it.

    Raises:
        SettingMissing: a setting it cannot do without is not there; the message names it.
    """
    settings = settings or Settings()
    keys = KeyRing.parse(settings.require_encryption_keys())
    app = FastAPI(
        title="Playkeeper",
        version="1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.tenant = settings.tenant
    app.state.sandbox_url = settings.vendor_sandbox_url
    app.state.public_url = settings.public_url
    app.state.sync_interval_min = settings.sync_interval_min
    app.state.look_every = timedelta(seconds=settings.trigger_look_interval_s)
    app.state.background = Background()
    app.state.database = Database(settings.require_database_url(), keys, pool_size=settings.database_pool_size)
    app.state.desk = SlackDesk(app.state.database, settings.vendor_sandbox_url)
    app.state.connections = Connections(app.state.database, settings.vendor_sandbox_url)
    app.state.scoring = Serving(app.state.database, app.state.connections)
    app.state.plays = Plays(_connector(settings, keys), settings.temporal_ui_url, settings.temporal_namespace)
    for module in ROUTERS:
        app.include_router(module.router)
    install_problems(app)
    # The last one added is the first one asked.
    app.add_middleware(Idempotency, state=app.state)
    app.add_middleware(RequestLimits)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Relay what was left over, beside the requests."""
    background: Background = app.state.background
    background.spawn(_look_after(app), "relay")
    background.spawn(app.state.scoring.keep_warm(app.state.tenant), "models")
    try:
        yield
    finally:
        await background.stop()
        app.state.scoring.close()
        await app.state.connections.close()
        await app.state.database.close()


async def _look_after(app: FastAPI) -> None:
    """Make the tenant when PostgreSQL is there, then relay until the end."""
    database, tenant = app.state.database, app.state.tenant
    await make_tenant(database, tenant)
    await relay_forever(database, app.state.plays, app.state.desk, tenant, look_every=app.state.look_every)


def _connector(settings: Settings, keys: KeyRing) -> Callable[[], Awaitable[Client]]:
    cipher = BoundKeys(keys, PAYLOADS) if settings.temporal_sealed else None

    async def connect_once() -> Client:
        try:
            return await connect(Address.of(settings), cipher=cipher, wait_s=0, say=lambda line: None)
        except NotConnected as error:
            raise TemporalAway from error

    return connect_once
