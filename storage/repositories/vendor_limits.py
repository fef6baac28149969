"""How many calls a vendor may get, counted for all workers together, and the circuit that opens when it is down."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.session import Session
from storage.vendor_tables import VendorLimit

_PROBE: Final = timedelta(seconds=15)
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Booking:
    """When a call may be made. `failures` are those in a row before it."""

    at: datetime
    failures: int


async def book(
    session: Session, vendor: str, now: datetime, *, interval: timedelta, burst: int, within: timedelta | None = None
) -> Booking:
    """Book the next free moment for a call, by the generic cell rate algorithm (ITU-T I.371).

    `burst` calls are free at once, then one an `interval`.
    A moment that lies ahead is kept for the caller. While the circuit is open nothing is booked: the answer says when to ask again, and
    the first to ask then goes ahead of the others, to see whether the vendor is back. Who cannot wait longer than `within` books nothing
    either when the moment is later.
    """
    row = await _row(session, vendor, now)
    if row.open_until is not None and now < row.open_until:
        return Booking(row.open_until, row.failures)
    free_at = max(row.booked_until, now) - interval * (burst - 1)
    if within is not None and free_at > now + within:
        return Booking(free_at, row.failures)
    if row.open_until is not None:
        row.open_until = now + _PROBE
    row.booked_until = max(row.booked_until, now) + interval
    await session.flush()
    return Booking(max(now, row.booked_until - interval * burst), row.failures)


async def charge(session: Session, vendor: str, now: datetime, *, interval: timedelta, calls: int) -> None:
    """Book calls that were made already, without a turn of their own: whoever comes next waits so much longer."""
    row = await _row(session, vendor, now)
    row.booked_until = max(row.booked_until, now) + interval * calls
    await session.flush()


async def note_success(session: Session, vendor: str) -> None:
    """Close the circuit: the vendor has answered."""
    await session.execute(update(VendorLimit).where(col(VendorLimit.vendor) == vendor).values(failures=0, open_until=None))


async def note_failure(session: Session, vendor: str, now: datetime, *, breaks_after: int) -> None:
    """Count a call the vendor could not answer; from `breaks_after` in a row on the circuit is open, longer each time."""
    row = await _row(session, vendor, now)
    row.failures += 1
    if row.failures >= breaks_after:
        row.open_until = now + min(_FIRST_PAUSE * 2 ** min(row.failures - breaks_after, 10), _LONGEST_PAUSE)
    await session.flush()


async def list_limits(session: Session) -> list[VendorLimit]:
    """Give what is booked at every vendor that was called so far."""
    return list((await session.execute(select(VendorLimit))).scalars())


async def _row(session: Session, vendor: str, now: datetime) -> VendorLimit:
    new = insert(VendorLimit).values(tenant=session.tenant, vendor=vendor, booked_until=now, failures=0)
    await session.execute(new.on_conflict_do_nothing())
    mine = select(VendorLimit).where(col(VendorLimit.vendor) == vendor).with_for_update()
    return (await session.execute(mine.execution_options(populate_existing=True))).scalar_one()
