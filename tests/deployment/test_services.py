from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from cli.dev.postgres import Postgres
from cli.dev.server import free_port
from storage.encryption import KeyRing
from tests.deployment.compose import command_here, environment_of, service
from tests.house.tree import ROOT

PATIENCE_S = 60


@pytest.fixture(scope="module")
def own_postgres_url(server_folder: Path) -> Iterator[str]:
    """A server of its own: the migration changes the password of a role that all databases of a server share."""
    with Postgres(server_folder / f"compose-{uuid.uuid4().hex[:8]}", settings={"fsync": "off"}) as server:
        yield server.url()


@pytest.fixture
async def database(own_postgres_url: str) -> str:
    name = f"compose_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(own_postgres_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return name


class Containers:
    """The services of docker-compose.yml as processes here: their commands, their environments, our servers' addresses."""

    def __init__(self, folder: Path, postgres_url: str, database: str, temporal_address: str) -> None:
        superuser = urlsplit(postgres_url)
        self.folder = folder
        self.api_port = str(free_port())
        self.given = {
            "POSTGRES_PASSWORD": str(superuser.password),
            "PLAYKEEPER_DATABASE_APP_PASSWORD": "app-password",
            "PLAYKEEPER_ENCRYPTION_KEYS": f"1:{KeyRing.new_key()}",
        }
        self.here = {
            "postgres:5432/playkeeper": f"{superuser.hostname}:{superuser.port}/{database}",
            "temporal:7233": temporal_address,
        }

    def environment(self, name: str) -> dict[str, str]:
        environment = environment_of(name, self.given)
        for there, here in self.here.items():
            environment = {key: value.replace(there, here) for key, value in environment.items()}
        if environment.get("PLAYKEEPER_API_PORT"):
            environment["PLAYKEEPER_API_PORT"] = self.api_port
        own = {key: value for key, value in os.environ.items() if not key.startswith("PLAYKEEPER_")}
        return {**own, **environment, "PYTHONPATH": str(ROOT), "PLAYKEEPER_DATA_DIR": str(self.folder)}

    def command(self, parts: list[str]) -> list[str]:
        return [part.replace("8000", self.api_port) for part in command_here(parts)]

    def run(self, name: str, parts: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(parts),
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def up(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            self.command(service(name)["command"]), env=self.environment(name), cwd=self.folder, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            log.close()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def is_healthy(self, name: str) -> bool:
        return self.run(name, service(name)["healthcheck"]["test"][1:]).returncode == 0


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture
def containers(tmp_path: Path, own_postgres_url: str, database: str, temporal_address: str) -> Containers:
    return Containers(tmp_path, own_postgres_url, database, temporal_address)


@pytest.mark.slow
def test_every_service_of_ours_runs_by_its_very_command(containers: Containers) -> None:
    migrated = containers.run("migrate", service("migrate")["command"])
    assert migrated.returncode == 0, migrated.stderr
    again = containers.run("migrate", service("migrate")["command"])
    assert again.returncode == 0, again.stderr

    with containers.up("api") as api, containers.up("worker") as worker, containers.up("scorer") as scorer:
        for name, process in (("api", api), ("worker", worker), ("scorer", scorer)):
            becomes_healthy(containers, name, process)
            process.terminate()
            process.wait(timeout=float(service(name).get("stop_grace_period", "10s").removesuffix("s")))


def becomes_healthy(containers: Containers, name: str, process: subprocess.Popen[bytes]) -> None:
    assert wait_until(lambda: process.poll() is not None or containers.is_healthy(name)), containers.log(name)
    assert process.poll() is None, containers.log(name)


def test_migrate_says_in_one_sentence_what_is_missing(containers: Containers) -> None:
    containers.given["POSTGRES_PASSWORD"] = "wrong"

    refused = containers.run("migrate", service("migrate")["command"])

    assert refused.returncode == 1
    assert "playkeeper migrate: the database at PLAYKEEPER_DATABASE_OWNER_URL cannot be brought up to date" in refused.stderr
    assert "Traceback" not in refused.stderr
