from __future__ import annotations

from connectors.stripe.fake import FakeStripe
from connectors.stripe.vendor import STRIPE
from storage.repositories.connections import save_links
from storage.session import Session
from storage.vendor_tables import Link
from tests.connectors.standard import Subject


def fake() -> FakeStripe:
    made = FakeStripe()
    made.add_customer("cus_1", "ACME")
    return made


async def link(session: Session, account: str) -> None:
    await save_links(session, [Link(vendor="stripe", kind="customer", external_id="cus_1", account=account)])


SUBJECT = Subject(
    vendor=STRIPE,
    fake=fake,
    read=lambda client: client.customer("cus_1"),
    action="stripe.apply_discount",
    inputs={"percent_off": 10, "months": 3},
    count=lambda there: len(there.objects["sub_1"]["discounts"]),
    link=link,
    never_sent=frozenset({"webhook_secret"}),
    wrong_credentials={"api_key": "sk_live_of_somebody_else"},
)
