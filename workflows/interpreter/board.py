"""The one thing every wait waits on: something has changed."""

import asyncio


class Board:
    """Wakes all that wait, in the order they began to wait (an unordered set of waiters would not replay)."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiting: list[asyncio.Future[None]] = []

    async def changed(self) -> None:
        """Return when `notify` is called next."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        finally:
            if future in self._waiting:
                self._waiting.remove(future)

    def notify(self) -> None:
        """Wake everybody who waits now."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
