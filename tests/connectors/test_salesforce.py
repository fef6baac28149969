"""What is Salesforce's own: ways in, its errors, SOQL, and changed records page by page."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.records import Record
from connectors.salesforce.changes import BEHIND
from connectors.salesforce.fake import FakeSalesforce
from connectors.salesforce.soql import BadQuery
from connectors.salesforce.vendor import SALESFORCE, instance_of
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.vendor import CredentialsMalformed

Client: TypeAlias = Any
"""The client; its module is imported when it is made."""

INSTANCE = {"instance_url": "https://sandbox.my.salesforce.com"}
WAYS_IN = {
    "refresh": {"refresh_token": "sandbox-refresh", "client_id": "sandbox-client", "client_secret": "sandbox-secret"},
    "client": {"client_id": "sandbox-client", "client_secret": "sandbox-secret"},
    "user": {"username": "sandbox@acme.example", "password": "secret", "security_token": "TOKEN"},
}


@asynccontextmanager
async def connected(fake: FakeSalesforce, given: dict[str, str] | None = None) -> AsyncIterator[Client]:
    with serving(fake) as url:
        client = SALESFORCE.connect({**INSTANCE, **given} if given else dict(SALESFORCE.sandbox), url)
        yield client
        await client.close()


@pytest.mark.parametrize("way", WAYS_IN)
async def test_every_way_in_leads_in_again_when_the_session_has_run_out(way: str) -> None:
    fake = FakeSalesforce()
    async with connected(fake, WAYS_IN[way]) as client:
        await client.verify()
        fake.expire()

        assert "sandbox" in await client.verify()


@pytest.mark.parametrize("way", WAYS_IN)
async def test_wrong_credentials_of_any_kind_are_refused_without_a_word_of_them(way: str) -> None:
    given = dict(WAYS_IN[way])
    given[list(given)[-1]] = "canary-1234"
    async with connected(FakeSalesforce(), given) as client:
        with pytest.raises(NotAuthorized) as refused:
            await client.verify()

    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("way", WAYS_IN)
async def test_a_login_that_breaks_down_leaves_nothing_in_doubt(way: str) -> None:
    fake = FakeSalesforce()
    for fault in (Fault("status", 503), Fault("lost"), Fault("garbage")):
        async with connected(fake, WAYS_IN[way]) as client:
            fake.faults.append(fault)
            with pytest.raises(Unavailable) as away:
                await client.create("Account", {"Name": "Never"})

            assert not away.value.maybe_done
    assert fake.there("Account") == []


async def test_calls_that_find_the_session_over_together_log_in_once() -> None:
    fake = FakeSalesforce()
    async with connected(fake) as client:
        fake.expire()

        await asyncio.gather(*(client.verify() for _ in range(6)))

    assert len([each for each in fake.received if each.path.endswith("/token")]) == 1


async def test_an_access_token_alone_is_used_until_it_runs_out() -> None:
    fake = FakeSalesforce()
    async with connected(fake, {"access_token": "00Dsandbox!first"}) as client:
        assert await client.verify()

        fake.expire()
        with pytest.raises(NotAuthorized, match="run out"):
            await client.verify()


async def test_a_new_token_that_is_not_taken_either_ends_it() -> None:
    fake = FakeSalesforce()
    expired = '[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]'
    fake.faults += [Fault("status", 401, body=expired, path="/query")] * 2
    async with connected(fake) as client:
        with pytest.raises(NotAuthorized) as refused:
            await client.verify()

    assert type(refused.value) is NotAuthorized
    assert len(fake.received) == 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected),
        (400, "REQUIRED_FIELD_MISSING", Rejected),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY", NotAuthorized),
        (400, "UNABLE_TO_LOCK_ROW", Unavailable),
        (400, "QUERY_TIMEOUT", Unavailable),
        (403, "REQUEST_LIMIT_EXCEEDED", RateLimited),
        (403, "API_DISABLED_FOR_ORG", NotAuthorized),
        (404, "NOT_FOUND", Rejected),
        (500, "UNKNOWN_EXCEPTION", Unavailable),
        (503, "SERVER_UNAVAILABLE", Unavailable),
        (302, "", Rejected),
    ],
)
async def test_salesforces_codes_are_one_of_the_four_errors(status: int, code: str, kind: type[ConnectorError]) -> None:
    fake = FakeSalesforce()
    body = f'[{{"errorCode": "{code}", "message": "as told"}}]'
    fake.faults.append(Fault("status", status, {"Location": "https://elsewhere.example/"}, body))
    async with connected(fake) as client:
        with pytest.raises(ConnectorError) as told:
            await client.create("Account", {"Name": "Once"})

    assert type(told.value) is kind
    assert told.value.maybe_done == (code == "UNKNOWN_EXCEPTION")
    assert len(fake.received) == 1


async def test_an_external_id_that_several_records_have_is_refused() -> None:
    fake = FakeSalesforce()
    for name in ("One", "Two"):
        fake.add("Account", Name=name, Playkeeper_Key__c="same")
    async with connected(fake) as client:
        with pytest.raises(Rejected, match="unique"):
            await client.upsert("Account", "Playkeeper_Key__c", "same", {"Name": "Three"})


HOSTILE = (
    "' OR Name != '",
    "\\' OR Name != \\'",
    "\\",
    "x\\",
    "') OR (Name != '",
    '" OR Id != "',
    "a' LIMIT 1",
    "%",
    "_____",
    "new\nline\ttab",
    "null",
    "{0}",
    "{}",
    "Größe 東京",
)


@pytest.mark.parametrize("condition", ["Name", "Name !=", "Name contains", "Name starts with", "in a list"])
async def test_values_are_never_read_as_soql(condition: str) -> None:
    fake = FakeSalesforce()
    async with connected(fake) as client:
        for text in HOSTILE:
            fake.rows["Account"].clear()
            mine, other = fake.add("Account", Name=text), fake.add("Account", Name="Plain")
            where = {"Name": [text, "nobody"]} if condition == "in a list" else {condition: text}

            found = [each["Id"] for each in await client.find("Account", ["Id"], where)]

            assert found == ([other] if condition == "Name !=" else [mine]), text


@pytest.mark.parametrize(
    ("object_", "fields", "where", "order_by"),
    [
        ("Account WHERE Name != null", ["Id"], {}, []),
        ("Account, User", ["Id"], {}, []),
        ("Account", ["Id FROM User"], {}, []),
        ("Account", ["(SELECT Id FROM Contacts)"], {}, []),
        ("Account", ["FIELDS(ALL)"], {}, []),
        ("Account", ["Id"], {"Name = 'x' OR Name": "y"}, []),
        ("Account", ["Id"], {"Name LIKE": "y"}, []),
        ("Account", ["Id"], {"Name contains": ["a", "b"]}, []),
        ("Account", ["Id"], {"Name": []}, []),
        ("Account", ["Id"], {"Name": {"a": 1}}, []),
        ("Account", ["Id"], {}, ["Name LIMIT 1"]),
    ],
)
async def test_what_is_no_name_is_not_sent(object_: str, fields: list[str], where: dict[str, Any], order_by: list[str]) -> None:
    fake = FakeSalesforce()
    async with connected(fake) as client:
        with pytest.raises(BadQuery):
            await client.find(object_, fields, where, order_by=order_by)

    assert fake.received == []


async def test_ids_and_keys_cannot_lead_elsewhere() -> None:
    fake = FakeSalesforce()
    async with connected(fake) as client:
        for id_ in ("../Contact/003000000000001AAA", "https://elsewhere.example/x", "//elsewhere.example/x", "", "0010000000 0001"):
            with pytest.raises(BadQuery):
                await client.update("Account", id_, {"Name": "x"})
        for key in ("", ".", "..", " . "):
            with pytest.raises(BadQuery):
                await client.upsert("Account", "Playkeeper_Key__c", key, {"Name": "x"})
        assert fake.received == []

        await client.upsert("Account", "Playkeeper_Key__c", "a/../../Contact?x=1#y", {"Name": "x"})

    assert [each["Playkeeper_Key__c"] for each in fake.there("Account")] == ["a/../../Contact?x=1#y"]


async def test_numbers_dates_and_truth_are_compared_as_what_they_are() -> None:
    fake = FakeSalesforce()
    soon, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    for at, amount in ((soon, 1e15), (late, 5.5)):
        fake.now = at
        fake.add("Opportunity", Name=str(amount), Amount=amount, CloseDate=at.date().isoformat(), IsClosed=amount > 10, NextStep=None)
    async with connected(fake) as client:

        async def names(where: dict[str, Any]) -> list[str]:
            return [each["Name"] for each in await client.find("Opportunity", ["Name"], where, order_by=["Amount desc"])]

        assert await names({"Amount >=": 1e15}) == ["1000000000000000.0"]
        assert await names({"CloseDate <": late.date()}) == ["1000000000000000.0"]
        assert await names({"CreatedDate >": soon}) == ["5.5"]
        assert await names({"NextStep": None, "Amount <": 1e16}) == ["1000000000000000.0", "5.5"]


async def test_more_records_than_fit_an_answer_are_all_found() -> None:
    fake = FakeSalesforce()
    for number in range(2_500):
        fake.add("Contact", LastName=f"Nr {number}")
    async with connected(fake) as client:
        found = await client.query("SELECT Id FROM Contact LIMIT 2400")

    assert len({each["Id"] for each in found}) == 2_400


async def all_changed(client: Client, kind: str, cursor: str | None, limit: int) -> tuple[list[Record], str]:
    found: list[Record] = []
    while True:
        page = await client.changed(kind, cursor, limit)
        assert len(page.records) <= limit
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, page.cursor


async def test_changed_records_come_page_by_page_each_once_though_many_changed_together() -> None:
    fake = FakeSalesforce()
    for number in range(700):
        fake.now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number // 300)
        fake.add("Account", Name=f"Nr {number}")
    async with connected(fake) as client:
        first, cursor = await all_changed(client, "Account", None, 100)
        again, cursor = await all_changed(client, "Account", cursor, 100)
        fake.now = datetime(2026, 2, 1, tzinfo=UTC)
        fake.change("Account", first[5].external_id, Industry="Energy")
        fake.remove("Account", first[9].external_id)
        later, _ = await all_changed(client, "Account", cursor, 100)

    assert sorted(each.fields["Name"] for each in first) == sorted(f"Nr {number}" for number in range(700))
    assert again == []
    assert [(each.external_id, each.deleted, each.fields["Industry"]) for each in later] == sorted(
        [(first[5].external_id, False, "Energy"), (first[9].external_id, True, None)]
    )
    assert first[0].fields["Owner.Email"] == "integration@acme.example"


async def test_a_record_that_becomes_visible_late_is_not_passed_by() -> None:
    fake = FakeSalesforce()
    async with connected(fake) as client:
        for seconds in (30, 20, 10):
            fake.now = datetime.now(UTC) - timedelta(seconds=seconds)
            fake.add("Account", Name=f"{seconds} s ago")
        _, cursor = await all_changed(client, "Account", None, 2)
        fake.now = datetime.now(UTC) - BEHIND / 2
        fake.add("Account", Name="a long transaction")

        found, _ = await all_changed(client, "Account", cursor, 2)

    assert [each.fields["Name"] for each in found] == ["a long transaction", "30 s ago", "20 s ago", "10 s ago"]


async def test_a_sync_reads_the_organisations_own_fields_and_none_its_user_may_not_see() -> None:
    fake = FakeSalesforce()
    fake.schema["Account"]["Health__c"] = "double"
    del fake.schema["Account"]["AnnualRevenue"]
    fake.add("Account", Name="ACME", Health__c=71.5)
    async with connected(fake) as client:
        page = await client.changed("Account", None, 10)

    assert page.records[0].fields["Health__c"] == 71.5
    assert "AnnualRevenue" not in page.records[0].fields


@pytest.mark.parametrize("cursor", ["nonsense", "[]", "5", '["2026-01-01T00:00:00Z", "\' OR Id != \'", null]', '["x", "", null]'])
async def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    async with connected(FakeSalesforce()) as client:
        with pytest.raises(Rejected, match="begin the sync anew"):
            await client.changed("Account", cursor, 10)


@pytest.mark.parametrize(
    ("given", "instance"),
    [
        ("https://acme.my.salesforce.com/lightning/page/home", "https://acme.my.salesforce.com"),
        ("https://ACME.my.salesforce.com:443", "https://acme.my.salesforce.com"),
        ("https://acme.lightning.force.com/", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
    ],
)
def test_any_address_of_an_organisation_is_understood(given: str, instance: str) -> None:
    assert instance_of(given) == instance


@pytest.mark.parametrize(
    "given",
    [
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com.evil.example",
        "https://evil.example/acme.my.salesforce.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://evil.example#.salesforce.com",
        "https://salesforce.com.",
        "https://127.0.0.1",
        "https://acme.my.salesforce.com:8443",
        "https://acme.my.salesforce.com:x",
        "acme",
    ],
)
def test_a_token_goes_to_salesforce_alone(given: str) -> None:
    with pytest.raises(CredentialsMalformed):
        SALESFORCE.read_credentials({"instance_url": given, "access_token": "x"})


@pytest.mark.parametrize("given", [{}, {"refresh_token": "x"}, {"client_id": "x"}, {"username": "x", "password": "y"}])
def test_half_a_way_in_is_none(given: dict[str, str]) -> None:
    with pytest.raises(CredentialsMalformed):
        SALESFORCE.read_credentials({**INSTANCE, **given})


async def test_the_sandbox_makes_up_what_a_newcomer_names_and_keeps_what_landed() -> None:
    fake = FakeSalesforce()
    fake.invents = True
    async with connected(fake) as client:
        await client.update("Account", "001sandbox00000001", {"Risk_Stage__c": "In save play"})
        read = await client.record("Account", "001sandbox00000001", ["Name", "Risk_Stage__c"])
        (user,) = await client.find("User", ["Id", "Name"], {"Email": "maria@acme.example", "IsActive": True})

    kept = pickle.loads(pickle.dumps(fake))  # noqa: S301  # what was written a moment ago

    assert read["Risk_Stage__c"] == "In save play"
    assert user["Name"] == "Maria"
    assert [each.what for each in kept.landed] == ["Account changed, Risk_Stage__c: In save play"]
    async with connected(kept) as client:
        assert (await client.record("Account", "001sandbox00000001", ["Risk_Stage__c"]))["Risk_Stage__c"] == "In save play"
