from __future__ import annotations

import asyncio
import re
import socket

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker
from typer.testing import CliRunner, Result

from cli.dev.server import free_port
from cli.main import app
from storage.encryption import KeyRing
from workflows.messages import QUEUE_PLAYS


@workflow.defn(name="idle", sandboxed=False)
class Idle:
    @workflow.run
    async def run(self) -> None:
        return


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, postgres_url: str, temporal_address: str) -> None:
    monkeypatch.setenv("PLAYKEEPER_DATABASE_URL", postgres_url)
    monkeypatch.setenv("PLAYKEEPER_TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setenv("PLAYKEEPER_ENCRYPTION_KEYS", f"1:{KeyRing.new_key()}")


def health(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["health", *arguments])


@pytest.mark.usefixtures("installed")
async def test_health_is_good_while_a_worker_asks_for_plays(temporal_address: str) -> None:
    async with Worker(
        await Client.connect(temporal_address), task_queue=QUEUE_PLAYS, workflows=[Idle], identity=f"7@{socket.gethostname()}"
    ):
        await asyncio.sleep(0.5)
        everything = await asyncio.to_thread(health)
        this_machine = await asyncio.to_thread(health, "worker")
        another = await asyncio.to_thread(health, "worker", "--host", "elsewhere")

    assert (everything.exit_code, this_machine.exit_code) == (0, 0), everything.output + this_machine.output
    assert re.search(rf"^workers .*\b7@{re.escape(socket.gethostname())}", everything.output, re.MULTILINE)
    assert another.exit_code == 1
    assert "none asks for plays from elsewhere" in another.output


@pytest.mark.usefixtures("installed")
def test_health_says_that_postgresql_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")

    result = health()

    assert result.exit_code == 1
    assert "PostgreSQL   does not answer" in result.output


@pytest.mark.usefixtures("installed")
def test_health_names_a_missing_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYKEEPER_DATABASE_URL")

    result = health()

    assert result.exit_code == 2
    assert "set PLAYKEEPER_DATABASE_URL" in result.output


def test_health_of_an_api_that_is_away() -> None:
    result = health("api", "--url", f"http://127.0.0.1:{free_port()}")

    assert result.exit_code == 1
    assert "API          does not answer" in result.output
