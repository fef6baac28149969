from __future__ import annotations

from connectors.twilio.fake import FakeTwilio
from connectors.twilio.vendor import TWILIO
from storage.session import Session
from tests.connectors.standard import Subject


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


async def about(client: object) -> object:
    """The account, which is what can be read without having sent anything."""
    return await client.verify()  # type: ignore[attr-defined]  # the client is Twilio's


SUBJECT = Subject(
    vendor=TWILIO,
    fake=FakeTwilio,
    read=about,
    action="sms.send",
    inputs={"to": "+4930123456", "text": "We are here."},
    count=lambda there: len(there.messages),
    link=link,
    canary=({**TWILIO.sandbox, "auth_token": "4f9c1e7b2d8a40cd93be01f26a57d8ec"},),
    admit=lambda fake, given: setattr(fake, "tokens", (given["auth_token"],)),
    wrong_credentials={"account_sid": "AC" + "1" * 32, "auth_token": "of-somebody-else", "from_number": "+15005550006"},
    reversible=False,
)
