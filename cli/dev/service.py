"""The worker and the API as processes of the launcher, with a log and a readiness check each."""

from __future__ import annotations

import http.client
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.dev.server import Server

ROOT = Path(__file__).resolve().parents[2]


class Service(Server):
    """One of our own processes."""

    stop_signal = signal.SIGTERM
    start_timeout_s = 60.0
    stop_timeout_s = 20.0

    def __init__(
        self, title: str, folder: Path, module: list[str], *, environment: Mapping[str, str], is_ready: Callable[[], bool]
    ) -> None:
        """Nothing is started yet.

        Args:
            title: what messages call it.
            folder: holds its log.
            module: what follows `python -m`.
            environment: settings on top of this process's own environment.
            is_ready: whether it serves by now; asked until it does.
        """
        super().__init__(folder)
        self.title = title
        self._module = module
        self._added = dict(environment)
        self._ready = is_ready

    def _command(self) -> list[str]:
        return [sys.executable, "-m", *self._module]

    def _environment(self) -> dict[str, str]:
        return own_environment(self._added)

    def _is_ready(self) -> bool:
        return self._ready()


def own_environment(added: Mapping[str, str]) -> dict[str, str]:
    """The environment of one of our own processes.

    The path lets a checkout run that was not installed; output is unbuffered, so that the log is whole when a process is killed.
    """
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, **added, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def answers_http(host: str, port: int) -> bool:
    """Whether a server gives any answer at all; uvicorn listens only when the application has started."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
