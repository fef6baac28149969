"""Clients of vendors for tenants: made of the tenant's credentials, kept until these change, never called more than is allowed."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from activities.failures import Throttled
from connectors.errors import NotAuthorized, Unavailable
from connectors.requests_made import RequestsMade, counted_by
from connectors.vendor import Vendor, VendorClient
from storage.repositories.connections import open_connection
from storage.repositories.vendor_limits import book, charge, note_failure, note_success
from storage.session import Database, Session

ClientT = TypeVar("ClientT", bound=VendorClient)
T = TypeVar("T")
_SOON_S: Final = 0.05


class Connections:
    """The vendors' clients of one worker or API process."""

    def __init__(self, database: Database, sandbox_url: str | None = None) -> None:
        """Use credentials from this database. With `sandbox_url` every call goes to the sandbox below that address instead."""
        self._database = database
        self._sandbox_url = sandbox_url
        self._clients: dict[tuple[str, str], tuple[int, Any]] = {}

    async def client(self, tenant: str, vendor: Vendor[ClientT]) -> ClientT:
        """Give the tenant's client; new credentials count from the next call on.

        Raises:
            NotAuthorized: the tenant is not connected to the vendor, or its credentials are of another form by now.
        """
        async with self._database.begin(tenant) as session:
            found = await open_connection(session, vendor.name)
        version, given = (found.version, found.credentials) if found else (0, None)
        if given is None:
            if self._sandbox_url is None:
                raise NotAuthorized(f"{vendor.title} is not connected; save its credentials with `playkeeper connect {vendor.name}`")
            given = dict(vendor.sandbox)
        known = self._clients.get((tenant, vendor.name))
        if known is not None and known[0] == version:
            client: ClientT = known[1]
            return client
        made = vendor.connect(given, self._sandbox_url)
        self._clients[tenant, vendor.name] = (version, made)
        if known is not None:
            await known[1].close()
        return made

    async def close(self) -> None:
        """Let all clients go."""
        await asyncio.gather(*(client.close() for _, client in self._clients.values()))
        self._clients.clear()


@dataclass
class Turn:
    """Leave to call a vendor: `wait` is raised when it must be waited for. `shaky`: the vendor failed lately, so its answer is news.

    A turn is good for all requests that a step needs, because half a step is of no use to anybody. It books the first one; those beyond
    are booked when it is known how many there were (`paid` of those in `requests`).
    """

    vendor: Vendor[Any] | None = None
    wait: Throttled | None = None
    shaky: bool = False
    requests: RequestsMade = field(default_factory=RequestsMade)
    paid: int = 1


async def book_call(session: Session, vendor: Vendor[Any] | None, booked: datetime | None, *, at_once: bool = False) -> Turn:
    """Book a call, unless a turn was `booked` before and is here now. With `at_once` no turn is kept for later."""
    if vendor is None:
        return Turn()
    now = datetime.now(UTC)
    if booked is not None and booked <= now:
        return Turn(vendor, shaky=True)
    allowed = vendor.allowance
    within = timedelta(seconds=_SOON_S) if at_once else None
    booking = await book(session, vendor.name, now, interval=allowed.interval, burst=allowed.burst, within=within)
    must_wait = (booking.at - now).total_seconds() > _SOON_S
    return Turn(vendor, Throttled(vendor.title, booking.at) if must_wait else None, shaky=booking.failures > 0)


async def called(database: Database, tenant: str, turn: Turn, call: Awaitable[T]) -> T:
    """Await a call of a vendor, book the requests it took beyond its turn, and tell the vendor's circuit when it breaks down or is back."""
    try:
        with counted_by(turn.requests):
            answer = await call
    except Exception as error:
        await _note(database, tenant, turn, answered=False, broke=isinstance(error, Unavailable))
        raise
    await _note(database, tenant, turn, answered=True, broke=False)
    return answer


async def _note(database: Database, tenant: str, turn: Turn, *, answered: bool, broke: bool) -> None:
    vendor, more = turn.vendor, turn.requests.made - turn.paid
    is_back = answered and turn.shaky
    if vendor is None or not (broke or is_back or more > 0):
        return
    async with database.begin(tenant) as session:
        now = datetime.now(UTC)
        if more > 0:
            await charge(session, vendor.name, now, interval=vendor.allowance.interval, calls=more)
        if broke:
            await note_failure(session, vendor.name, now, breaks_after=vendor.breaks_after)
        if is_back:
            await note_success(session, vendor.name)
    turn.paid = max(turn.paid, turn.requests.made)
