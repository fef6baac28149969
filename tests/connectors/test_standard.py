"""The suite every connector passes: the vendor's real SDK against its stand-in on the loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy.dialects.postgresql import insert

from activities.connections import Connections
from activities.contracts import ActionCall
from activities.effects import Ledger
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.sandbox.fake import Fake
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from storage.repositories.connections import delete_connection, save_connection
from storage.repositories.vendor_limits import list_limits
from storage.session import Database
from storage.vendor_tables import VendorLimit
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of, undo_of
from tests.connectors.standard import Client, Subject, all_subjects

pytestmark = pytest.mark.parametrize("subject", all_subjects(), ids=lambda subject: subject.vendor.name)


@contextmanager
def sandbox(subject: Subject) -> Iterator[tuple[Fake, str]]:
    fake = subject.fake()
    fake.deaf_s = 5
    with serving(fake) as url:
        yield fake, url


@asynccontextmanager
async def client_of(subject: Subject, url: str, given: dict[str, str] | None = None) -> AsyncIterator[Client]:
    vendor = subject.vendor
    client = vendor.open(vendor.credentials.model_validate(given or dict(vendor.sandbox)), f"{url}/{vendor.name}")
    try:
        yield client
    finally:
        await client.close()


async def error_after(subject: Subject, fault: Fault) -> ConnectorError:
    with sandbox(subject) as (fake, url):
        async with client_of(subject, url) as client:
            await client.verify()
            fake.faults += [fault] * (subject.sign_ins if fault.status == 401 else 1)
            try:
                answer = await subject.read(client)
            except ConnectorError as error:
                return error
    raise AssertionError(f"the vendor answered {answer!r}")


async def test_the_right_credentials_are_let_in_and_read(subject: Subject) -> None:
    with sandbox(subject) as (_, url):
        async with client_of(subject, url) as client:
            assert await client.verify()
            assert await subject.read(client)


async def test_wrong_credentials_are_not_authorized(subject: Subject) -> None:
    with sandbox(subject) as (_, url):
        async with client_of(subject, url, subject.wrong_credentials) as client:
            with pytest.raises(NotAuthorized):
                await client.verify()


STATUSES = ((400, Rejected), (401, NotAuthorized), (403, NotAuthorized), (404, Rejected), (500, Unavailable), (503, Unavailable))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (401, NotAuthorized), (403, NotAuthorized), (404, Rejected), (500, Unavailable), (503, Unavailable)],
)
async def test_a_status_is_one_of_the_four_errors(subject: Subject, status: int, kind: type[ConnectorError]) -> None:
    assert type(await error_after(subject, Fault("status", status))) is kind


async def test_a_limit_says_in_seconds_when_to_come_again(subject: Subject) -> None:
    error = await error_after(subject, Fault("status", 429, {"Retry-After": "7"}))

    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=7)


async def test_a_limit_says_by_a_date_when_to_come_again(subject: Subject) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    error = await error_after(subject, Fault("status", 429, {"Retry-After": at}))

    assert isinstance(error, RateLimited)
    assert error.retry_after is not None
    assert timedelta(seconds=80) < error.retry_after <= timedelta(seconds=90)


async def test_a_malformed_answer_is_unavailable(subject: Subject) -> None:
    assert isinstance(await error_after(subject, Fault("garbage")), Unavailable)


async def test_a_connection_that_breaks_is_unavailable_and_in_doubt(subject: Subject) -> None:
    error = await error_after(subject, Fault("lost"))

    assert isinstance(error, Unavailable)
    assert error.maybe_done


async def test_silence_ends_at_the_time_out(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__(f"connectors.{subject.vendor.name}.client", fromlist=["TIMEOUT_S"])
    monkeypatch.setattr(module, "TIMEOUT_S", 0.3)

    began = datetime.now(UTC)
    error = await error_after(subject, Fault("silence"))

    assert isinstance(error, Unavailable)
    assert datetime.now(UTC) - began < timedelta(seconds=4)


@asynccontextmanager
async def prepared(subject: Subject, database: Database, url: str) -> AsyncIterator[tuple[Ledger, ActionCall]]:
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        await subject.link(session, account)
        if subject.connect:
            await save_connection(session, subject.vendor.name, dict(subject.vendor.sandbox), account="test", saved_by="maria")
    connections = Connections(database, url)
    try:
        yield ledger_of(database, connections=connections), call_of(run_of(account), subject.action, inputs=subject.inputs)
    finally:
        await connections.close()
        if subject.connect:
            async with database.begin(TENANT) as session:
                await delete_connection(session, subject.vendor.name)


async def settle(ledger: Ledger, call: ActionCall) -> None:
    """Come again as a play would, until it is done."""
    for _ in range(5):
        try:
            await ledger.perform(call)
        except Unavailable:
            continue
        return
    raise AssertionError("it was never done")


@pytest.mark.servers
async def test_an_effect_whose_answer_was_lost_happens_once(subject: Subject, database: Database) -> None:
    with sandbox(subject) as (fake, url):
        before = subject.count(fake)
        async with prepared(subject, database, url) as (ledger, call):
            fake.faults.append(Fault("lost", method="POST", path=subject.effect_path))

            await settle(ledger, call)
            await ledger.perform(call)

        assert subject.count(fake) == before + (1 if subject.writes else 0)


@pytest.mark.servers
async def test_an_effect_is_taken_back_once(subject: Subject, database: Database) -> None:
    if not subject.reversible:
        pytest.skip("what this vendor does cannot be taken back")
    with sandbox(subject) as (fake, url):
        before = subject.count(fake)
        async with prepared(subject, database, url) as (ledger, call):
            await ledger.perform(call)

            first = await ledger.undo(undo_of(call))
            asked = len(fake.received)
            second = await ledger.undo(undo_of(call))

        assert (first.status, second.status) == ("undone", "undone")
        assert subject.count(fake) == before
        assert len(fake.received) == asked


class Meter:
    """Compares what was booked at the vendor with what its stand-in received, since the last look.

    The allowance is put at a moment ahead: what is booked is then counted on from there to the call, whatever time it is.
    """

    AHEAD = 30

    def __init__(self, subject: Subject, database: Database, fake: Fake) -> None:
        self._vendor, self._database, self._fake = subject.vendor, database, fake
        self._interval = subject.vendor.allowance.interval

    async def reset(self) -> None:
        self._from = datetime.now(UTC) + self.AHEAD * self._interval
        async with self._database.begin(TENANT) as session:
            row = {"tenant": TENANT, "vendor": self._vendor.name, "booked_until": self._from, "failures": 0, "open_until": None}
            changes = {name: row[name] for name in ("booked_until", "failures", "open_until")}
            limits = insert(VendorLimit).values(row).on_conflict_do_update(index_elements=["tenant", "vendor"], set_=changes)
            await session.execute(limits)
        self._seen = len(self._fake.received)

    async def read(self) -> tuple[float, int]:
        """Calls that were booked, and requests that came in; signing in is not counted by vendors."""
        async with self._database.begin(TENANT) as session:
            [row] = [row for row in await list_limits(session) if row.vendor == self._vendor.name]
        came = [each for each in self._fake.received[self._seen :] if not each.path.endswith("/token")]
        return (row.booked_until - self._from) / self._interval, len(came)

    async def agrees_after(self, attempt: Awaitable[object]) -> None:
        await self.reset()
        with suppress(Unavailable):
            await attempt
        booked, came = await self.read()
        assert booked == came or (booked, came) == (1, 0)  # an attempt has its turn before it knows whether it needs one


@pytest.mark.servers
async def test_as_many_turns_are_booked_as_requests_are_made(subject: Subject, database: Database) -> None:
    with sandbox(subject) as (fake, url):
        meter = Meter(subject, database, fake)
        async with prepared(subject, database, url) as (ledger, call):
            fake.faults.append(Fault("lost", method="POST", path=subject.effect_path))
            for _ in range(3):
                await meter.agrees_after(ledger.perform(call))
            if subject.reversible:
                await meter.agrees_after(ledger.undo(undo_of(call)))

        assert fake.received
