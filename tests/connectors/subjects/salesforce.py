from __future__ import annotations

from connectors.salesforce.fake import FakeSalesforce
from connectors.salesforce.vendor import SALESFORCE
from storage.repositories.connections import save_links
from storage.session import Session
from storage.tables import Link
from tests.connectors.standard import Subject

ACCOUNT = "001000000000001AAA"


def fake() -> FakeSalesforce:
    made = FakeSalesforce()
    made.add("Account", Id=ACCOUNT, Name="ACME")
    return made


async def link(session: Session, account: str) -> None:
    await save_links(session, [Link(vendor="salesforce", kind="Account", external_id=ACCOUNT, account=account)])


SUBJECT = Subject(
    vendor=SALESFORCE,
    fake=fake,
    read=lambda client: client.record("Account", ACCOUNT, ["Name"]),
    action="salesforce.task.create",
    inputs={"subject": "Call ACME"},
    count=lambda there: len(there.there("Task")),
    link=link,
    wrong_credentials={
        "instance_url": "https://sandbox.my.salesforce.com/",
        "access_token": "of-somebody-else",
        "refresh_token": "of-somebody-else",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    },
)
