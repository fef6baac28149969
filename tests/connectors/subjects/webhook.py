from __future__ import annotations

from connectors.webhook.fake import FakeReceiver
from connectors.webhook.vendor import WEBHOOK
from storage.session import Session
from tests.connectors.standard import Subject


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


SUBJECT = Subject(
    vendor=WEBHOOK,
    fake=FakeReceiver,
    read=lambda client: client.verify(),
    action="webhook.emit",
    inputs={"type": "risk.raised", "data": {"score": 12}},
    count=lambda there: len(there.messages),
    link=link,
    canary=({"url": "https://receiver.example/hooks?key=4f9c1e7b2d", "secret": "whsec_Y2FuYXJ5LTRmOWMxZTdiMmQtY2FuYXJ5LTRmOWMxZTdi"},),
    admit=lambda fake, given: setattr(fake, "secret", given["secret"]),
    never_sent=frozenset({"url", "secret"}),
    wrong_credentials={"url": "https://receiver.example/hooks", "secret": "whsec_YW5vdGhlcmFub3RoZXJhbm90aGVyYW5vdGhlcjAw"},
    reversible=False,
)
