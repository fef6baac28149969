"""A stand-in for Stripe: state in memory, idempotency keys replayed, events told and signed, objects formed like Stripe's samples."""

import copy
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.incoming import Delivered
from connectors.sandbox.fake import Fake, Landed
from connectors.stripe import fake_objects as made
from connectors.stripe.amounts import moment_of, money_of
from connectors.stripe.fake_objects import Object, Refusal

EVENTS_KEPT_S: Final = 30 * 86_400
_COUPON = frozenset(("id", "percent_off", "amount_off", "currency", "duration", "duration_in_months", "name"))
_SUBSCRIPTION = frozenset(("discounts", "items", "metadata", "pause_collection", "proration_behavior", "trial_end", "expand"))
_TRANSACTION = frozenset(("amount", "currency", "description", "metadata"))


class FakeStripe(Fake):
    """Customers with a subscription each, coupons, balances, invoices, and the events of all that changes.

    `ahead_s` is by how much its clock is ahead.
    """

    name = "stripe"

    def __init__(self) -> None:
        """Begin with no customer."""
        super().__init__()
        self.objects: dict[str, Object] = {}
        self.events: list[Object] = []
        self.ahead_s = 0
        self._answers: dict[str, tuple[str, Object]] = {}
        self._number = 0

    def routes(self) -> list[BaseRoute]:
        """Give the part of /v1 that the connector uses."""
        return [
            self._route("/v1/balance", self._balance),
            self._route("/v1/customers", self._list("customer")),
            self._route("/v1/customers/{id}", self._get),
            self._route("/v1/customers/{id}/balance_transactions", self._transactions),
            self._route("/v1/customers/{id}/balance_transactions", self._add_transaction, "POST"),
            self._route("/v1/coupons", self._make_coupon, "POST"),
            self._route("/v1/subscriptions", self._list("subscription")),
            self._route("/v1/subscriptions/{id}", self._get),
            self._route("/v1/subscriptions/{id}", self._change_subscription, "POST"),
            self._route("/v1/invoices", self._list("invoice")),
            self._route("/v1/invoices/{id}", self._get),
            self._route("/v1/invoices/{id}/send", self._send_invoice, "POST"),
            self._route("/v1/invoices/{id}/void", self._void_invoice, "POST"),
            self._route("/v1/events", self._list_events),
        ]

    def now(self) -> int:
        """Give the time of its clock, in seconds since 1970."""
        return int(time.time()) + self.ahead_s

    def add_customer(self, customer_id: str, name: str, *, quantity: int = 1, trial_days: int = 0) -> str:
        """Make a customer with one subscription, in a trial if it has days, and give the subscription's id."""
        subscription_id = f"sub_{customer_id.removeprefix('cus_')}"
        subscription = made.subscription(subscription_id, customer_id, self.now(), quantity)
        if trial_days:
            subscription.update(status="trialing", trial_start=self.now(), trial_end=self.now() + trial_days * 86_400)
        self._add(made.customer(customer_id, name, self.now()), "customer.created")
        self._add(subscription, "customer.subscription.created")
        return subscription_id

    def add_invoice(self, invoice_id: str, customer_id: str, amount: int = 5000) -> None:
        """Make an open invoice of this many cents."""
        self._add(made.invoice(invoice_id, customer_id, self.now(), amount), "invoice.created")

    def change(self, object_id: str, kind: str, **fields: object) -> Object:
        """Change an object as a person would who uses Stripe's own pages, and give the event of that kind which tells of it."""
        thing = self.objects[object_id]
        before = {name: copy.deepcopy(thing.get(name)) for name in fields}
        thing.update(fields)
        return self._tell(kind, thing, before if kind.endswith("updated") else None)

    def delete(self, object_id: str) -> Object:
        """Delete a customer or a draft invoice, and give the event."""
        gone = self.objects.pop(object_id)
        return self._tell(f"{gone['object']}.deleted", gone, None)

    def delivery(self, event: Object, secret: str = "whsec_sandbox", *, at: int | None = None) -> Delivered:  # noqa: S107  # the sandbox's own
        """Give the signed request with which Stripe delivers an event, signed `at` (now when not given)."""
        body = json.dumps(event).encode()
        signed_at = self.now() if at is None else at
        signature = hmac.new(secret.encode(), b"%d." % signed_at + body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": f"t={signed_at},v1={signature}"}
        return Delivered(headers, body, "https://playkeeper.example/hooks/stripe")

    def _add(self, thing: Object, kind: str) -> None:
        self.objects[thing["id"]] = thing
        self._tell(kind, thing, None)

    def _tell(self, kind: str, thing: Object, previous: Object | None) -> Object:
        told = made.event(self._new_id("evt"), kind, copy.deepcopy(_shown(thing, ())), previous, self.now())
        self.events.append(told)
        return told

    def _new_id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}_{self._number}"

    def _find(self, object_id: str) -> Object:
        if self.invents and object_id.startswith("cus_sandbox") and object_id not in self.objects:
            self.add_customer(object_id, "Sandbox customer")
            self.add_invoice(f"in_{object_id.removeprefix('cus_')}", object_id)
        found = self.objects.get(object_id)
        if found is None:
            raise Refusal(f"No such object: '{object_id}'", "resource_missing", status=404)
        return found

    def _route(self, path: str, answer: Callable[[Request, Object], Object], method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            if not request.headers.get("authorization", "").startswith("Bearer sk_test_"):
                return _error(401, "invalid_request_error", "Invalid API Key provided: sk_****wxyz")
            try:
                return await self._answered(request, answer)
            except Refusal as refusal:
                return _error(refusal.status, "invalid_request_error", str(refusal), refusal.code)

        return Route(path, endpoint, methods=[method])

    async def _answered(self, request: Request, answer: Callable[[Request, Object], Object]) -> Response:
        if request.method == "GET":
            return JSONResponse(answer(request, made.nested(request.query_params.multi_items())))
        form = [(name, str(value)) for name, value in (await request.form()).multi_items()]
        key, asked = request.headers.get("idempotency-key", ""), f"{request.url.path} {sorted(form)}"
        if not key:
            raise Refusal("This stand-in wants an idempotency key with every write.")
        if key in self._answers:
            before, known = self._answers[key]
            if before != asked:
                return _error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same parameters.")
            return JSONResponse(known, 200, {"Idempotent-Replayed": "true"})
        done = copy.deepcopy(answer(request, made.nested(form)))
        self._answers[key] = (asked, done)
        return JSONResponse(done)

    def _balance(self, request: Request, asked: Object) -> Object:
        return {"object": "balance", "livemode": False, "available": [], "pending": []}

    def _get(self, request: Request, asked: Object) -> Object:
        return _shown(self._find(request.path_params["id"]), asked.get("expand", ()))

    def _list(self, kind: str) -> Callable[[Request, Object], Object]:
        def listed(request: Request, asked: Object) -> Object:
            customer = asked.get("customer")
            if customer:
                self._find(customer)
            found = [each for each in self.objects.values() if each["object"] == kind and customer in (None, each.get("customer"))]
            if kind == "subscription" and asked.get("status") != "all":
                found = [each for each in found if each["status"] != "canceled"]
            expand = [path.removeprefix("data.") for path in asked.get("expand", ())]
            page = made.page_of(_newest_first(found), asked, request.url.path)
            return {**page, "data": [_shown(each, expand) for each in page["data"]]}

        return listed

    def _list_events(self, request: Request, asked: Object) -> Object:
        kinds = asked.get("types")
        kept = [each for each in self.events if each["created"] > self.now() - EVENTS_KEPT_S and (not kinds or each["type"] in kinds)]
        return made.page_of(_newest_first(kept), asked, request.url.path)

    def _make_coupon(self, request: Request, asked: Object) -> Object:
        _only(asked, _COUPON)
        if asked["id"] in self.objects:
            raise Refusal("Coupon already exists.", "resource_already_exists")
        coupon = made.coupon(asked, self.now())
        self.objects[coupon["id"]] = coupon
        return coupon

    def _change_subscription(self, request: Request, asked: Object) -> Object:
        _only(asked, _SUBSCRIPTION)
        subscription = self._find(request.path_params["id"])
        if subscription["status"] == "canceled":
            raise Refusal("A canceled subscription can only update its cancellation_details and metadata.")
        before = copy.deepcopy(subscription)
        for name, change in (("trial_end", self._trial), ("items", self._quantities), ("discounts", self._discounts)):
            if name in asked:
                change(subscription, asked[name])
        if "pause_collection" in asked:
            self._pause(subscription, asked["pause_collection"] or None)
        for name, value in (asked.get("metadata") or {}).items():
            subscription["metadata"] = {**subscription["metadata"], name: value}
        subscription["metadata"] = {name: value for name, value in subscription["metadata"].items() if value}
        self._tell("customer.subscription.updated", subscription, {n: v for n, v in before.items() if subscription[n] != v})
        return _shown(subscription, asked.get("expand", ()))

    def _trial(self, subscription: Object, until: str) -> None:
        if until == "now":
            subscription.update(status="active", trial_end=self.now())
            return
        if int(until) <= self.now():
            raise Refusal("Invalid timestamp: must be an integer Unix timestamp in the future.")
        subscription.update(status="trialing", trial_end=int(until), trial_start=subscription["trial_start"] or self.now())
        self._land(f"trial until {moment_of(int(until)):%Y-%m-%d %H:%M} UTC", subscription)

    def _pause(self, subscription: Object, pause: Object | None) -> None:
        resumes = int(pause["resumes_at"]) if pause and "resumes_at" in pause else None
        subscription["pause_collection"] = {"behavior": pause["behavior"], "resumes_at": resumes} if pause else None
        self._land("collection paused" if pause else "collection goes on", subscription)

    def _quantities(self, subscription: Object, wanted: list[Object]) -> None:
        items = {each["id"]: each for each in subscription["items"]["data"]}
        for each in wanted:
            if each["id"] not in items:
                raise Refusal(f"No such subscription_item: '{each['id']}'", "resource_missing")
            items[each["id"]]["quantity"] = int(each["quantity"])
            self._land(f"{each['quantity']} seats", subscription)

    def _discounts(self, subscription: Object, wanted: list[Object] | str) -> None:
        there = {each["id"]: each for each in subscription["discounts"]}
        asked = wanted or []
        kept = [there[each["discount"]] for each in asked if isinstance(each, dict) and each.get("discount") in there]
        coupons = [self._find(each["coupon"]) for each in asked if isinstance(each, dict) and "coupon" in each]
        new = [made.discount(self._new_id("di"), subscription, each["id"], self.now()) for each in coupons]
        subscription["discounts"] = kept + new
        for each in coupons:
            off = f"{each['percent_off']:g} %" if each["percent_off"] else _words(each["amount_off"], each["currency"])
            self._land(f"{off} off", subscription)

    def _transactions(self, request: Request, asked: Object) -> Object:
        found = self._of_customer(request.path_params["id"])
        return made.page_of(_newest_first(found), asked, request.url.path)

    def _of_customer(self, customer_id: str) -> list[Object]:
        everything = self.objects.values()
        return [each for each in everything if each["object"] == "customer_balance_transaction" and each["customer"] == customer_id]

    def _add_transaction(self, request: Request, asked: Object) -> Object:
        _only(asked, _TRANSACTION)
        customer = self._find(request.path_params["id"])
        before = sum(each["amount"] for each in self._of_customer(customer["id"]) if each["currency"] == asked["currency"])
        entry = made.balance_transaction(self._new_id("cbtxn"), customer["id"], asked, before, self.now())
        self.objects[entry["id"]] = entry
        if customer["currency"] == entry["currency"]:
            self.change(customer["id"], "customer.updated", balance=entry["ending_balance"])
        self._land(f"{_words(-entry['amount'], entry['currency'])} of credit", customer)
        return entry

    def _send_invoice(self, request: Request, asked: Object) -> Object:
        invoice = self._find(request.path_params["id"])
        if invoice["collection_method"] != "send_invoice":
            raise Refusal("You can only manually send an invoice if its collection method is 'send_invoice'.")
        if invoice["status"] == "draft":
            self.change(invoice["id"], "invoice.finalized", status="open")
        self._tell("invoice.sent", invoice, None)
        self._land("invoice mailed to its customer", invoice)
        return invoice

    def _void_invoice(self, request: Request, asked: Object) -> Object:
        invoice = self._find(request.path_params["id"])
        if invoice["status"] not in ("open", "uncollectible"):
            raise Refusal("You can only pass in open invoices. This invoice isn't open.", "invoice_not_editable")
        self.change(invoice["id"], "invoice.voided", status="void", amount_remaining=0)
        self._land("invoice declared void", invoice)
        return invoice

    def _land(self, what: str, on: Object) -> None:
        self.landed.append(Landed(what, on["id"]))


def _newest_first(found: list[Object]) -> list[Object]:
    return sorted(reversed(found), key=lambda each: -int(each["created"]))


def _shown(thing: Object, expand: Collection[str]) -> Object:
    """Discounts are ids, unless they are asked for in full."""
    if thing["object"] != "subscription" or "discounts" in expand:
        return thing
    return {**thing, "discounts": [each["id"] for each in thing["discounts"]]}


def _words(units: int, currency: str) -> str:
    money = money_of(units, currency)
    return f"{money.amount:f} {money.currency}"


def _only(asked: Mapping[str, object], known: frozenset[str]) -> None:
    for name in sorted(asked):
        if name not in known:
            raise Refusal(f"Received unknown parameter: {name}", "parameter_unknown")


def _error(status: int, kind: str, message: str, code: str | None = None) -> Response:
    return JSONResponse({"error": {"type": kind, "message": message, "code": code}}, status)
