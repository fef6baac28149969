"""Waiting: for a condition, a moment, or whichever comes first; pauses stop the clock or not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from workflows.interpreter.board import Board
from workflows.interpreter.runtime import Runtime
from workflows.interpreter.state import OpenWait, RunState

Flush = Callable[[], Awaitable[None]]


class Waiting:
    """All waits of a play. `flush` writes the play's state where lists read it, before a wait begins."""

    def __init__(self, runtime: Runtime, state: RunState, board: Board, flush: Flush) -> None:
        """Share the play's state and board."""
        self._runtime = runtime
        self._state = state
        self._board = board
        self._flush = flush

    def opened(self, key: str, *, shifts: bool = True) -> OpenWait:
        """Give the wait of a step, opened now unless an earlier walk opened it."""
        found = self._state.waits.get(key)
        if found is None:
            found = OpenWait(self._runtime.now(), shifts=shifts)
            self._state.waits[key] = found
        return found

    def closed(self, key: str) -> None:
        """Forget a wait that is over."""
        self._state.waits.pop(key, None)

    def shifted(self, at: datetime, wait: OpenWait) -> datetime:
        """Give the moment `at`, later by the time the play was paused since the wait was opened."""
        if not wait.shifts or not self._state.pauses:
            return at
        now = self._runtime.now()
        held = timedelta()
        for pause in self._state.pauses:
            begin, end = max(pause.started_at, wait.opened_at), pause.ended_at or now
            if end > begin:
                held += end - begin
        return at + held

    async def until(self, done: Callable[[], bool], limit: Callable[[], datetime | None], summary: str, *, quiet: bool = False) -> bool:
        """Wait until `done()`, at most until `limit()`; both are looked at again whenever something changes.

        Gives True when it is done, False when the time is over. While the play is paused nothing passes: `limit` is expected to shift
        (see `shifted`) or to be past when the play goes on. A `quiet` wait is in the background and is not recorded.
        """
        sleeper: asyncio.Task[None] | None = None
        target: datetime | None = None
        recorded: bool | None = None
        try:
            while True:
                if not self._state.paused:
                    if done():
                        return True
                    at = limit()
                    if at is not None and at <= self._runtime.now():
                        return False
                else:
                    at = None
                if at != target:
                    _end(sleeper)
                    sleeper, target = self._sleep(at, summary), at
                if not quiet and recorded is not self._state.paused:
                    # The record is an await: what happens meanwhile is seen by the next look.
                    recorded = self._state.paused
                    await self._flush()
                    continue
                await self._board.changed()
        finally:
            _end(sleeper)

    def _sleep(self, at: datetime | None, summary: str) -> "asyncio.Task[None] | None":
        if at is None:
            return None

        async def sleep() -> None:
            await self._runtime.sleep_until(at, summary)
            self._board.notify()

        return self._runtime.spawn(sleep(), f"timer {summary}")


def _end(task: "asyncio.Task[None] | None") -> None:
    """Cancel a timer; its end is not awaited, because nothing comes after it."""
    if task is not None and not task.done():
        task.cancel()
