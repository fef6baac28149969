"""Make a crashing file small while it still crashes in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

MAX_TRIES = 400
T = TypeVar("T")


def minimised(data: bytes, still_crashes: Callable[[bytes], bool]) -> bytes:
    """Give a smaller file for which `still_crashes` holds: first whole lines go, then runs of bytes."""
    tries = [MAX_TRIES]

    def holds(candidate: bytes) -> bool:
        tries[0] -= 1
        return tries[0] > 0 and still_crashes(candidate)

    lines = _without_parts(data.split(b"\n"), lambda parts: holds(b"\n".join(parts)))
    data = b"\n".join(lines)
    if len(data) > 4000:
        return data
    return bytes(_without_parts(list(data), lambda parts: holds(bytes(parts))))


def _without_parts(parts: list[T], holds: Callable[[list[T]], bool]) -> list[T]:
    size = max(1, len(parts) // 2)
    while size:
        at = 0
        while at < len(parts):
            shorter = parts[:at] + parts[at + size :]
            if holds(shorter):
                parts = shorter
            else:
                at += size
        size //= 2
    return parts
