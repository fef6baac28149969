from __future__ import annotations

from collections.abc import Mapping

from connectors.salesforce.fake import FakeSalesforce
from connectors.salesforce.vendor import SALESFORCE
from storage.repositories.connections import save_links
from storage.session import Session
from storage.vendor_tables import Link
from tests.connectors.standard import CANARY, Subject

TOKENS = ("access_token", "refresh_token", "client_id", "client_secret")

ACCOUNT = "001000000000001AAA"


def admit(there: FakeSalesforce, given: Mapping[str, str]) -> None:
    if "password" in given:
        there.users[given["username"]] = given["password"] + given["security_token"]
    else:
        there.tokens.add(given["access_token"])
        there.refresh_tokens.add(given["refresh_token"])
        there.clients[given["client_id"]] = given["client_secret"]


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
    canary=(
        {**SALESFORCE.sandbox, **{name: SALESFORCE.sandbox[name] + CANARY for name in TOKENS}},
        {
            "instance_url": SALESFORCE.sandbox["instance_url"],
            **{name: f"{name}{CANARY}" for name in ("username", "password", "security_token")},
        },
    ),
    admit=admit,
    wrong_credentials={
        "instance_url": "https://sandbox.my.salesforce.com/",
        "access_token": "of-somebody-else",
        "refresh_token": "of-somebody-else",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    },
)
