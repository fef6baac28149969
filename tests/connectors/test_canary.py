"""Credentials with a canary in every secret go out to the stand-in, and show nowhere else, whatever goes wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from activities.connections import Connections
from activities.effects import Ledger
from connectors.registry import VENDORS
from connectors.sandbox.fake import Fake
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from storage.repositories.connections import delete_connection, find_connection, open_connection, save_connection
from storage.session import Database
from storage.vendor_tables import VendorLimit
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of, undo_of
from tests.connectors.canary import overheard, received, rows_of, secrets_of, shown_in, told_by
from tests.connectors.standard import Subject, all_subjects

SUBJECTS = [(subject, given) for subject in all_subjects() for given in subject.canaries()]
TROUBLES = [None, *(Fault("status", status, body='{"message": "no"}') for status in (400, 401, 403, 404, 429, 500, 503))]
TROUBLES += [Fault("status", 401, body='[{"errorCode": "INVALID_SESSION_ID", "message": "expired"}]')]  # Salesforce then signs in anew
TROUBLES += [Fault("status", 302, {"Location": "/elsewhere"}), Fault("garbage"), Fault("lost"), Fault("silence")]
WITHOUT_STAND_IN = {"cloudevents", "http"}


def test_every_connector_is_looked_at() -> None:
    assert {subject.vendor.name for subject in all_subjects()} | WITHOUT_STAND_IN == set(VENDORS)


@pytest.mark.servers
@pytest.mark.parametrize(("subject", "given"), SUBJECTS, ids=[f"{each.vendor.name}-{'-'.join(given)}"[:60] for each, given in SUBJECTS])
async def test_secrets_show_nowhere(
    subject: Subject, given: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(f"connectors.{subject.vendor.name}.client.TIMEOUT_S", 0.3)
    credentials = subject.vendor.read_credentials(given)
    fake = subject.fake()
    subject.admit(fake, given)
    fake.deaf_s = 0.5
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        await subject.link(session, account)
        await save_connection(session, subject.vendor.name, dict(given), account="test", saved_by="maria")
    with serving(fake) as url, overheard() as said:
        connections = Connections(database, url)
        ledger = ledger_of(database, connections=connections)
        for trouble in TROUBLES:
            said += await told_in(subject, fake, trouble, ledger, connections, account, database)
        client = await connections.client(TENANT, subject.vendor)
        said.append(await client.verify())  # they are let in
        said += [repr(client), str(vars(client)), repr(connections), repr(credentials), str(credentials)]
        await connections.close()
    async with database.begin(TENANT) as session:
        said += await rows_of(session)
        said += [repr(await find_connection(session, subject.vendor.name)), repr(await open_connection(session, subject.vendor.name))]
        await delete_connection(session, subject.vendor.name)

    assert shown_in(credentials, [*said, *capfd.readouterr()]) == []
    assert received(credentials, fake.received) == secrets_of(credentials).keys() - subject.never_sent


async def told_in(
    subject: Subject, fake: Fake, trouble: Fault | None, ledger: Ledger, connections: Connections, account: str, database: Database
) -> list[str]:
    """What is said when this trouble meets each of a look, an effect, its second attempt and its undo."""
    call = call_of(run_of(account), subject.action, inputs=subject.inputs)
    client = await connections.client(TENANT, subject.vendor)
    said = []
    for work in (client.verify, lambda: subject.read(client), *[lambda: ledger.perform(call)] * 2, lambda: ledger.undo(undo_of(call))):
        async with database.begin(TENANT) as session:
            await session.execute(delete(VendorLimit))
        fake.faults[:] = [trouble] if trouble else []
        try:
            said.append(repr(await work()))
        except Exception as error:  # whichever it is, what it says is looked at
            said += told_by(error)
    fake.faults.clear()
    return said
