"""What each vendor's stand-in holds before a sync, what happens there then, and what comes of it with the mapping that is shipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.hubspot.fake import FakeHubSpot
from connectors.salesforce.fake import FakeSalesforce
from connectors.sandbox.fake import Fake
from connectors.stripe.fake import FakeStripe

Counts = dict[str, dict[str, int]]
Facts = dict[str, Any]

_EARLIER = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
_LATER = _EARLIER + timedelta(hours=1)
_TOMORROW, _NEXT_WEEK = ((_LATER + timedelta(days=days)).isoformat() for days in (1, 7))


@dataclass(frozen=True)
class Town:
    """A vendor with a few records.

    `pages` is what the addresses of its pages of records hold. `bad` is the id of the record that cannot be taken in, and `mend` has
    somebody correct it. `facts` are those of `account` after the second sync.
    """

    vendor: str
    fake: Callable[[], Fake]
    fill: Callable[[Any], None]
    first: Counts
    change: Callable[[Any], None]
    second: Counts
    pages: str
    told: tuple[tuple[str, str], ...]
    bad: str
    mend: Callable[[Any], None]
    facts: Facts
    account: str


def _fill_salesforce(fake: FakeSalesforce) -> None:
    fake.now = _EARLIER
    for number in range(1, 6):
        fake.add("Account", Id=f"001A{number:011d}AAA", Name=f"Company {number}", BillingCountry="DE")
    first = "001A00000000001AAA"
    fake.add("Contact", Id="003C00000000001AAA", AccountId=first, LastName="Meyer", Name="Ada Meyer", Email="ada@one.example")
    fake.add("Contact", Id="003C00000000002AAA", AccountId=first, LastName="Bad", Name="Bad", Email="no address")
    for number in range(1, 4):
        day = (_LATER + timedelta(days=number)).date().isoformat()
        fake.add("Opportunity", Id=f"006O{number:011d}AAA", AccountId=first, Name=f"Deal {number}", StageName="Proposal", CloseDate=day)


def _change_salesforce(fake: FakeSalesforce) -> None:
    fake.now = _LATER
    fake.change("Account", "001A00000000002AAA", Name="Renamed")
    fake.change("Opportunity", "006O00000000001AAA", StageName="Closed Won")
    fake.remove("Opportunity", "006O00000000002AAA")


def _mend_salesforce(fake: FakeSalesforce) -> None:
    fake.now = _LATER
    fake.change("Contact", "003C00000000002AAA", Email="bad@one.example")


def _fill_stripe(fake: FakeStripe) -> None:
    fake.ahead_s = -7200
    for number in range(1, 6):
        fake.add_customer(f"cus_{number}", f"Customer {number}")
        fake.objects[f"cus_{number}"]["metadata"] = {"account": f"A{number}"}
    for number in range(1, 4):
        fake.add_invoice(f"in_{number}", "cus_1", 5000)
    fake.add_invoice("in_bad", "cus_1", 5000)
    fake.objects["in_bad"]["amount_remaining"] = "a lot"


def _change_stripe(fake: FakeStripe) -> None:
    fake.ahead_s = -3600
    fake.change("cus_2", "customer.updated", currency="gbp")
    fake.change("in_1", "invoice.paid", status="paid", amount_remaining=0)
    fake.delete("in_2")


def _mend_stripe(fake: FakeStripe) -> None:
    fake.change("in_bad", "invoice.updated", amount_remaining=700)


def _fill_calendar(fake: FakeGoogleCalendar) -> None:
    ada = [{"email": "ada@one.example"}, {"email": "cs@sandbox.example"}]
    for number in range(1, 6):
        fake.add(f"m{number}", _TOMORROW, _TOMORROW, summary=f"Review {number}", attendees=ada)
    fake.add("private", _TOMORROW, _TOMORROW, attendees=[{"email": "nobody@else.example"}])
    fake.add("bad", "some day", "some day", attendees=ada)


def _change_calendar(fake: FakeGoogleCalendar) -> None:
    fake.move("m1", _NEXT_WEEK, _NEXT_WEEK)
    for number in range(2, 6):
        fake.cancel(f"m{number}")
    fake.add("m6", _NEXT_WEEK, _NEXT_WEEK, summary="Kick-off", attendees=[{"email": "ada@one.example"}])


def _mend_calendar(fake: FakeGoogleCalendar) -> None:
    fake.move("bad", _NEXT_WEEK, _NEXT_WEEK)


def _fill_hubspot(fake: FakeHubSpot) -> None:
    fake.now = _EARLIER
    for number in range(1, 6):
        fake.add("companies", str(number), name=f"Company {number}" if number != 3 else "", domain=f"{number}.example")
    fake.add("contacts", "11", firstname="Ada", lastname="Meyer", email="ada@one.example", associatedcompanyid="1")
    fake.add("contacts", "12", email="office@one.example", associatedcompanyid="1")
    fake.add("contacts", "13", firstname="Bad", email="no address", associatedcompanyid="1")


def _change_hubspot(fake: FakeHubSpot) -> None:
    fake.now = _LATER
    fake.add("companies", "2", name="Renamed")
    fake.add("contacts", "11", jobtitle="CTO")


def _mend_hubspot(fake: FakeHubSpot) -> None:
    fake.now = _LATER
    fake.add("contacts", "13", email="bad@one.example")


TOWNS = (
    Town(
        vendor="salesforce",
        fake=FakeSalesforce,
        fill=_fill_salesforce,
        first={
            # The owner there is nobody of the team.
            "Account": {"read": 5, "created": 5, "skipped": 5},
            "Contact": {"read": 2, "created": 1, "failed": 1},
            "Opportunity": {"read": 3, "created": 3},
        },
        change=_change_salesforce,
        second={"Account": {"read": 1, "changed": 1, "skipped": 1}, "Contact": {}, "Opportunity": {"read": 2, "changed": 2}},
        pages="/queryAll",
        told=(("opportunity.stage_changed", "Closed Won"), ("opportunity.won", "Closed Won")),
        bad="003C00000000002AAA",
        mend=_mend_salesforce,
        facts={
            "opportunity": {
                "open": 1,
                "stage": "Proposal",
                "close_date": {"$date": (_LATER + timedelta(days=3)).date().isoformat()},
            }
        },
        account="001A00000000001AAA",
    ),
    Town(
        vendor="stripe",
        fake=FakeStripe,
        fill=_fill_stripe,
        first={
            "customer": {"read": 5, "changed": 5},
            "subscription": {"read": 5, "created": 5},
            "invoice": {"read": 4, "created": 3, "failed": 1},
        },
        change=_change_stripe,
        second={"customer": {"read": 1, "changed": 1}, "subscription": {}, "invoice": {"read": 2, "changed": 2}},
        pages="/v1/",
        told=(("invoice.paid", "paid"),),
        bad="in_bad",
        mend=_mend_stripe,
        facts={},
        account="A1",
    ),
    Town(
        vendor="google_calendar",
        fake=FakeGoogleCalendar,
        fill=_fill_calendar,
        first={"event": {"read": 7, "created": 5, "unmatched": 1, "failed": 1}},
        change=_change_calendar,
        second={"event": {"read": 6, "created": 1, "changed": 5}},
        pages="/events",
        told=(
            ("meeting.booked", "Kick-off"),
            *(("meeting.cancelled", f"Review {number}") for number in range(2, 6)),
            ("meeting.moved", "Review 1"),
        ),
        bad="bad",
        mend=_mend_calendar,
        facts={"meetings": {"next_at": {"$datetime": _NEXT_WEEK}}},
        account="A1",
    ),
    Town(
        vendor="hubspot",
        fake=FakeHubSpot,
        fill=_fill_hubspot,
        first={"company": {"read": 5, "created": 5}, "contact": {"read": 3, "created": 2, "failed": 1}},
        change=_change_hubspot,
        second={"company": {"read": 1, "changed": 1}, "contact": {"read": 1, "changed": 1}},
        pages="/search",
        told=(),
        bad="13",
        mend=_mend_hubspot,
        facts={},
        account="1",
    ),
)
