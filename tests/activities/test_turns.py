"""Calls of vendors are counted for all workers together, and wait for their turn without keeping a worker busy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from activities.connections import Connections
from activities.failures import Throttled
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from storage.repositories.vendor_limits import book, note_failure, note_success
from storage.session import Database
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of

pytestmark = pytest.mark.servers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def booked(database: Database, vendor: str, count: int, *, now: datetime = NOON) -> list[float]:
    """Seconds from `now` at which each of `count` calls may be made: 60 an hour, 3 at once."""
    found = []
    for _ in range(count):
        async with database.begin(TENANT) as session:
            booking = await book(session, vendor, now, interval=timedelta(minutes=1), burst=3)
        found.append((booking.at - now).total_seconds())
    return found


async def test_a_burst_goes_at_once_and_the_rest_one_by_one(database: Database) -> None:
    assert await booked(database, "burst", 6) == [0, 0, 0, 60, 120, 180]


async def test_what_was_not_used_comes_back_up_to_the_burst(database: Database) -> None:
    await booked(database, "rested", 4)

    assert await booked(database, "rested", 5, now=NOON + timedelta(hours=5)) == [0, 0, 0, 60, 120]


async def test_the_circuit_opens_after_failures_in_a_row_and_lets_one_through_to_see(database: Database) -> None:
    async with database.begin(TENANT) as session:
        for _ in range(5):
            await note_failure(session, "down", NOON, breaks_after=5)

    while_open = await booked(database, "down", 1, now=NOON + timedelta(seconds=10))
    first, second = await booked(database, "down", 2, now=NOON + timedelta(seconds=31))
    async with database.begin(TENANT) as session:
        await note_success(session, "down")
    closed = await booked(database, "down", 1, now=NOON + timedelta(seconds=32))

    assert while_open == [20]
    assert first == 0
    assert second == 15
    assert closed == [0]


async def test_a_vendor_that_is_down_makes_steps_wait_instead_of_fail(database: Database) -> None:
    fake = FakeStripe()
    fake.add_customer("cus_1", "ACME")
    call = call_of(run_of(await make_account(database)), "stripe.customer.get", inputs={"customer": "cus_1"})
    with serving(fake) as url:
        connections = Connections(database, url)
        ledger = ledger_of(database, connections=connections)
        fake.faults += [Fault("status", 503)] * 5
        outcomes = []
        for _ in range(6):
            try:
                await ledger.perform(call)
            except Exception as error:  # which one it is, is what is looked at
                outcomes.append(error)
        await connections.close()

    assert [type(error).__name__ for error in outcomes] == ["Unavailable"] * 5 + ["Throttled"]
    assert isinstance(outcomes[-1], Throttled)
    assert timedelta(seconds=20) < outcomes[-1].until - datetime.now(UTC) <= timedelta(seconds=30)
    assert len(fake.received) == 5
