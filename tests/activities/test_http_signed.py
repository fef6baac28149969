"""Signed requests to a team's own services, verified with the rules' own package."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from activities.effects import Ledger
from connectors.errors import ConnectorError, NotAuthorized, Rejected, Unavailable
from connectors.http.client import WebClient
from connectors.http.signing import RequestSigner
from connectors.http.vendor import HTTP, HttpCredentials
from storage.repositories.connections import delete_connection, save_connection
from storage.repositories.effects import effect_key, find_effect
from storage.session import Database
from tests.activities.acting import TENANT, Loose, call_of, ledger_of, make_account, run_of
from tests.connectors.canary import overheard, rows_of, shown_in, told_by
from tests.connectors.test_http import http, web_server

pytestmark = pytest.mark.servers

SECRET = "whsec_b25lIHNlY3JldCBvZiB0d2VudHktZm91ciBieXRlcw=="
BEFORE = "whsec_dGhlIG9uZSBiZWZvcmUsIGFzIGxvbmcgYXMgdGhhdA=="
STRANGE = "whsec_c29tZWJvZHkgZWxzZSdzLCBhcyBsb25nIGFzIHRoYXQ="


def parts(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.decode().split("\r\n")[1:])}, body


@asynccontextmanager
async def service(database: Database, *statuses: str, **credentials: str) -> AsyncIterator[tuple[str, list[bytes], Ledger]]:
    """A service that answers with these statuses, then 200, and a ledger that may call it."""
    seen: list[bytes] = []

    def answer(request: bytes) -> bytes:
        seen.append(request)
        return http(statuses[len(seen) - 1] if len(seen) <= len(statuses) else "200 OK")

    async with database.begin(TENANT) as session:
        await delete_connection(session, HTTP.name)
        if credentials:
            await save_connection(session, HTTP.name, dict(credentials), account="own systems", saved_by="maria")
    async with web_server(answer) as port:
        yield f"http://127.0.0.1:{port}/orders", seen, ledger_of(database, web=WebClient(private_hosts=frozenset({"127.0.0.1"})))
    async with database.begin(TENANT) as session:
        await delete_connection(session, HTTP.name)


async def a_call(database: Database, url: str, **inputs: Loose) -> Loose:
    return call_of(run_of(await make_account(database)), "http.request", inputs={"url": url, "sign": True, **inputs})


BODIES: Mapping[str, tuple[dict[str, Loose], bytes]] = {
    "JSON": ({"body": {"grün": ["a", 1.5, None]}}, '{"grün": ["a", 1.5, null]}'.encode()),
    "a text": ({"body": "hällo", "headers": {"Content-Type": "text/plain"}}, "hällo".encode()),
    "nothing": ({"method": "GET"}, b""),
}


@pytest.mark.parametrize("case", BODIES.values(), ids=BODIES.keys())
async def test_a_signed_request_is_what_the_rules_say(database: Database, case: tuple[dict[str, Loose], bytes]) -> None:
    inputs, expected = case
    async with service(database, secret=SECRET) as (url, seen, ledger):
        await ledger.perform(await a_call(database, url, **inputs))
    headers, body = parts(seen[0])

    assert body == expected
    verified(SECRET, headers, body)
    for secret, changed in ((STRANGE, body), (SECRET, body + b" ")):
        with pytest.raises(WebhookVerificationError):
            verified(secret, headers, changed)


def verified(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    Webhook(secret).verify(body, dict(headers), json_parse=False)


async def test_each_attempt_has_the_same_id(database: Database) -> None:
    async with service(database, "503 Service Unavailable", secret=SECRET) as (url, seen, ledger):
        call = await a_call(database, url, body={"a": 1})
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        await ledger.perform(call)
    (first, body), (second, again) = map(parts, seen)

    assert first["webhook-id"] == second["webhook-id"]
    assert (body, first["idempotency-key"]) == (again, second["idempotency-key"])
    verified(SECRET, second, again)


async def test_while_a_secret_is_changed_both_are_good(database: Database) -> None:
    async with service(database, secret=SECRET, previous_secret=BEFORE) as (url, seen, ledger):
        await ledger.perform(await a_call(database, url, body={"a": 1}))
    headers, body = parts(seen[0])

    verified(SECRET, headers, body)
    verified(BEFORE, headers, body)


async def test_without_sign_nothing_is_signed(database: Database) -> None:
    async with service(database, secret=SECRET) as (url, seen, ledger):
        await ledger.perform(await a_call(database, url, sign=False))

    assert b"webhook-" not in seen[0].lower()


async def test_without_a_secret_it_is_not_sent(database: Database) -> None:
    async with service(database) as (url, seen, ledger):
        with pytest.raises(NotAuthorized, match="playkeeper connect http"):
            await ledger.perform(await a_call(database, url))

    assert seen == []


async def test_a_header_of_the_signature_cannot_be_given(database: Database) -> None:
    async with service(database, secret=SECRET) as (url, seen, ledger):
        with pytest.raises(Rejected, match='"Webhook-Id" is set by us'):
            await ledger.perform(await a_call(database, url, headers={"Webhook-Id": "mine"}))

    assert seen == []


async def test_what_is_kept_of_it_has_no_signature(database: Database) -> None:
    async with service(database, secret=SECRET) as (url, _, ledger):
        call = await a_call(database, url, body={"a": 1})
        await ledger.perform(call)
    async with database.begin(TENANT) as session:
        kept = await find_effect(session, effect_key(TENANT, call.run.chain, call.key, call.generation))

    assert kept is not None
    assert "v1," not in json.dumps([kept.request, kept.result])
    assert SECRET not in repr(RequestSigner(HttpCredentials.model_validate({"secret": SECRET})).__dict__)


async def test_the_secret_shows_nowhere_whatever_the_service_answers(database: Database) -> None:
    said: list[str] = []
    statuses = ("400 Bad Request", "401 Unauthorized", "429 Too Many Requests", "500 Internal Server Error")
    credentials = HTTP.read_credentials({"secret": SECRET, "previous_secret": BEFORE})
    with overheard() as logged:
        async with service(database, *statuses, secret=SECRET, previous_secret=BEFORE) as (url, seen, ledger):
            for _ in range(len(statuses) + 1):
                try:
                    said.append(repr(await ledger.perform(await a_call(database, url, body={"a": 1}))))
                except ConnectorError as error:
                    said += told_by(error)
            async with database.begin(TENANT) as session:
                said += await rows_of(session)
    for request in seen:
        verified(SECRET, *parts(request))

    assert len(seen) == len(statuses) + 1
    assert shown_in(credentials, [*said, *logged]) == []
