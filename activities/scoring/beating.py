"""Signs of life of an activity that computes for minutes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from temporalio import activity

_EVERY_S: Final = 3.0


@asynccontextmanager
async def beating(what: str) -> AsyncIterator[None]:
    """Say every few seconds that this is still at work; the computing itself belongs into a thread."""

    async def beat() -> None:
        while True:
            activity.heartbeat(what)
            await asyncio.sleep(_EVERY_S)

    task = asyncio.create_task(beat(), name=f"heartbeat of {what}")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
