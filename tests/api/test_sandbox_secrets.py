"""The secrets of the sandbox are published with the project: outside of it they open nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from activities.connections import Connections
from api.problems import HookNotFound, SignatureWrong
from api.services.hooks import At, Taken, take_in
from connectors.cloudevents.vendor import CLOUDEVENTS
from connectors.incoming import Delivered
from connectors.registry import VENDORS
from connectors.vendor import CredentialsMalformed, Vendor
from storage.repositories.connections import delete_connection, save_connection
from storage.session import Database
from tests.activities.acting import TENANT
from tests.api.signing import SECRET, event, headers

KNOWN = CLOUDEVENTS.sandbox["secret"]


def secrets_of(vendor: Vendor[Any]) -> Mapping[str, str]:
    credentials = vendor.read_credentials(dict(vendor.sandbox))
    return {name: value.get_secret_value() for name, value in credentials if isinstance(value, SecretStr)}


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_credentials_of_the_sandbox_are_refused_outside_of_it(name: str) -> None:
    vendor = VENDORS[name]

    with pytest.raises(CredentialsMalformed, match="are the sandbox's") as refused:
        vendor.connect(dict(vendor.sandbox), None)

    assert refused.value.fields.keys() == secrets_of(vendor).keys()
    assert not [value for value in secrets_of(vendor).values() if value in str(refused.value)]
    vendor.read_usable(dict(vendor.sandbox), in_sandbox=True)


def test_a_known_secret_is_known_without_its_mark() -> None:
    with pytest.raises(CredentialsMalformed):
        CLOUDEVENTS.read_usable({"secret": SECRET, "previous_secret": KNOWN.removeprefix("whsec_")}, in_sandbox=False)


@asynccontextmanager
async def connected(database: Database, **credentials: str) -> AsyncIterator[None]:
    async with database.begin(TENANT) as session:
        await delete_connection(session, "cloudevents")
        if credentials:
            await save_connection(session, "cloudevents", dict(credentials), account="own systems", saved_by="maria")
    yield
    async with database.begin(TENANT) as session:
        await delete_connection(session, "cloudevents")


async def told(database: Database, secret: str, *, sandbox: bool) -> Taken:
    body = json.dumps(event()).encode()
    delivered = Delivered(headers(body, secret=secret), body, "https://plays.example.com/v1/hooks/cloudevents")
    return await take_in(database, At(TENANT, "cloudevents", sandbox=sandbox), delivered)


@pytest.mark.servers
async def test_the_sandboxs_secret_opens_a_hook_only_in_the_sandbox_and_where_nothing_is_connected(database: Database) -> None:
    async with connected(database):
        assert (await told(database, KNOWN, sandbox=True)).new
        with pytest.raises(HookNotFound):
            await told(database, KNOWN, sandbox=False)


@pytest.mark.servers
@pytest.mark.parametrize("sandbox", [True, False])
async def test_the_sandboxs_secret_does_not_open_a_connection_of_ones_own(database: Database, sandbox: bool) -> None:
    async with connected(database, secret=SECRET):
        with pytest.raises(SignatureWrong):
            await told(database, KNOWN, sandbox=sandbox)
        assert (await told(database, SECRET, sandbox=sandbox)).new


@pytest.mark.servers
@pytest.mark.parametrize("saved", [{"secret": KNOWN}, {"secret": SECRET, "previous_secret": KNOWN}], ids=["the secret", "the one before"])
async def test_what_was_saved_in_the_sandbox_opens_nothing_once_that_is_gone(database: Database, saved: dict[str, str]) -> None:
    connections = Connections(database)
    async with connected(database, **saved):
        with pytest.raises(HookNotFound):
            await told(database, KNOWN, sandbox=False)
        with pytest.raises(CredentialsMalformed):
            await connections.client(TENANT, CLOUDEVENTS)
