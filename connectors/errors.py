"""What can go wrong with a vendor, named by what the caller does about it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


class ConnectorError(Exception):
    """Trouble with a vendor. `maybe_done` says that the request may have taken effect all the same."""

    def __init__(self, message: str, *, maybe_done: bool = False) -> None:
        """Keep what authors read, and whether the effect is in doubt."""
        super().__init__(message)
        self.maybe_done = maybe_done


class Rejected(ConnectorError):
    """The vendor will never take this request: change it."""


class NotAuthorized(ConnectorError):
    """The credentials do not allow it: tell a person."""


class RateLimited(ConnectorError):
    """Too many requests: try again after `retry_after`, or after a while when the vendor gave no time."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        """Keep when to try again."""
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ConnectorError):
    """The vendor cannot answer now: try again with growing pauses."""


_BY_STATUS: Mapping[int, type[ConnectorError]] = {
    401: NotAuthorized,
    403: NotAuthorized,
    407: NotAuthorized,
    408: Unavailable,
    423: Unavailable,
    425: Unavailable,
    429: RateLimited,
}
_LONGEST_PAUSE = timedelta(hours=1)


def error_for_status(status: int, message: str, *, retry_after: str | None = None) -> ConnectorError | None:
    """Give the error an HTTP status stands for, None when it is none (below 400).

    Every other 4xx is Rejected, every 5xx Unavailable. After a 5xx nobody knows whether the request took effect, but for 503: it says that
    the service takes no requests now.
    """
    if status < 400:
        return None
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else Rejected)
    if kind is RateLimited:
        return RateLimited(message, pause_of(retry_after))
    return kind(message, maybe_done=(status >= 500 and status != 503) or status == 408)


def pause_of(retry_after: str | None) -> timedelta | None:
    """Read a Retry-After header (seconds or an HTTP date), at most an hour; None when it is missing or unreadable."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return min(timedelta(seconds=int(retry_after.strip()[:9])), _LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    at = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(at - datetime.now(UTC), timedelta(0)), _LONGEST_PAUSE)
