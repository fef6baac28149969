"""The product's own worker, which knows the hand-written workflows as well: all forms run under the same options."""

import asyncio
import signal

from bench.hand_written import HandWritten, HandWrittenBare
from settings import Settings
from worker import build_worker, opened, runner
from workflows.playbook_run import PlaybookRun


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        opened(settings) as (client, activities),
        build_worker(client, activities, settings, (PlaybookRun, HandWritten, HandWrittenBare)),
    ):
        await stop.wait()


if __name__ == "__main__":
    runner()(serve(Settings()))
