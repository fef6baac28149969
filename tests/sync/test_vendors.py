"""Syncs of every vendor that is shipped with a mapping: its real SDK against its stand-in, through a real Temporal server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from sqlalchemy import select, text
from sqlmodel import col
from temporalio.client import Client
from temporalio.worker import Worker

from activities import syncing
from activities.attempts import Attempts
from activities.connections import Connections
from activities.contracts import SyncInput
from activities.syncing import Syncing
from connectors.mappings import shipped_mapping
from connectors.registry import VENDORS
from connectors.sandbox.fake import Fake
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from connectors.stripe.vendor import STRIPE
from connectors.stripe.webhooks import read_events
from storage.incoming import kept
from storage.repositories.accounts import find_account, list_contacts_by_account, save_accounts, save_contacts
from storage.repositories.connections import save_connection
from storage.repositories.events import add_events, fields_of
from storage.session import Database
from storage.sync.rows import list_failures, list_reports
from storage.tables import METADATA, Event
from tests.sync.towns import TOWNS, Counts, Town
from workflows.client import Address, connect
from workflows.messages import SYNC
from workflows.sync import SyncTick, VendorSync

pytestmark = pytest.mark.servers


@dataclass
class Place:
    """A town that is served, and where its records go."""

    town: Town
    fake: Any
    url: str
    database: Database
    client: Client

    async def sync(self) -> Counts:
        queue = uuid.uuid4().hex
        connections = Connections(self.database, self.url)
        activities = Syncing(self.database, connections, VENDORS).all()
        async with Worker(
            self.client, task_queue=queue, workflows=[VendorSync, SyncTick], activities=activities, interceptors=[Attempts()]
        ):
            call = SyncInput(tenant="acme", vendor=self.town.vendor, by="maria")
            await self.client.execute_workflow(SYNC, call, id=f"sync-{queue}", task_queue=queue)
        await connections.close()
        async with self.database.begin("acme") as session:
            report = (await list_reports(session, self.town.vendor)).items[0]
        assert report.status == "done", report.error
        counts = cast("Counts", report.counts)
        return {kind: {name: count for name, count in of.items() if count} for kind, of in counts.items()}

    async def told(self) -> list[tuple[str, str]]:
        async with self.database.begin("acme") as session:
            rows = (await session.execute(select(Event).order_by(col(Event.name), col(Event.occurred_at)))).scalars().all()
            fields = [fields_of(session, row) for row in rows]
        return [(row.name, str(of.get("title") or of.get("stage") or of.get("status"))) for row, of in zip(rows, fields, strict=True)]


@pytest.fixture(params=TOWNS, ids=[town.vendor for town in TOWNS])
def town(request: pytest.FixtureRequest) -> Town:
    found: Town = request.param
    return found


@pytest.fixture
def served(town: Town) -> Iterator[tuple[Fake, str]]:
    fake = town.fake()
    town.fill(fake)
    with serving(fake) as url:
        yield fake, url


@pytest.fixture
async def place(town: Town, served: tuple[Fake, str], database: Database, temporal_address: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(syncing, "PAGE_RECORDS", 2)
    async with database.begin("acme") as session:
        for table in ("account", "contact", "link", "sync_cursor", "sync_record", "sync_report", "sync_failure", "event", "vendor_limit"):
            await session.execute(METADATA.tables[table].delete())
        await save_connection(session, town.vendor, dict(VENDORS[town.vendor].sandbox), account="x", saved_by="maria")
        if "create: true" not in (shipped_mapping(town.vendor) or ""):
            await save_accounts(session, [{"id": f"A{number}", "name": f"Company {number}"} for number in range(1, 6)])
            ada = {"id": "A1-ada", "account": "A1", "name": "Ada", "email": "ada@one.example", "roles": [], "opt_outs": []}
            await save_contacts(session, [dict.fromkeys(("phone", "title", "zone", "language")) | ada])
    client = await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    return Place(town, served[0], served[1], database, client)


async def test_a_first_sync_brings_everything_and_the_next_what_changed(place: Place) -> None:
    town = place.town
    first = await place.sync()
    before = await place.told()
    town.change(place.fake)
    second = await place.sync()
    third = await place.sync()
    async with place.database.begin("acme") as session:
        account = await find_account(session, town.account)
        contacts = [contact.name for contact in await list_contacts_by_account(session, town.account)]

    assert (first, before) == (town.first, [])
    assert second == town.second
    assert all(not counts for counts in third.values()), third
    assert await place.told() == sorted(town.told)
    assert account is not None
    assert {name: account.facts[name] for name in town.facts} == town.facts
    assert contacts == {
        "salesforce": ["Ada Meyer"],
        "hubspot": ["Ada Meyer", "office@one.example"],
    }.get(town.vendor, contacts)


async def test_a_record_that_fails_waits_and_is_taken_once_it_is_mended(place: Place) -> None:
    await place.sync()
    await place.sync()
    async with place.database.begin("acme") as session:
        (waiting,) = (await list_failures(session, place.town.vendor)).items
    place.town.mend(place.fake)
    await place.sync()
    async with place.database.begin("acme") as session:
        left = (await list_failures(session, place.town.vendor)).items

    assert (waiting.external_id, waiting.reason, waiting.attempts) == (place.town.bad, "bad_value", 3)
    assert left == []


def stumbling(fake: Fake, pages: str, at: int) -> Callable[[], int]:
    """Drop the connection instead of answering with the page of this number; give how often pages were asked for."""
    asked = 0

    def next_fault(method: str, path: str) -> Fault | None:
        nonlocal asked
        if pages not in path:
            return None
        asked += 1
        return Fault("lost") if asked == at else None

    fake._next_fault = next_fault  # type: ignore[method-assign]  # it looks in on the requests
    return lambda: asked


async def test_a_page_that_fails_is_read_again_and_nothing_is_written_twice(place: Place) -> None:
    asked = stumbling(place.fake, place.town.pages, at=3)
    counts = await place.sync()
    async with place.database.begin("acme") as session:
        records = (await session.execute(text("SELECT count(*) FROM sync_record"))).scalar_one()

    assert asked() > 4
    assert counts == place.town.first
    assert records == sum(of.get("created", 0) + of.get("changed", 0) for of in place.town.first.values())


@pytest.mark.parametrize("town", [town for town in TOWNS if town.vendor == "stripe"], ids=["stripe"])
async def test_an_event_that_a_webhook_brings_too_is_told_once(place: Place) -> None:
    fake: FakeStripe = place.fake
    await place.sync()
    place.town.change(fake)
    (paid,) = (event for event in fake.events if event["type"] == "invoice.paid")
    refunded = fake.change("in_3", "invoice.voided", status="void")
    credentials = STRIPE.read_credentials(dict(STRIPE.sandbox))

    async def bring(event: dict[str, Any]) -> list[str]:
        async with place.database.begin("acme") as session:
            return await add_events(session, "stripe", [kept(each) for each in read_events(fake.delivery(event), credentials)])

    fake.ahead_s = 0
    first_by_webhook = await bring(refunded)
    await place.sync()
    then_by_webhook = await bring(paid)

    assert (len(first_by_webhook), then_by_webhook) == (1, [])
    assert await place.told() == [("invoice.paid", "paid"), ("invoice.voided", "void")]
