"""Stripe's webhooks: verified with its SDK, and told in our words."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from stripe import SignatureVerificationError, WebhookSignature

from connectors.incoming import Delivered, Forged, Malformed, Ref, VendorEvent
from connectors.stripe.amounts import moment_json, moment_of, money_json
from connectors.stripe.vendor import StripeCredentials
from connectors.vendor import Credentials
from playbook_dsl.values import Json

Thing: TypeAlias = dict[str, Any]
"""An object of Stripe's API as plain JSON."""
Fields: TypeAlias = dict[str, Json]

LARGEST_BODY: Final = 1_000_000
"""Stripe's own events stay far below this many bytes."""
TOLERANCE_S: Final = 300
"""How old a signature may be: who recorded a request cannot send it again later."""

NAMES: Final[Mapping[str, str]] = {
    **{
        f"invoice.{name}": f"invoice.{name}"
        for name in ("finalized", "sent", "paid", "payment_failed", "payment_action_required", "overdue", "voided", "marked_uncollectible")
    },
    **{f"customer.subscription.{name}": f"subscription.{name}" for name in ("created", "updated", "paused", "resumed", "trial_will_end")},
    "customer.subscription.deleted": "subscription.cancelled",
    "charge.failed": "charge.failed",
    "charge.refunded": "charge.refunded",
    "charge.dispute.created": "charge.disputed",
    "charge.dispute.closed": "charge.dispute_closed",
}
"""Our names of Stripe's events; the others are of no use to a playbook."""


def read_events(delivered: Delivered, credentials: Credentials) -> list[VendorEvent]:
    """Verify the signature and give the event, none for kinds nobody can use; see `connectors.incoming.Reader`.

    Raises:
        Forged: the signature is missing, wrong or older than five minutes, or there is no secret to check it with.
        Malformed: the body is too large, or no event of Stripe's.
    """
    if len(delivered.body) > LARGEST_BODY:
        raise Malformed(f"a body of {len(delivered.body)} bytes is no event of Stripe's; the largest that is read has {LARGEST_BODY}")
    _verify(delivered, StripeCredentials.model_validate(credentials))
    try:
        event = json.loads(delivered.body)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(event, dict) or event.get("object") not in ("event", "v2.core.event"):
        raise Malformed("the body is no event of Stripe's")
    return told(event)


def _verify(delivered: Delivered, credentials: StripeCredentials) -> None:
    secret = credentials.webhook_secret
    if secret is None:
        raise Forged("no webhook secret is saved for Stripe, so nothing it sends can be told from a forgery; save it with its credentials")
    try:
        WebhookSignature.verify_header(
            delivered.body, delivered.headers.get("stripe-signature", ""), secret.get_secret_value(), TOLERANCE_S
        )
    except SignatureVerificationError as error:
        # The SDK's error carries the body; its first words are enough.
        raise Forged(f"Stripe's signature does not fit: {str(error).partition('.')[0][:100]}") from None
    except (TypeError, ValueError):
        raise Forged("Stripe's signature or the body is not in the form that Stripe signs") from None


def told(event: Thing) -> list[VendorEvent]:
    """Give an event of Stripe's in our words, none for kinds nobody can use.

    Raises:
        Malformed: it is no event of Stripe's.
    """
    kind, identity, thing = event.get("type"), event.get("id"), (event.get("data") or {})
    name = NAMES.get(kind) if isinstance(kind, str) else None
    if name is None:
        return []
    found = thing.get("object") if isinstance(thing, dict) else None
    happened = moment_of(event.get("created"))
    if not isinstance(identity, str) or not 0 < len(identity) <= 255 or happened is None or not isinstance(found, dict):
        raise Malformed(f"an event {name} of Stripe's without an id, a time or an object")
    before = thing.get("previous_attributes")
    return [_event(identity, name, happened, found, before if isinstance(before, dict) else {}, live=event.get("livemode") is True)]


def _event(identity: str, name: str, happened: datetime, thing: Thing, before: Thing, *, live: bool) -> VendorEvent:
    tell = _TELLERS[name.partition(".")[0] if not name.startswith("charge.dispute") else "dispute"]
    customer = _id(thing.get("customer"))
    fields = {**tell(thing, before), "customer_id": customer, "live": live}
    address = _customer_address(thing)
    return VendorEvent(identity, name, happened, fields, (Ref("customer", customer),) if customer else (), address)


def _invoice(thing: Thing, before: Thing) -> Fields:
    currency = thing.get("currency")
    amounts = {name: money_json(thing.get(name), currency) for name in ("amount_due", "amount_paid", "amount_remaining", "total")}
    return {
        "invoice_id": _id(thing),
        "number": _text(thing.get("number")),
        "status": _text(thing.get("status")),
        **amounts,
        "attempt_count": _number(thing.get("attempt_count")),
        "next_payment_attempt": moment_json(thing.get("next_payment_attempt")),
        "due_date": moment_json(thing.get("due_date")),
        "billing_reason": _text(thing.get("billing_reason")),
        "collection_method": _text(thing.get("collection_method")),
        "subscription_id": _subscription_of(thing),
        "pay_url": _text(thing.get("hosted_invoice_url")),
    }


def _subscription(thing: Thing, before: Thing) -> Fields:
    first = _first_item(thing.get("items"))
    reason = thing.get("cancellation_details")
    changed: list[Json] = [*sorted(before)]
    return {
        "subscription_id": _id(thing),
        "status": _text(thing.get("status")),
        "previous_status": _text(before.get("status")),
        "changed": changed,
        "quantity": _number(first.get("quantity")),
        # Since 2025 a period belongs to an item; an account with an older version of the API still has it here.
        "current_period_end": moment_json(first.get("current_period_end") or thing.get("current_period_end")),
        "trial_end": moment_json(thing.get("trial_end")),
        "cancel_at": moment_json(thing.get("cancel_at")),
        "cancel_at_period_end": thing.get("cancel_at_period_end") is True,
        "cancelled_at": moment_json(thing.get("canceled_at")),
        "reason": _text(reason.get("reason")) if isinstance(reason, dict) else None,
        "feedback": _text(reason.get("feedback")) if isinstance(reason, dict) else None,
        "collection_paused": bool(thing.get("pause_collection")),
    }


def _charge(thing: Thing, before: Thing) -> Fields:
    currency = thing.get("currency")
    return {
        "charge_id": _id(thing),
        "status": _text(thing.get("status")),
        "amount": money_json(thing.get("amount"), currency),
        "amount_refunded": money_json(thing.get("amount_refunded"), currency),
        "failure_code": _text(thing.get("failure_code")),
        "failure_message": _text(thing.get("failure_message")),
    }


def _dispute(thing: Thing, before: Thing) -> Fields:
    due = thing.get("evidence_details")
    return {
        "dispute_id": _id(thing),
        "charge_id": _id(thing.get("charge")),
        "status": _text(thing.get("status")),
        "amount": money_json(thing.get("amount"), thing.get("currency")),
        "reason": _text(thing.get("reason")),
        "evidence_due": moment_json(due.get("due_by")) if isinstance(due, dict) else None,
    }


_TELLERS: Final[Mapping[str, Callable[[Thing, Thing], Fields]]] = {
    "invoice": _invoice,
    "subscription": _subscription,
    "charge": _charge,
    "dispute": _dispute,
}


def _first_item(items: object) -> Thing:
    data = items.get("data") if isinstance(items, dict) else None
    first = data[0] if isinstance(data, list) and data else None
    return first if isinstance(first, dict) else {}


def _subscription_of(invoice: Thing) -> str | None:
    parent = invoice.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    return _id(details.get("subscription") if isinstance(details, dict) else invoice.get("subscription"))


def _customer_address(thing: Thing) -> str | None:
    """Give the customer's e-mail address where the object has it: of a dispute it is all there is to find the account by."""
    for place, name in (
        (thing, "customer_email"),
        (thing.get("evidence"), "customer_email_address"),
        (thing.get("billing_details"), "email"),
    ):
        found = place.get(name) if isinstance(place, dict) else None
        if isinstance(found, str) and "@" in found:
            return found[:320]
    return None


def _id(value: object) -> str | None:
    """Give the id of an object, which is there itself or by its id."""
    found = value.get("id") if isinstance(value, dict) else value
    return found[:255] if isinstance(found, str) and found else None


def _text(value: object) -> str | None:
    return value[:2000] if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
