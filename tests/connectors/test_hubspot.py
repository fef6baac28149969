"""What changed at HubSpot is read completely, whatever its search limits and however many changed together."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Rejected
from connectors.hubspot import fake as fakes
from connectors.hubspot.client import HubSpot
from connectors.hubspot.fake import FakeHubSpot
from connectors.hubspot.vendor import HUBSPOT
from connectors.records import Record
from connectors.sandbox.serving import serving

START = datetime(2026, 11, 20, 9, tzinfo=UTC)


@asynccontextmanager
async def connected(fake: FakeHubSpot) -> AsyncIterator[HubSpot]:
    with serving(fake) as url:
        client = HUBSPOT.connect(dict(HUBSPOT.sandbox), url)
        yield client
        await client.close()


async def all_changed(client: HubSpot, kind: str, cursor: str | None, limit: int) -> tuple[list[Record], str]:
    found: list[Record] = []
    for _ in range(1000):
        page = await client.changed(kind, cursor, limit)
        assert len(page.records) <= limit
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("it never ends")


def names(records: list[Record]) -> list[str]:
    return sorted(record.external_id for record in records)


async def test_changed_records_come_each_once_though_many_changed_together() -> None:
    fake, chance = FakeHubSpot(), random.Random(3)
    for number in range(1, 60):
        fake.now = START + timedelta(milliseconds=chance.choice([0, 1, 1, 1, 1, 5, 5, number]))
        fake.add("companies", str(number), name=f"Company {number}")
    async with connected(fake) as client:
        first, cursor = await all_changed(client, "company", None, 7)
        nothing, cursor = await all_changed(client, "company", cursor, 7)
        fake.now = START + timedelta(seconds=1)
        # One of many that changed together leaves them: those that are left are not counted anew.
        fake.add("companies", "17", name="Renamed")
        fake.add("companies", "60", name="New")
        news, cursor = await all_changed(client, "company", cursor, 7)

    assert names(first) == sorted(str(number) for number in range(1, 60))
    assert nothing == []
    assert [(record.external_id, record.fields["name"]) for record in news] in (
        [("17", "Renamed"), ("60", "New")],
        [("60", "New"), ("17", "Renamed")],
    )


async def test_more_results_than_a_search_gives_are_all_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakes, "MOST_FOUND", 30)
    fake = FakeHubSpot()
    for number in range(1, 201):
        # An import of a hundred changes all at once; before and after it single ones change.
        fake.now = START + timedelta(seconds=0 if 50 < number <= 150 else number)
        fake.add("companies", str(number), name=f"Company {number}")
    async with connected(fake) as client:
        found, _ = await all_changed(client, "company", None, 10)

    assert names(found) == sorted(str(number) for number in range(1, 201))
    assert not any((received.body or {}).get("after") for received in fake.received if received.path.endswith("/search"))


async def test_what_becomes_visible_late_is_not_passed_by() -> None:
    fake = FakeHubSpot()
    fake.add("companies", "1", name="One")
    async with connected(fake) as client:
        first, cursor = await all_changed(client, "company", None, 10)
        fake.now = datetime.now(UTC) - timedelta(seconds=30)
        fake.add("companies", "2", name="Seen late")
        second, _ = await all_changed(client, "company", cursor, 10)

    assert names(first) == ["1"]
    # What is young comes again, so that nothing is missed.
    assert names(second) == ["1", "2"]


async def test_contacts_without_a_company_are_not_asked_for() -> None:
    fake = FakeHubSpot()
    fake.add("contacts", "1", firstname="Ada", associatedcompanyid="7")
    fake.add("contacts", "2", firstname="A lead of a fair")
    async with connected(fake) as client:
        found, _ = await all_changed(client, "contact", None, 10)

    assert [(record.external_id, record.fields["associatedcompanyid"]) for record in found] == [("1", "7")]


@pytest.mark.parametrize(("kind", "cursor"), [("deal", None), ("company", "0/0"), ("company", "[1]"), ("contact", '["a", null, null]')])
async def test_a_kind_or_a_cursor_that_is_none_is_rejected(kind: str, cursor: str | None) -> None:
    async with connected(FakeHubSpot()) as client:
        with pytest.raises(Rejected):
            await client.changed(kind, cursor, 10)
