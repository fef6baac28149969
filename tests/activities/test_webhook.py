from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from activities.connections import Connections
from activities.effects import Ledger
from activities.failures import CannotBeUndone
from connectors.errors import NotAuthorized, Rejected, Unavailable
from connectors.http.client import WebClient
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.vendor import CredentialsMalformed
from connectors.webhook.client import WebhookSender
from connectors.webhook.fake import FakeReceiver
from connectors.webhook.vendor import WEBHOOK, WebhookCredentials
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of, undo_of

INPUTS = {"type": "risk.raised", "data": {"score": 12, "why": "silent — für Wochen"}}
OWN_SECRET = "whsec_YW5vdGhlcmFub3RoZXJhbm90aGVyYW5vdGhlcjAw"


@asynccontextmanager
async def receiver(database: Database) -> AsyncIterator[tuple[FakeReceiver, Ledger]]:
    fake = FakeReceiver()
    with serving(fake) as url:
        connections = Connections(database, url)
        try:
            yield fake, ledger_of(database, connections=connections)
        finally:
            await connections.close()


@pytest.mark.servers
async def test_the_endpoint_gets_what_the_step_says_and_the_account(database: Database) -> None:
    async with receiver(database) as (fake, ledger):
        account = await make_account(database)
        result = await ledger.perform(call_of(run_of(account), "webhook.emit", inputs=INPUTS))

    [(message_id, message)] = fake.messages.items()
    assert result.output == {"message_id": message_id}
    assert {name: value for name, value in message.items() if name != "timestamp"} == {**INPUTS, "account": account}


@pytest.mark.servers
async def test_a_message_sent_again_has_the_same_id_and_body(database: Database) -> None:
    async with receiver(database) as (fake, ledger):
        call = call_of(run_of(await make_account(database)), "webhook.emit", inputs=INPUTS)
        fake.faults.append(Fault("lost"))
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        again = await ledger.perform(call)

    first, second = fake.received
    assert again.status == "done"
    assert len(fake.messages) == 1
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


@pytest.mark.servers
async def test_what_was_told_cannot_be_taken_back(database: Database) -> None:
    async with receiver(database) as (_, ledger):
        call = call_of(run_of(await make_account(database)), "webhook.emit", inputs=INPUTS)
        await ledger.perform(call)
        with pytest.raises(CannotBeUndone):
            await ledger.undo(undo_of(call))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", 302, {"Location": "https://elsewhere.example/"}), Rejected),
        (Fault("status", 410), Rejected),
        (Fault("garbage"), Unavailable),
    ],
)
async def test_a_redirect_and_a_page_are_no_receipt(fault: Fault, error: type[Exception]) -> None:
    fake = FakeReceiver()
    with serving(fake) as url:
        client = WEBHOOK.connect(dict(WEBHOOK.sandbox), url)
        fake.faults.append(fault)
        with pytest.raises(error):
            await client.emit("m1", {"type": "risk.raised", "data": {}})


async def test_any_text_is_a_receipt_even_if_it_says_to_be_json() -> None:
    fake = FakeReceiver()
    with serving(fake) as url:
        fake.faults.append(Fault("status", 200, body="ok"))
        await WEBHOOK.connect(dict(WEBHOOK.sandbox), url).emit("m1", {"type": "risk.raised", "data": {}})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
async def test_an_endpoint_within_our_network_is_refused(host: str) -> None:
    client = WebhookSender(WebhookCredentials.model_validate({**WEBHOOK.sandbox, "url": f"https://{host}/key-in-path"}))

    for through in (None, WebClient()):
        with pytest.raises(Rejected, match="not on the public internet") as caught:
            await client.emit("m1", {"type": "risk.raised", "data": {}}, through=through)
        assert "key-in-path" not in str(caught.value)


async def test_the_operators_list_of_hosts_holds() -> None:
    client = WEBHOOK.connect({**WEBHOOK.sandbox, "url": "https://mine.example/", "secret": OWN_SECRET}, None)

    with pytest.raises(Rejected, match="not among the hosts"):
        await client.emit("m1", {"type": "risk.raised"}, through=WebClient(allowed_hosts=frozenset({"api.example.com"})))


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/s3cret",
        "https://me:s3cret@receiver.example/",
        "https:///s3cret",
        "https://a:99999/s3cret",
        "https://a:0/s3cret",
    ],
)
def test_an_address_that_cannot_be_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(CredentialsMalformed) as caught:
        WEBHOOK.read_credentials({**WEBHOOK.sandbox, "url": url})

    assert "s3cret" not in str(caught.value) + json.dumps(caught.value.fields)


async def test_the_receiver_refuses_a_body_that_was_changed() -> None:
    fake = FakeReceiver()
    with serving(fake) as url:
        await WEBHOOK.connect(dict(WEBHOOK.sandbox), url).emit("m1", {"type": "risk.raised", "data": {}})
        signed = {name: value for name, value in fake.received[0].headers.items() if name.startswith("webhook-")}
        async with httpx.AsyncClient(trust_env=False) as http:
            forged = await http.post(f"{url}/webhook/", headers=signed, content=b'{"type":"risk.gone"}')

    assert forged.status_code == 401


async def test_another_secret_is_not_authorized() -> None:
    with serving(FakeReceiver()) as url:
        wrong = {**WEBHOOK.sandbox, "secret": OWN_SECRET}
        with pytest.raises(NotAuthorized):
            await WEBHOOK.connect(wrong, url).verify()
