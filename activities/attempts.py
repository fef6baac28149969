"""Every attempt at an action: it shows signs of life, and it comes to its end even when the play no longer waits for it."""

import asyncio
from typing import Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

# Short attempts never beat. The server takes a worker for dead 10 s after the last beat of a long one.
_FIRST_BEAT_S: Final = 3.0


class Attempts(Interceptor):
    """Puts `Attempt` around every activity of a worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap."""
        return Attempt(next)


class Attempt(ActivityInboundInterceptor):
    """One attempt."""

    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        """Run the activity to its end, with heartbeats.

        A play that is cancelled must know what an attempt under way has done, so the attempt is not broken off for that. It is when the
        worker stops or the attempt has run out of time: then it is tried anew, and the ledger sees to it that nothing happens twice.
        """
        if activity.info().is_local:
            return await super().execute_activity(input)
        work = asyncio.ensure_future(super().execute_activity(input))
        while True:
            try:
                done, _ = await asyncio.wait({work}, timeout=_FIRST_BEAT_S)
            except asyncio.CancelledError:
                if _must_stop():
                    work.cancel()
                    await asyncio.gather(work, return_exceptions=True)
                    raise
                continue
            if done:
                return work.result()
            activity.heartbeat()


def _must_stop() -> bool:
    details = activity.cancellation_details()
    return details is None or details.worker_shutdown or details.timed_out or details.not_found
