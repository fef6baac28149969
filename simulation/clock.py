"""An event loop whose clock jumps: instead of waiting for the next timer it sets the time to it.

Only for work that waits on timers and on itself; real I/O would never be waited for.
"""

import asyncio
import gc
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from heapq import heappop, heappush
from typing import Any, TypeVar

T = TypeVar("T")
_GARBAGE_THRESHOLD = 50_000


_LONGEST_SELECT_S = 24 * 3600
"""asyncio never asks a selector to wait longer than this, whenever its next timer is due."""


class _JumpingSelector(selectors.DefaultSelector):
    """Advances the loop's time by the time-out it is asked to wait, and to the next timer when that is more than a day away."""

    elapsed_s = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.alarms: list[float] = []

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise DeadlockError
        if timeout > 0:
            self.elapsed_s += timeout
            alarms = self.alarms
            while alarms and alarms[0] < self.elapsed_s:
                heappop(alarms)
            if alarms and timeout >= _LONGEST_SELECT_S:
                self.elapsed_s = alarms[0]
        return []


class DeadlockError(Exception):
    """Everything waits for something that nobody will ever do."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that starts at second 0 and needs no time to wait."""

    def __init__(self) -> None:
        """Start at second 0."""
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def call_at(self, when: float, callback: Callable[..., object], *args: object, context: Context | None = None) -> asyncio.TimerHandle:
        """Set a timer, and note when it is due."""
        heappush(self._jumping.alarms, when)
        return super().call_at(when, callback, *args, context=context)

    def time(self) -> float:
        """Give the seconds since the loop was made."""
        return self._jumping.elapsed_s


def run_virtual(main: Coroutine[object, object, T]) -> T:
    """Run `main` to its end on a virtual clock.

    Raises:
        DeadlockError: nothing is left to wait for, and `main` has not ended.
    """
    loop = VirtualLoop()
    with _rare_collections():
        try:
            return loop.run_until_complete(main)
        finally:
            _cancel_all(loop)
            loop.close()


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage less often: many plays are many living objects, and looking through them all took a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _GARBAGE_THRESHOLD) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _cancel_all(loop: VirtualLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
