"""What changed at Stripe is read completely: first everything there is, then by events, and anew when events do not suffice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.errors import Rejected
from connectors.records import Record
from connectors.sandbox.serving import serving
from connectors.stripe import changes
from connectors.stripe.changes import Changes
from connectors.stripe.client import Stripe
from connectors.stripe.fake import FakeStripe
from connectors.stripe.vendor import STRIPE, StripeCredentials

DAY = 86_400


def filled(customers: int) -> FakeStripe:
    fake = FakeStripe()
    for number in range(customers):
        fake.ahead_s += 1
        fake.add_customer(f"cus_{number}", f"Customer {number}")
    fake.ahead_s += 600
    return fake


@asynccontextmanager
async def reading(fake: FakeStripe) -> AsyncIterator[Changes]:
    """The client's reader, on the stand-in's clock."""
    with serving(fake) as url:
        client = Stripe(StripeCredentials.model_validate(dict(STRIPE.sandbox)), base_url=f"{url}/stripe")
        yield Changes(client.list_page, clock=fake.now)
        await client.close()


async def all_of(reader: Changes, kind: str, cursor: str | None, limit: int = 100) -> tuple[list[Record], str]:
    """Every record there is right now, and the cursor after them."""
    found: list[Record] = []
    for _ in range(100):
        page = await reader.page(kind, cursor, limit)
        assert len(page.records) <= limit
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("it never ends")


async def test_everything_is_listed_once_and_then_only_what_changes() -> None:
    fake = filled(25)
    async with reading(fake) as reader:
        first, cursor = await all_of(reader, "customer", None, limit=7)
        nothing, cursor = await all_of(reader, "customer", cursor)
        fake.change("cus_3", "customer.updated", name="Renamed")
        fake.change("cus_3", "customer.updated", name="Renamed again")
        fake.add_customer("cus_new", "New")
        fake.ahead_s += 600
        news, cursor = await all_of(reader, "customer", cursor)
        after, _ = await all_of(reader, "customer", cursor)

    assert sorted(record.external_id for record in first) == sorted(f"cus_{number}" for number in range(25))
    assert (nothing, after) == ([], [])
    assert [(record.external_id, record.fields["name"]) for record in news] == [("cus_3", "Renamed again"), ("cus_new", "New")]


async def test_the_client_gives_what_the_reader_finds() -> None:
    fake = filled(3)
    with serving(fake) as url:
        client = STRIPE.connect(dict(STRIPE.sandbox), url)
        page = await client.changed("customer", None, 100)
        await client.close()

    assert {record.external_id for record in page.records} == {"cus_0", "cus_1", "cus_2"}
    assert {record.kind for record in page.records} == {"customer"}


async def test_what_changes_during_the_listing_is_told_after_it() -> None:
    fake = filled(6)
    async with reading(fake) as reader:
        page = await reader.page("customer", None, 2)
        fake.change("cus_5", "customer.updated", name="Changed after it was listed")
        fake.ahead_s += 600
        rest, _ = await all_of(reader, "customer", page.cursor, limit=2)

    assert [record.fields["name"] for record in rest if record.external_id == "cus_5"] == ["Changed after it was listed"]


async def test_a_listing_goes_on_when_its_last_object_was_deleted() -> None:
    fake = filled(6)
    async with reading(fake) as reader:
        page = await reader.page("customer", None, 2)
        gone = page.records[-1].external_id
        fake.delete(gone)
        rest, _ = await all_of(reader, "customer", page.cursor, limit=2)

    seen = {record.external_id for record in (*page.records, *rest)}
    assert seen == {f"cus_{number}" for number in range(6)}
    assert [record.external_id for record in rest if record.deleted] == [gone]


async def test_many_events_come_oldest_first_over_pages() -> None:
    fake = filled(1)
    async with reading(fake) as reader:
        _, cursor = await all_of(reader, "customer", None)
        for number in range(25):
            fake.ahead_s += 1
            fake.change("cus_0", "customer.updated", name=f"Name {number}")
        fake.ahead_s += 600
        news, _ = await all_of(reader, "customer", cursor, limit=10)

    assert [record.fields["name"] for record in news] == ["Name 9", "Name 19", "Name 24"]


async def test_what_is_young_comes_again_so_that_a_late_event_is_not_missed() -> None:
    fake = filled(1)
    async with reading(fake) as reader:
        _, cursor = await all_of(reader, "customer", None)
        fake.change("cus_0", "customer.updated", name="Young")
        first, cursor = await all_of(reader, "customer", cursor)
        # Visible only now, though it happened before the one that was read.
        late = fake.change("cus_0", "customer.updated", phone="1")
        fake.events.insert(-2, {**late, "id": "evt_late", "data": {"object": {**late["data"]["object"], "id": "cus_late"}}})
        fake.ahead_s += 600
        second, cursor = await all_of(reader, "customer", cursor)
        third, _ = await all_of(reader, "customer", cursor)

    assert [record.fields["name"] for record in first] == ["Young"]
    assert {record.external_id for record in second} == {"cus_0", "cus_late"}
    assert third == []


async def test_the_minute_before_the_first_listing_comes_twice_and_ends_as_it_is_there() -> None:
    fake = filled(1)
    async with reading(fake) as reader:
        fake.change("cus_0", "customer.updated", name="Older")
        fake.change("cus_0", "customer.updated", name="Newest")
        records, cursor = await all_of(reader, "customer", None)
        fake.ahead_s += 600
        after, _ = await all_of(reader, "customer", cursor)

    # Once listed, once by its events; the state that counts is the last.
    assert [record.fields["name"] for record in records] == ["Newest", "Newest"]
    assert [record.fields["name"] for record in after] == ["Newest"]


async def test_an_object_whose_event_is_seen_late_goes_back_only_until_the_next_sync() -> None:
    fake = filled(1)
    async with reading(fake) as reader:
        fake.change("cus_0", "customer.updated", name="Older")
        hidden = fake.change("cus_0", "customer.updated", name="Newest")
        fake.events.remove(hidden)
        first, cursor = await all_of(reader, "customer", None)
        fake.events.append(hidden)
        second, _ = await all_of(reader, "customer", cursor)

    assert [record.fields["name"] for record in first] == ["Newest", "Older"]
    assert [record.fields["name"] for record in second] == ["Newest"]


async def test_events_are_told_under_their_own_ids_and_an_odd_one_stops_nothing() -> None:
    fake = filled(1)
    async with reading(fake) as reader:
        fake.add_invoice("in_1", "cus_0")
        fake.ahead_s += 600
        _, cursor = await all_of(reader, "invoice", None)
        paid = fake.change("in_1", "invoice.paid", status="paid")
        odd = fake.change("in_1", "invoice.sent")
        odd["id"] = "evt_" + "x" * 300
        page = await reader.page("invoice", cursor, 10)

    assert [(event.id, event.name, event.refs[0].external_id) for event in page.events] == [(paid["id"], "invoice.paid", "cus_0")]
    assert [record.fields["status"] for record in page.records] == ["paid"]


async def test_more_young_events_than_a_page_do_not_turn_in_a_circle() -> None:
    fake = filled(1)
    async with reading(fake) as reader:
        _, cursor = await all_of(reader, "customer", None)
        for number in range(25):
            fake.change("cus_0", "customer.updated", name=f"Name {number}")
        page = await reader.page("customer", cursor, 10)
        fake.ahead_s += 600
        news, _ = await all_of(reader, "customer", page.cursor, limit=10)

    assert not page.more
    assert news[-1].fields["name"] == "Name 24"


async def test_a_quiet_kind_is_not_listed_again_month_after_month() -> None:
    fake = filled(3)
    async with reading(fake) as reader:
        _, cursor = await all_of(reader, "customer", None)
        for _ in range(8):
            fake.ahead_s += 10 * DAY
            quiet, cursor = await all_of(reader, "customer", cursor)
            assert quiet == []
        fake.change("cus_1", "customer.updated", name="At last")
        fake.ahead_s += 600
        news, _ = await all_of(reader, "customer", cursor)

    assert [record.fields["name"] for record in news] == ["At last"]


async def test_after_a_month_without_a_look_everything_is_listed_again() -> None:
    fake = filled(3)
    async with reading(fake) as reader:
        _, cursor = await all_of(reader, "customer", None)
        fake.change("cus_1", "customer.updated", name="Unseen")
        fake.ahead_s += 31 * DAY
        news, _ = await all_of(reader, "customer", cursor)

    assert {record.external_id: record.fields["name"] for record in news} == {
        **{"cus_0": "Customer 0", "cus_1": "Unseen"},
        "cus_2": "Customer 2",
    }


async def test_more_than_a_page_after_a_long_silence_is_listed_again() -> None:
    fake = filled(30)
    async with reading(fake) as reader:
        _, cursor = await all_of(reader, "customer", None)
        for _ in range(4):
            fake.ahead_s += 10 * DAY
            _, cursor = await all_of(reader, "customer", cursor)
        for number in range(30):
            fake.change(f"cus_{number}", "customer.updated", name="All at once")
        fake.ahead_s += 600
        news, _ = await all_of(reader, "customer", cursor, limit=10)

    assert {record.external_id for record in news if record.fields["name"] == "All at once"} == {f"cus_{number}" for number in range(30)}


@pytest.mark.parametrize("kind", STRIPE.records)
async def test_every_kind_is_read(kind: str) -> None:
    fake = filled(2)
    fake.add_invoice("in_0", "cus_0")
    fake.change("sub_1", "customer.subscription.deleted", status="canceled")
    async with reading(fake) as reader:
        found, _ = await all_of(reader, kind, None)

    assert found
    for record in found:
        assert record.kind == kind
        assert json.loads(json.dumps(dict(record.fields))) == record.fields
        assert not [name for name, value in record.fields.items() if isinstance(value, dict)]
    if kind == "subscription":
        assert {record.external_id: (record.fields["status"], record.deleted) for record in found} == {
            **{"sub_0": ("active", False)},
            "sub_1": ("canceled", False),
        }


@pytest.mark.parametrize(("kind", "cursor"), [("charge", None), ("customer", "nonsense"), ("customer", '{"page":1}'), ("customer", "[]")])
async def test_a_kind_or_a_cursor_that_is_none_is_rejected(kind: str, cursor: str | None) -> None:
    async with reading(filled(1)) as reader:
        with pytest.raises(Rejected, match="Stripe"):
            await reader.page(kind, cursor, 10)


def test_no_kind_asks_for_more_events_than_stripe_takes() -> None:
    assert max(len(kind.events) for kind in changes.KINDS.values()) <= 20
