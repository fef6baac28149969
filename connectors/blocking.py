"""Vendors' SDKs that block: each call runs in a thread, and never longer than it may."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from connectors.errors import Unavailable
from connectors.requests_made import note_request

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(vendor: str, within_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call of an SDK that makes one request.

    The SDK's own time-out comes first and ends the thread; this one is for the SDK that forgets it somewhere.

    Raises:
        Unavailable: it took longer; it may have taken effect.
    """
    note_request()
    return await in_thread_counting(vendor, within_s, call, *args, **kwargs)


async def in_thread_counting(vendor: str, within_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call of an SDK that may make several requests, each of which is noted where it is sent; else see `in_thread`.

    Raises:
        Unavailable: see there.
    """
    try:
        async with asyncio.timeout(within_s):
            return await asyncio.to_thread(call, *args, **kwargs)
    except TimeoutError as error:
        raise Unavailable(f"{vendor} did not answer within {within_s:.0f} s", maybe_done=True) from error
