"""`playkeeper dev`: everything Playkeeper needs, started, watched and stopped together on this machine."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import asyncpg
import typer
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from cli.dev.guard import GUARD, stop_process
from cli.dev.postgres import Postgres
from cli.dev.server import Server, ServerError, choose_port, take_lock
from cli.dev.service import Service, answers_http, own_environment
from cli.dev.temporal import Temporal
from cli.running import RUNNING_FILE, read_running
from settings import SettingMissing, Settings
from storage.encryption import KeyRing
from storage.migrate import app_url, upgrade
from workflows.messages import QUEUE_PLAYS

DATABASE = "playkeeper"


class Launcher:
    """The processes of one data folder."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is started yet.

        Args:
            settings: the data folder, the ports, and servers to use instead of starting them.
        """
        self.settings = settings
        self.folder = settings.data_dir.resolve()
        self.running: list[Server] = []
        self.temporal: Temporal | None = None
        self.api_url = ""
        self.temporal_ui_url = settings.temporal_ui_url
        self.sandbox_url = settings.vendor_sandbox_url or ""

    def start(self) -> None:
        """Start everything in the order in which it is needed, and say what is there by now.

        Raises:
            ServerError: something could not be started.
        """
        kept = self._kept_secrets()
        with ThreadPoolExecutor(1) as beside:
            temporal_started = beside.submit(self._start_temporal)
            owner_url = self._start_postgres()
            with self._shown("database", lambda: "up to date"):
                _bring_up_to_date(owner_url, kept["app_password"], self._keys(kept))
            temporal_address = temporal_started.result()
        environment = {
            "PLAYKEEPER_DATA_DIR": str(self.folder),
            "PLAYKEEPER_DATABASE_URL": app_url(owner_url, kept["app_password"]),
            "PLAYKEEPER_TEMPORAL_ADDRESS": temporal_address,
            "PLAYKEEPER_TEMPORAL_UI_URL": self.temporal_ui_url,
            "PLAYKEEPER_HTTP_PRIVATE_HOSTS": self.settings.http_private_hosts or "127.0.0.1",  # where the demo's sandbox vendor listens
            "PLAYKEEPER_TEMPORAL_SEALED": "false",  # a history on this machine is there to be read
        }
        if self.settings.encryption_keys is None and self.settings.encryption_keys_path is None:
            environment["PLAYKEEPER_ENCRYPTION_KEYS"] = kept["encryption_keys"]
        if self.settings.vendor_sandbox_url is None:
            environment["PLAYKEEPER_VENDOR_SANDBOX_URL"] = self._start_sandbox()
        self._start_services(environment)
        addresses = {"api_url": self.api_url, "temporal_ui_url": self.temporal_ui_url, "temporal_address": temporal_address}
        self._write_private(RUNNING_FILE, {**addresses, "sandbox_url": self.sandbox_url})

    def watch(self) -> None:
        """Return never; leave when a process ends or this one is told to stop.

        Raises:
            ServerError: one of the processes ended; the message holds the end of its log.
        """
        while True:
            for server in self.running:
                if not server.running:
                    raise ServerError(f"{server.title} ended; the end of {server.log_path}:\n  " + "\n  ".join(server.last_lines()))
            time.sleep(0.3)

    def stop(self) -> None:
        """Stop what was started: our own processes first, then the servers they use."""
        (self.folder / RUNNING_FILE).unlink(missing_ok=True)
        ours = [server for server in self.running if isinstance(server, Service)]
        servers = [server for server in self.running if not isinstance(server, Service)]
        for group in (ours, servers):
            if group:
                with ThreadPoolExecutor(len(group)) as at_once:
                    list(at_once.map(lambda server: server.stop(), group))
        self.running.clear()

    def _start_postgres(self) -> str:
        if self.settings.database_owner_url is not None:
            return self.settings.require_database_owner_url()
        server = Postgres(
            self.folder / "postgres", port=choose_port(self.settings.postgres_port, 5433, "PostgreSQL", "PLAYKEEPER_POSTGRES_PORT")
        )
        self.running.append(server)
        with self._shown("PostgreSQL", lambda: f"127.0.0.1:{server.port}"):
            server.start()
            asyncio.run(_create_database(server))
        return server.url(DATABASE)

    def _start_temporal(self) -> str:
        if "temporal_address" in self.settings.model_fields_set:
            return self.settings.temporal_address
        port = choose_port(self.settings.temporal_port, 7233, "Temporal", "PLAYKEEPER_TEMPORAL_PORT")
        ui_port = choose_port(self.settings.temporal_ui_port, 8233, "the Temporal UI", "PLAYKEEPER_TEMPORAL_UI_PORT")
        server = Temporal(self.folder / "temporal", port=port, ui_port=ui_port)
        self.running.append(server)
        with self._shown("Temporal", lambda: f"{server.address}, UI at {server.ui_url}"):
            server.start()
        self.temporal = server
        self.temporal_ui_url = server.ui_url
        return server.address

    def _start_services(self, environment: Mapping[str, str]) -> None:
        host = self.settings.api_host
        port = choose_port(self.settings.api_port, 8000, "the API", "PLAYKEEPER_API_PORT")
        self.api_url = f"http://{host}:{port}"
        added = {**environment, "PLAYKEEPER_API_PORT": str(port), "PLAYKEEPER_API_URL": self.api_url}
        worker = Service("the worker", self.folder / "worker", ["worker"], environment=added, is_ready=self._worker_is_ready)
        api = Service("the API", self.folder / "api", ["cli.main", "serve"], environment=added, is_ready=lambda: answers_http(host, port))
        self.running += [worker, api]
        with self._shown("worker and API", lambda: self.api_url), ThreadPoolExecutor(2) as at_once:
            list(at_once.map(lambda service: service.start(), (worker, api)))

    def _start_sandbox(self) -> str:
        """Start the stand-ins of all vendors: whatever a play does, it does here."""
        port = choose_port(self.settings.sandbox_port, 8025, "the sandbox", "PLAYKEEPER_SANDBOX_PORT")
        command = ["cli.dev.vendors", "--port", str(port), "--folder", str(self.folder / "sandbox" / "state")]
        service = Service("the sandbox", self.folder / "sandbox", command, environment={}, is_ready=lambda: answers_http("127.0.0.1", port))
        self.running.append(service)
        self.sandbox_url = f"http://127.0.0.1:{port}"
        with self._shown("sandbox vendors", lambda: self.sandbox_url):
            service.start()
        return self.sandbox_url

    def _worker_is_ready(self) -> bool:
        # Of a Temporal that is not ours we only know what the worker says of it; it ends when it cannot connect.
        return self.temporal is None or self.temporal.has_worker(QUEUE_PLAYS)

    def _kept_secrets(self) -> dict[str, str]:
        """Passwords and keys made at the first start and kept with the data they open."""
        path = self.folder / "secrets.json"
        if not path.exists():
            self._write_private(path.name, {"app_password": secrets.token_urlsafe(24), "encryption_keys": f"dev:{KeyRing.new_key()}"})
        kept: dict[str, str] = json.loads(path.read_text())
        return kept

    def _keys(self, kept: Mapping[str, str]) -> KeyRing:
        own = self.settings.encryption_keys is not None or self.settings.encryption_keys_path is not None
        try:
            return KeyRing.parse(self.settings.require_encryption_keys() if own else kept["encryption_keys"])
        except (SettingMissing, ValueError) as error:
            raise ServerError(f"the encryption keys cannot be read: {error}") from error

    def _write_private(self, name: str, content: Mapping[str, str]) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=2))

    @contextmanager
    def _shown(self, what: str, outcome: Callable[[], str]) -> Iterator[None]:
        started = time.monotonic()
        yield
        typer.echo(f"  {what:<16} {outcome()}  ({time.monotonic() - started:.1f} s)")


def run_everything(settings: Settings, *, with_demo: bool) -> None:
    """Start everything, run the demo, and stay until Ctrl-C or SIGTERM; then stop everything. The data stays.

    Raises:
        ServerError: something could not be started, or a process ended by itself.
    """
    folder = settings.data_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lock = take_lock(folder / "lock")
    if lock is None:
        there = read_running(folder).get("api_url")
        raise ServerError(f"Playkeeper is already running from {folder}{f', at {there}' if there else ''}; stop it first")
    launcher = Launcher(settings)
    _stop_on_signals()
    typer.echo(f"Starting Playkeeper; data and logs are kept in {folder}")
    try:
        launcher.start()
        if with_demo:
            _run_demo(launcher)
        _show_addresses(launcher)
        launcher.watch()
    except KeyboardInterrupt:
        typer.echo("\nStopping …")
    finally:
        _ignore_signals()
        launcher.stop()
        GUARD.close()
        lock.close()
    typer.echo("Everything is stopped; the data is kept.")


def _run_demo(launcher: Launcher) -> None:
    command = [sys.executable, "-m", "cli.main", "demo"]
    environment = own_environment({"PLAYKEEPER_API_URL": launcher.api_url, "PLAYKEEPER_DATA_DIR": str(launcher.folder)})
    demo = subprocess.Popen(command, env=environment, start_new_session=True)
    GUARD.watch(demo.pid)
    try:
        code = demo.wait()
    finally:
        stop_process(demo.pid)
        demo.wait()
        GUARD.release(demo.pid)
    if code != 0:
        typer.echo("The demo did not come to its end; everything keeps running, and `playkeeper demo` repeats it.", err=True)


def _show_addresses(launcher: Launcher) -> None:
    typer.echo("\nPlaykeeper is running.")
    typer.echo(f"  API          {launcher.api_url}/docs")
    typer.echo(f"  Temporal UI  {launcher.temporal_ui_url}")
    typer.echo(f"  Sandbox      {launcher.sandbox_url}/  (stand-ins of Stripe and the others: nothing leaves this machine)")
    typer.echo(f"  Logs         {launcher.folder}/*/log")
    typer.echo("Press Ctrl-C to stop all of it; the data stays.")


def _bring_up_to_date(owner_url: str, app_password: str, keys: KeyRing) -> None:
    try:
        asyncio.run(upgrade(owner_url, app_password=app_password, keys=keys))
    except (OSError, SQLAlchemyError, CommandError) as error:
        # The usual cause of a CommandError: the data was kept by a newer version of Playkeeper.
        raise ServerError(f"the database cannot be brought up to date: {error}") from error


async def _create_database(server: Postgres) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE) is None:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


def _stop_on_signals() -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    """A second Ctrl-C must not cut the stopping short and leave a process behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
