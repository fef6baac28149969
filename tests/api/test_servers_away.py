"""PostgreSQL or Temporal away: the API lives, says which one is missing, loses nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from cli.dev.postgres import Postgres
from cli.dev.server import free_port
from cli.dev.temporal import Temporal
from settings import Settings
from storage.migrate import app_url, upgrade
from tests.api.conftest import KEYS, Caller, Served
from tests.database import TENANT

pytestmark = pytest.mark.servers

PLAYBOOK = """
playbook: short
title: One note
steps:
  - id: note
    note.add: {text: Hello}
"""


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[Postgres]:
    server = Postgres(server_folder / f"postgres-{free_port()}")
    yield server
    server.stop()


@pytest.fixture
def stopped_temporal(server_folder: Path) -> Iterator[Temporal]:
    server = Temporal(server_folder / f"temporal-{free_port()}")
    yield server
    server.stop()


def settings_for(database_url: str, temporal_address: str, data_dir: Path) -> Settings:
    return Settings(
        tenant=TENANT,
        data_dir=data_dir,
        database_url=SecretStr(database_url),
        encryption_keys=SecretStr(KEYS),
        temporal_address=temporal_address,
        api_port=free_port(),
        worker_stop_grace_s=1,
    )


def parts_away(http: httpx.Client) -> set[str]:
    answer = http.get("/health/ready")
    assert answer.status_code == (200 if answer.json()["ready"] else 503)
    return {part["name"] for part in answer.json()["parts"] if not part["ready"]}


def wait_until_ready(http: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while parts_away(http):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_api_starts_without_any_server_and_finds_them_later(own_postgres: Postgres, stopped_temporal: Temporal, tmp_path: Path) -> None:
    own_postgres.start()
    asyncio.run(upgrade(own_postgres.url(), app_password="app"))
    own_postgres.stop()
    settings = settings_for(app_url(own_postgres.url(), "app"), stopped_temporal.address, tmp_path)
    with Served(settings, with_worker=False) as served:
        caller = Caller(served.url)
        http = caller.http
        live = http.get("/health/live")
        away = parts_away(http)
        refused = http.get("/v1/accounts")
        keyed = http.post("/v1/runs", json={"playbook": "short", "account": "A"}, headers={"Idempotency-Key": "k"})
        own_postgres.start()
        stopped_temporal.start()
        wait_until_ready(http)
        answered = caller.put("/v1/accounts/A-1", {"name": "Back"})
        http.close()

    assert live.json() == {"status": "live"}
    assert away == {"postgresql", "temporal"}
    for answer in (refused, keyed):
        assert (answer.status_code, answer.json()["code"]) == (503, "SYS002")
        assert int(answer.headers["Retry-After"]) > 0
        assert "password" not in answer.text.lower()
    assert answered["account"]["name"] == "Back"


def test_a_play_that_could_not_begin_begins_when_temporal_is_back(application_url: str, stopped_temporal: Temporal, tmp_path: Path) -> None:
    stopped_temporal.start()
    settings = settings_for(application_url, stopped_temporal.address, tmp_path)
    with Served(settings) as served:
        caller = Caller(served.url)
        caller.put("/v1/accounts/A-1", {"name": "Waiting"})
        caller.publish(PLAYBOOK)
        stopped_temporal.kill()
        started = caller.start("short", "A-1")
        refused = caller.http.post(f"/v1/runs/{started['id']}/pause")
        again = caller.post("/v1/runs", {"playbook": "short", "account": "A-1"}, status=200)
        stopped_temporal.start()
        ended = caller.closed(started["id"])
        caller.http.close()

    assert started["state"] == "starting"
    assert again["id"] == started["id"]
    assert (refused.status_code, refused.json()["code"]) == (503, "SYS003")
    assert ended["outcome"] == "completed"
    assert [effect["status"] for effect in ended["effects"]] == ["done"]


def test_without_a_worker_a_command_says_so_and_the_play_waits(
    application_url: str, stopped_temporal: Temporal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_temporal.start()
    settings = settings_for(application_url, stopped_temporal.address, tmp_path)
    monkeypatch.setattr("api.plays._COMMAND_TIMEOUT", timedelta(seconds=2))
    with Served(settings, with_worker=False) as served:
        caller = Caller(served.url)
        caller.put("/v1/accounts/A-2", {"name": "Alone"})
        caller.publish(PLAYBOOK)
        run = caller.start("short", "A-2")
        paused = caller.http.post(f"/v1/runs/{run['id']}/pause")
        live = caller.http.get(f"/v1/runs/{run['id']}/live")
        caller.http.close()

    assert run["state"] == "starting"
    assert (paused.status_code, paused.json()["code"]) == (503, "SYS004")
    assert (live.status_code, live.json()["code"]) == (503, "SYS004")
    assert "worker" in paused.json()["detail"]
