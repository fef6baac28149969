from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from activities.connections import Connections
from connectors.salesforce.fake import FakeSalesforce
from connectors.sandbox.serving import serving
from storage.repositories.connections import save_links
from storage.session import Database
from storage.vendor_tables import Link
from tests.activities.acting import TENANT, ledger_of, make_account
from tests.activities.salesforce_org import ACCOUNT, World


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    fake = FakeSalesforce()
    fake.deaf_s = 5
    fake.schema["Account"] |= {"Risk_Stage__c": "picklist", "Since__c": "datetime", "Regions__c": "multipicklist"}
    fake.add("Account", Id=ACCOUNT, Name="ACME", Risk_Stage__c="Healthy", AnnualRevenue=100.0)
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        await save_links(session, [Link(vendor="salesforce", kind="Account", external_id=ACCOUNT, account=account)])
    with serving(fake) as url:
        connections = Connections(database, url)
        yield World(fake, ledger_of(database, connections=connections), account, database, connections)
        await connections.close()


@pytest.fixture
def contracts(world: World) -> World:
    world.fake.schema["Contact"]["Number__c"] = "string"
    world.fake.keys["Contact"].add("Number__c")
    return world
