"""Stops what a launcher left behind when it was itself killed: a process of its own that notices the end of a pipe.

`kill -9` on `make run` or on the test process gives it no chance to clean up. The guard holds the other end of a pipe; the kernel closes
it whatever way the launcher dies, and the guard then stops every process it was told of and not told to forget.
"""

from __future__ import annotations

import atexit
import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_GRACE_S = 8.0


class Guard:
    """The launcher's side: tell the guard process what to watch. It is started with the first process to watch."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def watch(self, pid: int) -> None:
        """Have the process stopped when this one dies."""
        started_at = psutil.Process(pid).create_time()
        self._say(f"watch {pid} {started_at}")

    def release(self, pid: int) -> None:
        """Forget the process: it was stopped in the ordinary way."""
        self._say(f"release {pid}")

    def close(self) -> None:
        """End the guard, which stops what it still watches."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(timeout=2 * _GRACE_S)

    def _say(self, line: str) -> None:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                # A session of its own: Ctrl-C in the terminal must reach the launcher and not the guard.
                self._process = subprocess.Popen(
                    [sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, text=True, start_new_session=True
                )
                atexit.register(self.close)
            if self._process.stdin is not None:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()


GUARD = Guard()


def stop_process(pid: int, started_at: float | None = None, first: signal.Signals = signal.SIGINT, grace_s: float = _GRACE_S) -> None:
    """Ask a process to end, wait, then end it. Does nothing when it is gone or its number belongs to another by now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if started_at is not None and abs(process.create_time() - started_at) > 1:
            return
        process.send_signal(first)
        if not _ended_within(process, grace_s):
            process.kill()
            _ended_within(process, grace_s)


def _ended_within(process: psutil.Process, seconds: float) -> bool:
    """Wait for the end. A zombie has ended: whoever started it may be waiting for us before it takes note."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def main() -> None:
    """The guard process: read what to watch until the pipe ends, then stop what is left, the youngest first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, float] = {}
    for line in sys.stdin:
        verb, *rest = line.split()
        if verb == "watch":
            watched[int(rest[0])] = float(rest[1])
        else:
            watched.pop(int(rest[0]), None)
    for pid, started_at in reversed(watched.items()):
        stop_process(pid, started_at)


if __name__ == "__main__":
    main()
