"""The worker and the API as processes of the launcher, with a log and a readiness check each."""

from __future__ import annotations

import os
import signal
import sys
import urllib.error
import urllib.request
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

    def environment(self) -> dict[str, str]:
        # The path lets a checkout run that was not installed; unbuffered, so that the log is whole when a process is killed.
        path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
        return {**os.environ, **self._added, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def _is_ready(self) -> bool:
        return self._ready()


def answers_http(url: str) -> bool:
    """Whether a server gives any answer; uvicorn listens only when the application has started."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
