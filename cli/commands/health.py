from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from settings import Settings

_PATIENCE_S = 5.0


def register(app: typer.Typer) -> None:
    """Add `playkeeper health` with its parts."""
    health = typer.Typer(help="Whether PostgreSQL, Temporal, the API and the workers are well; ends with 1 if one is not.")
    health.command()(worker)
    health.command()(api)
    health.callback(invoke_without_command=True)(everything)
    app.add_typer(health, name="health")


def everything(context: typer.Context) -> None:
    """Look at PostgreSQL, Temporal and whether any worker asks for plays."""
    if context.invoked_subcommand is None:
        _report(_look_at_servers)


def worker(host: Annotated[str, typer.Option(help="The machine whose worker is meant.")] = "") -> None:
    """Ask Temporal whether this machine's worker asks for plays: the health check of its container."""
    _report(lambda settings: _look_for_worker(settings, host or socket.gethostname()))


def api(url: Annotated[str, typer.Option(help="Where the API is.")]) -> None:
    """Ask whether an API answers: the health check of its container."""
    # Asked every few seconds for as long as a container lives, so without the half second that httpx takes to be imported.
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", f"{place.path.rstrip('/')}/health/ready")
        answer = connection.getresponse()
        typer.echo(f"API          {answer.status} {answer.read().decode(errors='replace').strip()}")
    except (OSError, HTTPException) as error:
        typer.echo(f"API          does not answer at {url}: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        connection.close()
    if answer.status >= 400:
        raise typer.Exit(1)


def _report(look: Callable[[Settings], Coroutine[None, None, bool]]) -> None:
    from settings import SettingInvalid, SettingMissing, read_settings

    try:
        well = asyncio.run(look(read_settings()))
    except (SettingInvalid, SettingMissing) as error:
        typer.echo(f"playkeeper health: {error}", err=True)
        raise typer.Exit(2) from None
    if not well:
        raise typer.Exit(1)


async def _look_at_servers(settings: Settings) -> bool:
    # What is not set is told before anything is connected to.
    settings.require_database_url()
    settings.require_encryption_keys()
    postgres, workers = await asyncio.gather(_look_at_postgres(settings), _look_for_worker(settings, None))
    return postgres and workers


async def _look_at_postgres(settings: Settings) -> bool:
    from sqlalchemy.exc import DBAPIError

    from storage.encryption import KeyRing
    from storage.session import Database

    database = Database(settings.require_database_url(), KeyRing.parse(settings.require_encryption_keys()), pooled=False)
    try:
        await asyncio.wait_for(database.ping(), _PATIENCE_S)
    except (OSError, DBAPIError, TimeoutError) as error:
        typer.echo(f"PostgreSQL   does not answer: {error}", err=True)
        return False
    finally:
        await database.close()
    typer.echo("PostgreSQL   answers")
    return True


async def _look_for_worker(settings: Settings, host: str | None) -> bool:
    """Look who asked for work in the last minutes, at the first queue of the settings; `host` narrows it to one machine."""
    from temporalio.api.enums.v1 import TaskQueueType
    from temporalio.api.taskqueue.v1 import TaskQueue
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

    from workflows.client import Address, TemporalAway, connect

    try:
        client = await connect(Address.of(settings), cipher=None, wait_s=_PATIENCE_S, say=lambda line: None)
    except TemporalAway as error:
        typer.echo(f"Temporal     {error}", err=True)
        return False
    typer.echo(f"Temporal     answers at {settings.temporal_address}")
    queue = settings.queues()[0]
    question = DescribeTaskQueueRequest(
        namespace=settings.temporal_namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    pollers = (await client.workflow_service.describe_task_queue(question)).pollers
    # A worker calls itself `process@machine`.
    found = [poller.identity for poller in pollers if host is None or poller.identity.rpartition("@")[2] == host]
    if not found:
        typer.echo(f"workers      none asks for {queue}{f' from {host}' if host else ''}", err=True)
        return False
    typer.echo(f"workers      {', '.join(sorted(found))}")
    return True
