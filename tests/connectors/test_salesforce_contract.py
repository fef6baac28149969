"""Codes of refusals as in the WSDL that comes with Salesforce's SDK, and bulk jobs in the SDK's words.

Salesforce publishes no description of its REST API that could be kept here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import pytest
from simple_salesforce.bulk2 import ColumnDelimiter, JobState, LineEnding, Operation
from starlette.types import Message, Receive, Scope, Send

from connectors.errors import ConnectorError
from connectors.salesforce.bulk import BulkJobs
from connectors.salesforce.fake import FakeSalesforce
from connectors.salesforce.session import _BY_CODE
from connectors.salesforce.vendor import SALESFORCE
from connectors.sandbox.serving import serving

Loose: TypeAlias = Any
ACCOUNT = "001000000000001AAA"
# The WSDL has the codes of what is wrong with a record, and not those of what is wrong with a call: these are in Salesforce's guides only.
OF_CALLS = {
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "INVALIDJOB",
    "INVALIDJOBSTATE",
    "MALFORMED_QUERY",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
}


@cache
def codes() -> set[str]:
    wsdl = (files("simple_salesforce") / "metadata.wsdl").read_text()
    [listed] = re.findall(r'<xsd:simpleType name="StatusCode">(.*?)</xsd:simpleType>', wsdl, re.DOTALL)
    return set(re.findall(r'<xsd:enumeration value="(\w+)"', listed))


class Overheard(FakeSalesforce):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[Loose] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def overhear(message: Message) -> None:
            if message.get("body"):
                self.said.append(message["body"].decode())
            await send(message)

        await super().__call__(scope, receive, overhear)


def test_codes_we_tell_apart_are_salesforces() -> None:
    assert len(codes()) > 500
    assert _BY_CODE.keys() - OF_CALLS <= codes()


async def test_the_stand_in_refuses_in_salesforces_words() -> None:
    fake = Overheard()
    fake.add("Account", Id=ACCOUNT, Name="ACME")
    gone = fake.add("Account", Name="Gone")
    fake.remove("Account", gone)
    with serving(fake) as url:
        client = SALESFORCE.connect(dict(SALESFORCE.sandbox), url)
        refused: list[Awaitable[object]] = [
            client.update("Account", ACCOUNT, {"Nonsense": 1}),
            client.update("Account", ACCOUNT, {"CreatedDate": "2030-01-01T00:00:00Z"}),
            client.update("Account", "001000000000009AAA", {"Name": "x"}),
            client.delete("Account", gone),
            client.create("Account", {"Nonsense": 1}),
            client.upsert("Account", "Nonsense__c", "1", {"Name": "x"}),
            client.query("SELECT Nonsense FROM Account"),
            client.query("SELECT Id FROM Nonsense"),
            client.query("SELECT FROM"),
        ]
        for call in refused:
            with pytest.raises(ConnectorError):
                await call
        fake.expire()
        await client.record("Account", ACCOUNT, ["Name"])
        await client.close()
    told = {each["errorCode"] for text in fake.said if text.startswith('[{"errorCode"') for each in json.loads(text)}

    assert told >= {"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_TYPE", "MALFORMED_QUERY"}
    assert told >= {"INVALID_SESSION_ID"}
    assert told - OF_CALLS <= codes()


async def test_bulk_jobs_speak_the_sdks_words() -> None:
    fake = Overheard()
    field = "Playkeeper__c"
    fake.keys["Account"].add(field)
    fake.schema["Account"][field] = "string"
    with serving(fake) as url:
        client = SALESFORCE.connect(dict(SALESFORCE.sandbox), url)
        bulk: BulkJobs = client.bulk
        job = await bulk.open("Account", field)
        await bulk.upload("Account", job, [{field: "1", "Name": "ACME"}])
        while (await bulk.job("Account", job)).state != "JobComplete":
            pass
        await client.close()
    asked = [each.body for each in fake.received if each.path.endswith("/ingest")]
    jobs = [json.loads(text) for text in fake.said if '"operation"' in text]

    assert {each["operation"] for each in (*asked, *jobs)} <= set(Operation)
    assert {each["state"] for each in jobs} <= set(JobState)
    assert {"JobComplete", "Open"} <= {each["state"] for each in jobs}
    assert {each["columnDelimiter"] for each in asked} <= set(ColumnDelimiter)
    assert {each["lineEnding"] for each in asked} <= set(LineEnding)
