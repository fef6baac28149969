from __future__ import annotations

import pytest

from activities.connections import Connections
from activities.failures import BadInput, Nobody
from connectors.errors import Rejected
from connectors.sandbox.serving import serving
from connectors.twilio.fake import FakeTwilio
from storage.repositories.accounts import save_contacts
from storage.session import Database
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of

pytestmark = pytest.mark.servers


async def test_who_is_written_to_and_who_is_not(database: Database) -> None:
    fake = FakeTwilio()
    account = await make_account(database)
    contacts = [
        {"id": f"{account}-8", "account": account, "name": "Dora", "phone": "+49 (30) 123-456", "roles": ["champion"], "opt_outs": []},
        {"id": f"{account}-9", "account": account, "name": "Eve", "phone": "+4930999", "roles": ["boss"], "opt_outs": ["sms"]},
    ]
    async with database.begin(TENANT) as session:
        await save_contacts(session, contacts)
    run = run_of(account)
    with serving(fake) as url:
        connections = Connections(database, url)
        ledger = ledger_of(database, connections=connections)
        await ledger.perform(call_of(run, "sms.send", "one", {"to": "champion", "text": "We are here."}))
        with pytest.raises(Nobody, match="boss"):
            await ledger.perform(call_of(run, "sms.send", "two", {"to": "boss", "text": "We are here."}))
        with pytest.raises(BadInput, match="telephone number"):
            await ledger.perform(call_of(run, "sms.send", "three", {"to": "+49-nonsense", "text": "We are here."}))
        fake.stopped.add("+4930123456")
        with pytest.raises(Rejected, match="STOP"):
            await ledger.perform(call_of(run, "sms.send", "four", {"to": "champion", "text": "Again"}))
        skipped = await ledger.perform(call_of(run, "sms.send", "five", {"to": "champion", "text": "Again"}, if_nobody="skip"))
        await connections.close()

    assert [message["to"] for message in fake.messages] == ["+4930123456"]
    assert skipped.status == "skipped"
