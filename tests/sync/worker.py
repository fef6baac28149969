"""The product's own worker with the generated vendor: what the kill test and the benchmark kill."""

from __future__ import annotations

import asyncio
import signal

from settings import Settings
from tests.sync.generated import VENDORS
from worker import build_worker, opened, runner


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with opened(settings, vendors=VENDORS) as (client, activities), build_worker(client, activities, settings):
        await stop.wait()


if __name__ == "__main__":
    runner()(serve(Settings()))
