from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.dev.server import free_port
from cli.dev.temporal import Temporal
from settings import Settings
from storage.encryption import KeyRing
from worker import DatabaseAway, opened, run
from workflows.client import Address, TemporalAway, connect
from workflows.messages import QUEUE_PLAYS

KEYS = SecretStr(f"k1:{KeyRing.new_key()}")


def settings(**changed: object) -> Settings:
    nowhere = SecretStr(f"postgresql://a:b@127.0.0.1:{free_port()}/x")
    usual = {"database_url": nowhere, "encryption_keys": KEYS, "database_connect_timeout_s": 0.1, "temporal_connect_timeout_s": 0.1}
    return Settings.model_validate({**usual, **changed})


async def test_a_database_that_stays_away_is_one_sentence() -> None:
    with pytest.raises(DatabaseAway, match="PostgreSQL did not answer within"):
        async with opened(settings(temporal_connect_timeout_s=30)):
            pass


async def test_a_temporal_that_stays_away_is_one_sentence() -> None:
    said: list[str] = []

    with pytest.raises(TemporalAway, match="did not answer within 1 s"):
        await connect(Address(f"127.0.0.1:{free_port()}"), cipher=None, wait_s=1, say=said.append)

    assert len(said) == 1
    assert said[0].startswith("waiting for Temporal at 127.0.0.1:")


@pytest.mark.servers
async def test_a_temporal_that_comes_late_is_waited_for(server_folder: Path) -> None:
    server = Temporal(server_folder / "late-temporal", with_ui=False)
    connecting = asyncio.create_task(connect(Address(server.address), cipher=None, wait_s=30, say=lambda line: None))
    await asyncio.sleep(1.2)
    assert not connecting.done()

    async with server:
        client = await connecting

        assert client.namespace == "default"


@pytest.mark.servers
async def test_an_unknown_namespace_is_refused_at_once(temporal_address: str) -> None:
    with pytest.raises(TemporalAway, match='refuses namespace "nobody"'):
        await connect(Address(temporal_address, namespace="nobody"), cipher=None, wait_s=30, say=lambda line: None)


@pytest.mark.servers
async def test_a_worker_told_to_stop_stops(temporal_server: Temporal, postgres_url: str) -> None:
    reachable = settings(
        database_url=SecretStr(postgres_url),
        temporal_address=temporal_server.address,
        database_connect_timeout_s=30,
        temporal_connect_timeout_s=30,
        worker_stop_grace_s=1,
    )
    running = asyncio.create_task(run(reachable))
    while not await asyncio.to_thread(temporal_server.has_worker, QUEUE_PLAYS):
        assert not running.done()
        await asyncio.sleep(0.1)

    os.kill(os.getpid(), signal.SIGTERM)

    await asyncio.wait_for(running, 30)
