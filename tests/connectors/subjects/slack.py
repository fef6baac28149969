from __future__ import annotations

from connectors.slack.fake import FakeSlack
from connectors.slack.vendor import SLACK
from storage.session import Session
from tests.connectors.standard import Subject


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


SUBJECT = Subject(
    vendor=SLACK,
    fake=FakeSlack,
    read=lambda client: client.channel("C1"),
    action="slack.post",
    inputs={"channel": "C1", "text": "ACME is silent"},
    count=lambda there: len(there.channels["C1"]),
    link=link,
    effect_path="chat.postMessage",
    wrong_credentials={"bot_token": "xoxb-of-somebody-else"},
)
