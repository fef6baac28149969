from __future__ import annotations

from connectors.sendgrid.fake import FakeSendGrid
from connectors.sendgrid.vendor import SENDGRID
from storage.session import Session
from tests.connectors.standard import Subject


def fake() -> FakeSendGrid:
    made = FakeSendGrid()
    made.bounced.add("gone@example.com")
    return made


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


SUBJECT = Subject(
    vendor=SENDGRID,
    fake=fake,
    read=lambda client: client.suppressed(["gone@example.com"]),
    action="email.send",
    inputs={"to": "champion", "from": "csm", "subject": "Hello", "body": "We are here."},
    count=lambda there: len(there.mails),
    link=link,
    wrong_credentials={"api_key": "SG.of_somebody_else"},
    reversible=False,
    effect_path="/mail/send",
    connect=True,
)
