"""Counts the requests that are made at a vendor for one thing, wherever they are made: in this task, in those it starts, or in threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock


class RequestsMade:
    """A count that threads may add to."""

    def __init__(self) -> None:
        """Begin at none."""
        self._made = 0
        self._lock = Lock()

    @property
    def made(self) -> int:
        """How many there were."""
        return self._made

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self._made += 1


_CURRENT: ContextVar[RequestsMade | None] = ContextVar("requests_made", default=None)


@contextmanager
def counted_by(requests: RequestsMade) -> Iterator[None]:
    """Have the requests that are made within counted."""
    token = _CURRENT.set(requests)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def note_request() -> None:
    """Say that a request is about to be made that counts against what the vendor allows. Clients call it; sign-ins are not counted."""
    requests = _CURRENT.get()
    if requests is not None:
        requests.add()
