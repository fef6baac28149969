from __future__ import annotations

from connectors.hubspot.fake import FakeHubSpot
from connectors.hubspot.vendor import HUBSPOT
from storage.repositories.connections import save_links
from storage.session import Session
from storage.vendor_tables import Link
from tests.connectors.standard import Subject


def fake() -> FakeHubSpot:
    made = FakeHubSpot()
    made.add("companies", "1", name="ACME")
    return made


async def link(session: Session, account: str) -> None:
    await save_links(session, [Link(vendor="hubspot", kind="company", external_id="1", account=account)])


SUBJECT = Subject(
    vendor=HUBSPOT,
    fake=fake,
    read=lambda client: client.company("1"),
    action="hubspot.task.create",
    inputs={"title": "Call them"},
    count=lambda there: len(there.objects["tasks"]),
    link=link,
    wrong_credentials={"token": "of-somebody-else"},
)
