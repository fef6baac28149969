"""Work that goes on after an answer has left, and ends with the application."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress


class Background:
    """Tasks of the application. What is cut off at its end is written down in the database, and the next relay takes it up."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._tasks: set[asyncio.Task[object]] = set()

    def spawn(self, work: Coroutine[object, object, object], name: str) -> None:
        """Begin work beside the requests."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cut off what is still under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
