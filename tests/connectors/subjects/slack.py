from __future__ import annotations

from connectors.slack.fake import FakeSlack
from connectors.slack.vendor import SLACK
from storage.session import Session
from tests.connectors.standard import Subject


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


def workspace() -> FakeSlack:
    fake = FakeSlack()
    fake.add_user("maria@acme.example")
    return fake


async def maria(client: object) -> object:
    return await client.user_by_email("maria@acme.example")  # type: ignore[attr-defined]  # the client is Slack's


SUBJECT = Subject(
    vendor=SLACK,
    fake=workspace,
    read=maria,
    action="slack.dm",
    inputs={"to": "csm", "text": "ACME is silent."},
    count=lambda there: len(there.all_messages()),
    link=link,
    wrong_credentials={"bot_token": "xoxb-of-somebody-else", "signing_secret": "sandbox-signing-secret"},
    effect_path="chat.postMessage",
)
