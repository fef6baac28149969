"""Stripe's objects as its stand-in makes them, in the form of Stripe's own samples, and the two ways in which it reads and lists."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]
API_VERSION: Final = "2026-10-28.endive"
_PATH = re.compile(r"([^\[\]]+)|\[([^\[\]]*)\]")


class Refusal(Exception):
    """A request that Stripe would not take."""

    def __init__(self, message: str, code: str | None = None, *, status: int = 400) -> None:
        """Keep what Stripe would say."""
        super().__init__(message)
        self.code = code
        self.status = status


def customer(customer_id: str, name: str, created: int) -> Object:
    """Make a customer."""
    return {
        **{"id": customer_id, "object": "customer", "created": created, "livemode": False, "metadata": {}},
        **{"name": name, "email": f"billing@{customer_id.lower().replace('_', '-')}.example", "phone": None},
        **{"address": None, "balance": 0, "currency": "eur", "delinquent": False, "description": None, "tax_exempt": "none"},
    }


def subscription(subscription_id: str, customer_id: str, created: int, quantity: int) -> Object:
    """Make an active subscription with one price of 20 EUR a month."""
    item_id = f"si_{subscription_id.removeprefix('sub_')}"
    items = {
        **{"object": "list", "has_more": False, "url": f"/v1/subscription_items?subscription={subscription_id}"},
        "data": [item(item_id, subscription_id, created, quantity)],
    }
    return {
        **{"id": subscription_id, "object": "subscription", "created": created, "livemode": False, "metadata": {}},
        **{"customer": customer_id, "status": "active", "currency": "eur", "collection_method": "charge_automatically"},
        **{"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "start_date": created},
        **{"trial_start": None, "trial_end": None, "pause_collection": None, "discounts": [], "items": items, "latest_invoice": None},
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    }


def item(item_id: str, subscription_id: str, created: int, quantity: int, price_id: str = "price_seat") -> Object:
    """Make an item of a subscription."""
    price = {
        **{"id": price_id, "object": "price", "active": True, "billing_scheme": "per_unit", "created": created, "currency": "eur"},
        **{"livemode": False, "metadata": {}, "nickname": None, "product": "prod_seat", "type": "recurring"},
        **{"unit_amount": 2000, "unit_amount_decimal": "2000"},
        "recurring": {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"},
    }
    return {
        **{"id": item_id, "object": "subscription_item", "created": created, "metadata": {}, "price": price, "quantity": quantity},
        **{"subscription": subscription_id, "discounts": [], "current_period_start": created},
        "current_period_end": created + 30 * 86_400,
    }


def invoice(invoice_id: str, customer_id: str, created: int, amount: int) -> Object:
    """Make an open invoice that is mailed to its customer and paid by hand."""
    return {
        **{"id": invoice_id, "object": "invoice", "created": created, "livemode": False, "metadata": {}, "customer": customer_id},
        **{"customer_email": f"billing@{customer_id.lower().replace('_', '-')}.example", "currency": "eur", "number": None},
        **{"amount_due": amount, "amount_paid": 0, "amount_remaining": amount, "total": amount, "subtotal": amount},
        **{"status": "open", "collection_method": "send_invoice", "billing_reason": "manual", "attempt_count": 0, "attempted": False},
        **{"auto_advance": True, "next_payment_attempt": None, "due_date": created + 14 * 86_400},
        **{"hosted_invoice_url": f"https://invoice.stripe.example/i/{invoice_id}", "parent": None},
        "status_transitions": {"finalized_at": created, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None},
    }


def coupon(asked: Object, created: int) -> Object:
    """Make a coupon as it is asked for."""
    if ("percent_off" in asked) == ("amount_off" in asked):
        raise Refusal("You must pass either percent_off or amount_off.")
    duration = asked.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in asked):
        raise Refusal("duration_in_months goes with the duration repeating, and only with it.")
    return {
        **{"id": asked["id"], "object": "coupon", "created": created, "livemode": False, "metadata": {}, "valid": True},
        **{"duration": duration, "duration_in_months": int(asked["duration_in_months"]) if duration == "repeating" else None},
        **{"name": asked.get("name"), "max_redemptions": None, "redeem_by": None, "times_redeemed": 0},
        "percent_off": float(asked["percent_off"]) if "percent_off" in asked else None,
        "amount_off": int(asked["amount_off"]) if "amount_off" in asked else None,
        "currency": asked.get("currency"),
    }


def discount(discount_id: str, on: Object, coupon_id: str, now: int) -> Object:
    """Make a discount on a subscription."""
    return {
        **{"id": discount_id, "object": "discount", "customer": on["customer"], "subscription": on["id"], "start": now, "end": None},
        **{"invoice": None, "invoice_item": None, "promotion_code": None, "source": {"coupon": coupon_id, "type": "coupon"}},
    }


def balance_transaction(transaction_id: str, customer_id: str, asked: Object, before: int, now: int) -> Object:
    """Make an entry in a customer's balance."""
    amount = int(asked["amount"])
    return {
        **{"id": transaction_id, "object": "customer_balance_transaction", "created": now, "livemode": False, "customer": customer_id},
        **{"amount": amount, "ending_balance": before + amount, "currency": asked["currency"], "type": "adjustment"},
        **{"description": asked.get("description"), "metadata": asked.get("metadata") or {}, "invoice": None, "credit_note": None},
    }


def event(event_id: str, kind: str, thing: Object, previous: Object | None, now: int) -> Object:
    """Make the event that tells of a change."""
    return {
        **{"id": event_id, "object": "event", "api_version": API_VERSION, "created": now, "livemode": False, "type": kind},
        **{"pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}},
        "data": {"object": thing} if previous is None else {"object": thing, "previous_attributes": previous},
    }


def nested(pairs: Iterable[tuple[str, str]]) -> Object:
    """Read a form or a query: `items[0][id]=si_1` is a list of one map."""
    found: Object = {}
    for name, value in pairs:
        path = [plain or inside for plain, inside in _PATH.findall(name)]
        into = found
        for part in path[:-1]:
            into = into.setdefault(part, {})
        into[path[-1]] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    inside = {name: _listed(each) for name, each in value.items()}
    return [inside[name] for name in sorted(inside, key=int)] if inside and all(name.isdigit() for name in inside) else inside


def page_of(found: Sequence[Object], asked: Object, url: str) -> Object:
    """Give a page of objects, which come newest first, as Stripe cuts it."""
    limit = int(asked.get("limit", 10))
    if not 1 <= limit <= 100:
        raise Refusal("This value must be between 1 and 100.")
    bounds = asked.get("created") or {}
    found = [each for each in found if _within(each["created"], bounds)]
    if "ending_before" in asked:
        newer = found[: _place(found, asked["ending_before"], "ending_before")]
        data, more = newer[-limit:], len(newer) > limit
    else:
        older = found[_place(found, asked["starting_after"], "starting_after") + 1 :] if "starting_after" in asked else found
        data, more = older[:limit], len(older) > limit
    return {"object": "list", "data": list(data), "has_more": more, "url": url}


def _within(created: int, bounds: Object) -> bool:
    return int(bounds.get("gte", created)) <= created <= int(bounds.get("lte", created))


def _place(found: Sequence[Object], object_id: str, name: str) -> int:
    for number, each in enumerate(found):
        if each["id"] == object_id:
            return number
    raise Refusal(f"No such object: '{object_id}' ({name})", "resource_missing")
