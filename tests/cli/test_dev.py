from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from cli.dev.server import free_port, port_is_free
from tests.house.tree import ROOT

PATIENCE_S = 90


@dataclass
class Launched:
    process: subprocess.Popen[str]
    output: Path

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self.said()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def data_folder(server_folder: Path) -> Path:
    return server_folder / uuid.uuid4().hex


@contextmanager
def launched(data_folder: Path, **settings: str) -> Iterator[Launched]:
    data_folder.parent.mkdir(parents=True, exist_ok=True)
    output = data_folder.parent / f"{uuid.uuid4().hex}.txt"
    ports = {f"PLAYKEEPER_{name}_PORT": str(free_port()) for name in ("API", "POSTGRES", "TEMPORAL", "TEMPORAL_UI")}
    environment = {**os.environ, "PLAYKEEPER_DATA_DIR": str(data_folder), "PYTHONPATH": str(ROOT), **ports, **settings}
    with output.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "dev", "--no-demo"],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        try:
            yield Launched(process, output)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=PATIENCE_S)


def all_gone(family: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(family, timeout=15)
    return not alive


@pytest.mark.slow
def test_one_command_starts_everything_and_ctrl_c_leaves_nothing(data_folder: Path) -> None:
    with launched(data_folder) as first:
        said = first.wait_for("Press Ctrl-C")
        api, ui = re.findall(r"(?:API|Temporal UI) +(http://\S+?)(?:/docs)?\n", said)
        assert httpx.get(f"{api}/openapi.json").status_code == 200
        assert httpx.get(ui).status_code == 200
        family = first.family()
        assert {Path(process.name()).name for process in family} >= {"postgres", "temporal"}

        with launched(data_folder) as second:
            assert second.process.wait(timeout=PATIENCE_S) == 1
            assert f"already running from {data_folder}, at {api}" in second.said()

        assert first.end(signal.SIGINT) == 0
        assert all_gone(family)
    assert "Everything is stopped" in first.said()
    assert not (data_folder / "running.json").exists()
    assert json.loads((data_folder / "secrets.json").read_text()).keys() == {"app_password", "encryption_keys"}
    assert (data_folder / "secrets.json").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_process_that_dies_is_named_with_its_log_and_the_rest_is_stopped(data_folder: Path) -> None:
    with launched(data_folder) as everything:
        everything.wait_for("Press Ctrl-C")
        family = everything.family()
        worker = next(process for process in family if process.cmdline()[-1] == "worker")

        worker.kill()

        assert everything.process.wait(timeout=PATIENCE_S) == 1
        assert "playkeeper dev: the worker ended; the end of" in everything.said()
        assert all_gone(family)


@pytest.mark.slow
def test_sigterm_during_the_start_leaves_nothing(data_folder: Path) -> None:
    with launched(data_folder) as everything:
        everything.wait_for("Temporal ")
        family = everything.family()

        assert everything.end(signal.SIGTERM) == 0
        assert all_gone(family)


def test_a_port_in_use_is_one_sentence(data_folder: Path, temporal_address: str) -> None:
    taken = temporal_address.rpartition(":")[2]
    assert not port_is_free(int(taken))

    with launched(data_folder, PLAYKEEPER_TEMPORAL_PORT=taken) as everything:
        assert everything.process.wait(timeout=PATIENCE_S) == 1

    assert f"playkeeper dev: port {taken} for Temporal is in use by another program" in everything.said()
    assert "Traceback" not in everything.said()
