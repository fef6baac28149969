"""A lock of an account outlives the worker that played: the play goes on elsewhere and gives it back at its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from settings import Settings
from tests.api.conftest import KEYS, Caller, Served
from tests.api.test_locks import held, holds, playbook, queued

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with Served(settings, with_worker=False) as served:
        yield served


@contextmanager
def working(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "PLAYKEEPER_TENANT": settings.tenant,
        "PLAYKEEPER_DATABASE_URL": settings.require_database_url(),
        "PLAYKEEPER_ENCRYPTION_KEYS": KEYS,
        "PLAYKEEPER_TEMPORAL_ADDRESS": settings.temporal_address,
        "PLAYKEEPER_DATA_DIR": str(settings.data_dir),
    }
    process = subprocess.Popen([sys.executable, "-m", "worker"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_lock_is_kept_when_the_worker_is_killed_and_given_back_by_the_next_one(api: Caller, account: str, settings: Settings) -> None:
    api.publish(playbook("slow", hold="wait: 3 seconds"))
    api.publish(playbook("quick"))
    with working(settings):
        first = api.start("slow", account)["id"]
        api.run_when(first, holds, timeout_s=90)  # a worker of its own has to be imported first
        second = api.start("quick", account)["id"]
        api.run_when(second, queued)
    with working(settings):
        spans = [held(api.run_when(run, lambda run: run["state"] == "closed", timeout_s=90)) for run in (first, second)]

    assert spans[0][1] <= spans[1][0]
