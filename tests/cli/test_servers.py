from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from cli.dev.postgres import Postgres, choose_identity, find_binaries
from cli.dev.server import ServerError, choose_port
from cli.dev.temporal import Temporal
from workflows.messages import SEARCH_ATTRIBUTES


@workflow.defn(name="nobody-runs-this")
class Idle:
    @workflow.run
    async def run(self) -> None:
        return


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def folder_in(parent: Path) -> Path:
    folder = parent / uuid.uuid4().hex
    folder.mkdir()
    return folder


async def test_postgres_asks_for_the_password(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url().replace("postgres:", "postgres:not"))


async def test_postgres_keeps_committed_rows_when_killed(server_folder: Path) -> None:
    with Postgres(folder_in(server_folder), settings={"fsync": "off"}) as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("create table kept (what text); insert into kept values ('row')")
        server.kill()
        connection.terminate()

        server.start()
        connection = await asyncpg.connect(server.url())
        kept = await connection.fetchval("select what from kept")
        await connection.close()

        assert kept == "row"


async def test_postgres_has_the_same_data_and_password_at_the_next_start(server_folder: Path) -> None:
    folder = folder_in(server_folder)
    async with Postgres(folder) as first:
        connection = await asyncpg.connect(first.url())
        await connection.execute("create table kept ()")
        await connection.close()

    async with Postgres(folder) as second:
        connection = await asyncpg.connect(second.url())
        await connection.execute("select from kept")
        await connection.close()

    assert not second.running


def test_a_folder_serves_one_server_at_a_time(postgres: Postgres) -> None:
    with pytest.raises(ServerError, match="PostgreSQL is already running from"):
        Postgres(postgres.folder).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another identity")
def test_postgres_runs_as_root_from_a_folder_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)

    identity = choose_identity(find_binaries(), closed)

    assert identity.prefix[:1] == ("unshare",)
    with Postgres(closed) as server:
        assert server.running


def test_a_server_left_by_a_killed_process_is_stopped_by_its_guard(server_folder: Path) -> None:
    pids = pids_of_orphans(server_folder)

    assert wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def pids_of_orphans(server_folder: Path) -> list[int]:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom cli.dev.postgres import Postgres\nfrom cli.dev.temporal import Temporal\n"
        "servers = [Postgres(Path(sys.argv[1]) / 'p'), Temporal(Path(sys.argv[1]) / 't', with_ui=False)]\n"
        "for server in servers: server.start()\n"
        "print(*[server.pid for server in servers], flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder_in(server_folder))], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == -signal.SIGKILL, done.stderr
    return [int(pid) for pid in done.stdout.split()]


def test_a_server_whose_guard_died_too_is_stopped_at_the_next_start(server_folder: Path) -> None:
    folder = folder_in(server_folder)
    first = Postgres(folder)
    first.start()
    stale = first.pid
    assert stale is not None
    # As after a crash of everything but the server: nobody holds the lock, the record is there.
    assert first._lock is not None
    first._lock.close()

    with Postgres(folder) as second:
        assert second.pid != stale
        assert wait_until(lambda: not first.running)
    first.stop()


def test_a_server_that_cannot_start_says_why_with_the_end_of_its_log(server_folder: Path) -> None:
    server = Postgres(folder_in(server_folder), settings={"no_such_setting": "1"})

    with pytest.raises(ServerError, match=r"PostgreSQL ended as soon as it was started:(.|\n)*no_such_setting"):
        server.start()
    assert not server.running


def test_a_port_asked_for_and_taken_is_one_clear_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        with pytest.raises(ServerError, match=f"^port {taken} for the API is in use by another program; .* PLAYKEEPER_API_PORT .*$"):
            choose_port(taken, 8000, "the API", "PLAYKEEPER_API_PORT")


def test_a_usual_port_that_is_taken_gives_way_to_a_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        assert choose_port(None, taken, "the API", "PLAYKEEPER_API_PORT") != taken


async def test_temporal_accepts_every_search_attribute_and_keeps_runs_when_killed(server_folder: Path) -> None:
    attributes = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword(name), "x") for name in SEARCH_ATTRIBUTES])
    async with Temporal(folder_in(server_folder), with_ui=False) as server:
        client = await Client.connect(server.address)
        await client.start_workflow(Idle.run, id="kept", task_queue="nobody", search_attributes=attributes)

        server.kill()
        server.start()
        client = await Client.connect(server.address)
        description = await client.get_workflow_handle("kept").describe()

        assert len(description.typed_search_attributes) == len(SEARCH_ATTRIBUTES)
