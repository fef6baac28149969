"""Only Stripe's own events are believed, and they are told in our words."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from stripe import WebhookSignature

from connectors.incoming import Delivered, Forged, Malformed, Ref, VendorEvent
from connectors.stripe import webhooks
from connectors.stripe.fake import FakeStripe
from connectors.stripe.vendor import StripeCredentials
from connectors.stripe.webhooks import read_events
from playbook_dsl.values import Money, from_json

Loose: TypeAlias = Any
SECRET = "whsec_sandbox"
CREDENTIALS = StripeCredentials.model_validate({"api_key": "sk_test_sandbox", "webhook_secret": SECRET})


def furnished() -> FakeStripe:
    fake = FakeStripe()
    fake.add_customer("cus_1", "ACME", quantity=10)
    fake.add_invoice("in_1", "cus_1", 50_000)
    return fake


def read(fake: FakeStripe, event: Loose) -> VendorEvent:
    (found,) = read_events(fake.delivery(event), CREDENTIALS)
    return found


def signed(body: bytes | str, *, secret: str = SECRET, at: int | None = None) -> Delivered:
    """A body signed by Stripe's own code instead of the stand-in's."""
    text = body if isinstance(body, str) else body.decode()
    header = WebhookSignature.generate_signature_header(text, secret, at)
    return Delivered({"stripe-signature": header}, text.encode(), "https://playkeeper.example/hooks/stripe")


def test_a_failed_payment_is_told_in_our_words() -> None:
    fake = furnished()
    event = fake.change("in_1", "invoice.payment_failed", attempt_count=2, number="ACME-7")
    found = read(fake, event)

    assert (found.id, found.name) == (event["id"], "invoice.payment_failed")
    assert found.occurred_at == datetime.fromtimestamp(event["created"], UTC)
    assert found.refs == (Ref("customer", "cus_1"),)
    assert found.address == "billing@cus-1.example"
    assert from_json(found.fields["amount_due"]) == Money(Decimal(500), "EUR")
    assert {name: found.fields[name] for name in ("invoice_id", "customer_id", "number", "status", "attempt_count", "live")} == {
        **{"invoice_id": "in_1", "customer_id": "cus_1", "number": "ACME-7", "status": "open", "attempt_count": 2, "live": False}
    }


NAMES = {
    ("in_1", "invoice.paid"): "invoice.paid",
    ("in_1", "invoice.payment_failed"): "invoice.payment_failed",
    ("sub_1", "customer.subscription.deleted"): "subscription.cancelled",
    ("sub_1", "customer.subscription.updated"): "subscription.updated",
    ("sub_1", "customer.subscription.trial_will_end"): "subscription.trial_will_end",
}


@pytest.mark.parametrize(("thing", "kind", "name"), [(*key, name) for key, name in NAMES.items()])
def test_names_are_ours_and_the_account_is_that_of_the_customer(thing: str, kind: str, name: str) -> None:
    fake = furnished()
    found = read(fake, fake.change(thing, kind))

    assert (found.name, found.refs) == (name, (Ref("customer", "cus_1"),))
    assert json.loads(json.dumps(dict(found.fields))) == found.fields


def test_a_change_of_a_subscription_says_what_changed() -> None:
    fake = furnished()
    found = read(fake, fake.change("sub_1", "customer.subscription.updated", status="past_due", cancel_at_period_end=True))

    assert found.fields["changed"] == ["cancel_at_period_end", "status"]
    assert (found.fields["previous_status"], found.fields["status"]) == ("active", "past_due")
    assert (found.fields["quantity"], found.fields["cancel_at_period_end"]) == (10, True)
    assert list(found.fields["current_period_end"]) == ["$datetime"]


def test_a_dispute_has_no_customer_and_is_found_by_the_address_of_its_evidence() -> None:
    fake = furnished()
    dispute = {"id": "dp_1", "object": "dispute", "amount": 1250, "currency": "jpy", "charge": "ch_1", "reason": "fraudulent"}
    fake.objects["dp_1"] = {
        **dispute,
        "evidence": {"customer_email_address": "ann@acme.example"},
        "evidence_details": {"due_by": 1_800_000_000},
    }
    found = read(fake, fake.change("dp_1", "charge.dispute.created"))

    assert (found.name, found.refs, found.address) == ("charge.disputed", (), "ann@acme.example")
    assert found.fields["amount"] == {"$money": ["1250", "JPY"]}
    assert (found.fields["charge_id"], found.fields["reason"]) == ("ch_1", "fraudulent")


def test_events_of_older_versions_of_the_api_are_read_as_well() -> None:
    """They come in the version of Stripe's account, not in that of the SDK."""
    fake = furnished()
    fake.objects["in_1"].update(subscription="sub_1", customer={"id": "cus_1", "object": "customer"})
    del fake.objects["in_1"]["parent"]
    fake.objects["sub_1"].update(current_period_end=1_800_000_000, items={"data": [{"id": "si_1", "quantity": 3}]})
    invoice = read(fake, fake.change("in_1", "invoice.paid"))
    subscription = read(fake, fake.change("sub_1", "customer.subscription.updated"))

    assert (invoice.fields["subscription_id"], invoice.fields["customer_id"]) == ("sub_1", "cus_1")
    assert subscription.fields["current_period_end"] == {"$datetime": "2027-01-15T08:00:00+00:00"}


def test_an_invoice_of_a_subscription_says_which() -> None:
    fake = furnished()
    fake.objects["in_1"]["parent"] = {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}}

    assert read(fake, fake.change("in_1", "invoice.paid")).fields["subscription_id"] == "sub_1"


def test_the_same_event_twice_is_the_same_and_an_earlier_one_may_come_later() -> None:
    fake = furnished()
    first = fake.change("in_1", "invoice.payment_failed")
    fake.ahead_s = 60
    second = fake.change("in_1", "invoice.paid")
    found = [read(fake, event) for event in (second, first, first)]

    assert [event.name for event in found] == ["invoice.paid", "invoice.payment_failed", "invoice.payment_failed"]
    assert found[1] == found[2]
    assert found[0].occurred_at > found[1].occurred_at


@pytest.mark.parametrize("kind", ["product.created", "customer.updated", "some.new.kind"])
def test_what_nobody_can_use_is_no_event(kind: str) -> None:
    fake = furnished()

    assert read_events(fake.delivery(fake.change("cus_1", kind)), CREDENTIALS) == []


def test_the_stand_in_signs_as_stripe_does() -> None:
    fake = furnished()
    event = fake.change("in_1", "invoice.paid")
    ours = fake.delivery(event, at=1_800_000_000)

    assert ours.headers["stripe-signature"] == WebhookSignature.generate_signature_header(ours.body.decode(), SECRET, 1_800_000_000)
    assert read_events(signed(json.dumps(event)), CREDENTIALS) == [read(fake, event)]


FORGED = {
    "no signature": {"stripe-signature": None},
    "an empty one": {"stripe-signature": ""},
    "no scheme": {"stripe-signature": "t=1"},
    "nonsense": {"stripe-signature": "=,=,t"},
    "an old scheme only": {"stripe-signature": "t=1,v0=00"},
    "letters of another alphabet": {"stripe-signature": "t=1,v1=ß"},
    "a number of many digits": {"stripe-signature": "t=" + "9" * 5000 + ",v1=00"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=list(FORGED))
def test_a_signature_that_is_none_is_a_forgery(headers: dict[str, str | None]) -> None:
    fake = furnished()
    good = fake.delivery(fake.change("in_1", "invoice.paid"))
    given = {name: value for name, value in {**good.headers, **headers}.items() if value is not None}

    with pytest.raises(Forged):
        read_events(dataclasses.replace(good, headers=given), CREDENTIALS)


def test_a_body_that_was_changed_is_a_forgery() -> None:
    fake = furnished()
    good = fake.delivery(fake.change("in_1", "invoice.paid"))

    with pytest.raises(Forged):
        read_events(dataclasses.replace(good, body=good.body.replace(b"50000", b"00001")), CREDENTIALS)


def test_another_secret_is_a_forgery_and_no_secret_trusts_nobody() -> None:
    fake = furnished()
    event = fake.change("in_1", "invoice.paid")
    without = StripeCredentials.model_validate({"api_key": "sk_test_sandbox"})

    with pytest.raises(Forged):
        read_events(fake.delivery(event, "whsec_other"), CREDENTIALS)
    with pytest.raises(Forged, match="no webhook secret is saved"):
        read_events(fake.delivery(event), without)


def test_a_recorded_request_is_refused_after_five_minutes() -> None:
    fake = furnished()
    event = fake.change("in_1", "invoice.paid")

    assert read_events(fake.delivery(event, at=fake.now() - 290), CREDENTIALS)
    with pytest.raises(Forged, match="Timestamp outside"):
        read_events(fake.delivery(event, at=fake.now() - 310), CREDENTIALS)


def test_bytes_that_are_no_text_are_a_forgery() -> None:
    fake = furnished()
    good = fake.delivery(fake.change("in_1", "invoice.paid"))

    with pytest.raises(Forged):
        read_events(dataclasses.replace(good, body=b"\xff\xfe"), CREDENTIALS)


def test_a_refusal_says_nothing_of_the_secret_or_the_body() -> None:
    fake = furnished()
    good = fake.delivery(fake.change("in_1", "invoice.paid"), "whsec_other")

    with pytest.raises(Forged) as refused:
        read_events(good, CREDENTIALS)

    assert SECRET not in str(refused.value)
    assert "in_1" not in str(refused.value)


EVENT: dict[str, Loose] = {"object": "event", "id": "evt_1", "type": "invoice.paid", "created": 1, "data": {"object": {"id": "in_1"}}}
MALFORMED = {
    "no JSON": "paid!",
    "deep": "[" * 100_000,
    "a list": "[]",
    "a text": '"event"',
    "another object": json.dumps({**EVENT, "object": "invoice"}),
    "no id": json.dumps({**EVENT, "id": None}),
    "a long id": json.dumps({**EVENT, "id": "e" * 300}),
    "no time": json.dumps({**EVENT, "created": "yesterday"}),
    "a time nobody has": json.dumps({**EVENT, "created": 10**18}),
    "no data": json.dumps({**EVENT, "data": None}),
    "data of another kind": json.dumps({**EVENT, "data": [1]}),
    "an object that is none": json.dumps({**EVENT, "data": {"object": "in_1"}}),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=list(MALFORMED))
def test_a_signed_body_of_the_wrong_form_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        read_events(signed(body), CREDENTIALS)


def test_a_fat_body_is_refused_before_it_is_read() -> None:
    with pytest.raises(Malformed, match="largest"):
        read_events(signed(" " * webhooks.LARGEST_BODY + json.dumps(EVENT)), CREDENTIALS)


@pytest.mark.parametrize("kind", webhooks.NAMES)
@pytest.mark.parametrize("value", [None, 7, "x", [], [1], {}, {"data": 1}, {"data": ["x"]}, True])
def test_fields_of_the_wrong_type_are_missing_and_break_nothing(kind: str, value: Loose) -> None:
    names = ("customer", "currency", "amount_due", "items", "parent", "cancellation_details", "evidence", "evidence_details", "due_date")
    event = {**EVENT, "type": kind, "data": {"object": {"id": value, **dict.fromkeys(names, value)}, "previous_attributes": value}}
    (found,) = read_events(signed(json.dumps(event)), CREDENTIALS)

    assert json.loads(json.dumps(dict(found.fields))) == found.fields
