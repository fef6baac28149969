"""What every server on this machine has in common: a folder, a log, a port, and a supervised life."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from cli.dev.guard import GUARD, stop_process


class ServerError(Exception):
    """A server could not be started; the message is one sentence for the person at the terminal."""


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port(wanted: int | None, usual: int, what: str, setting: str) -> int:
    """The port asked for, or the usual one, or when that is taken a free one.

    Raises:
        ServerError: the port asked for is taken.
    """
    if wanted is not None:
        if not port_is_free(wanted):
            raise ServerError(f"port {wanted} for {what} is in use by another program; free it or set {setting} to another port")
        return wanted
    return usual if port_is_free(usual) else free_port()


def take_lock(path: Path) -> IO[str] | None:
    """Lock a file until it is closed or this process ends, however it ends; None when another process has it."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


class Server(ABC):
    """A server process with its data in one folder, started, stopped, killed and started again on the same data and port."""

    title = "server"
    stop_signal = signal.SIGINT
    start_timeout_s = 30.0
    stop_timeout_s = 10.0

    def __init__(self, folder: Path) -> None:
        """Nothing is started and nothing is written yet.

        Args:
            folder: where the data, the log and the record of the running process are kept; made when missing.
        """
        self.folder = folder.resolve()
        self.log_path = self.folder / "log"
        self._record_path = self.folder / "process.json"
        self._log_start = 0
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # What the particular servers say.

    def _prepare(self) -> None:  # noqa: B027  # most servers need nothing
        """Make the data folder what the server needs before its start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Give the command that runs the server."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Say whether the server answers."""

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C must reach the launcher alone, which then stops the servers in order.
        return subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    # What all of them do.

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process is there (not whether it answers)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return when it answers; a running one is left alone.

        Raises:
            ServerError: another process uses the folder, or the server ended or did not answer in time.
        """
        if self.running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._stop_stale()
        try:
            self._prepare()
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server in the ordinary way and let go of the folder. Safe to call at any time."""
        if self._process is not None:
            if self.running:
                stop_process(self._process.pid, first=self.stop_signal, grace_s=self.stop_timeout_s)
            self._forget()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash would; `start` brings it back on the same data and port."""
        if self._process is not None and self.running:
            children = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()  # first, because PostgreSQL replaces a child that dies
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            self._forget()

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of what it logged since its last start, for a message about a server that died."""
        if not self.log_path.exists():
            return []
        with self.log_path.open(errors="replace") as log:
            log.seek(self._log_start)
            return [line.rstrip() for line in deque(log, maxlen=count)]

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _launch(self) -> None:
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = self._spawn(log)
        GUARD.watch(self._process.pid)
        self._record_path.write_text(json.dumps({"pid": self._process.pid, "started_at": psutil.Process(self._process.pid).create_time()}))
        deadline = time.monotonic() + self.start_timeout_s
        while not self._is_ready():
            if not self.running:
                raise ServerError(f"{self.title} ended as soon as it was started:\n  " + "\n  ".join(self.last_lines()))
            if time.monotonic() > deadline:
                raise ServerError(f"{self.title} did not answer within {self.start_timeout_s:.0f} s; its log is {self.log_path}")
            time.sleep(0.02)

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait()
            GUARD.release(self._process.pid)
            self._process = None
        self._record_path.unlink(missing_ok=True)

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        self._lock = take_lock(self.folder / "lock")
        if self._lock is None:
            raise ServerError(f"{self.title} is already running from {self.folder}, started by another process")

    def _stop_stale(self) -> None:
        """Stop a server that an earlier process left behind; the lock tells that its owner is gone."""
        try:
            record = json.loads(self._record_path.read_text())
            stop_process(int(record["pid"]), float(record["started_at"]), self.stop_signal, self.stop_timeout_s)
        except (FileNotFoundError, ValueError, KeyError):
            return
