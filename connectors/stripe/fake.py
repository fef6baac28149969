"""A stand-in for Stripe: state in memory, idempotency keys replayed, objects in the form of Stripe's own samples."""

import re
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]


class FakeStripe(Fake):
    """Customers, subscriptions, coupons."""

    name = "stripe"

    def __init__(self) -> None:
        """Begin with no customer."""
        super().__init__()
        self.objects: dict[str, Object] = {}
        self._answers: dict[str, tuple[str, int, Object]] = {}
        self._number = 0

    def routes(self) -> list[BaseRoute]:
        """Give the part of /v1 that the connector uses."""
        return [
            Route("/v1/balance", self._balance),
            Route("/v1/customers/{id}", self._get),
            Route("/v1/coupons", self._make_coupon, methods=["POST"]),
            Route("/v1/subscriptions", self._list_subscriptions),
            Route("/v1/subscriptions/{id}", self._get),
            Route("/v1/subscriptions/{id}", self._update_subscription, methods=["POST"]),
        ]

    def add_customer(self, customer_id: str, name: str) -> str:
        """Make a customer with one active subscription, and give the subscription's id."""
        subscription_id = f"sub_{customer_id.removeprefix('cus_')}"
        self.objects[customer_id] = {"id": customer_id, "object": "customer", "name": name, "balance": 0, "currency": "eur"}
        self.objects[subscription_id] = {
            "id": subscription_id,
            "object": "subscription",
            "customer": customer_id,
            "status": "active",
            "created": int(time.time()),
            "discounts": [],
        }
        return subscription_id

    def _find(self, object_id: str) -> Object | None:
        if self.invents and object_id.startswith("cus_sandbox") and object_id not in self.objects:
            self.add_customer(object_id, "Sandbox customer")
        return self.objects.get(object_id)

    async def _balance(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"object": "balance", "livemode": False, "available": []})

    async def _get(self, request: Request) -> Response:
        found = self._find(request.path_params["id"])
        return self._refusal(request) or (JSONResponse(found) if found else _missing(request.path_params["id"]))

    async def _list_subscriptions(self, request: Request) -> Response:
        customer = request.query_params.get("customer")
        self._find(str(customer))
        data = [each for each in self.objects.values() if each["object"] == "subscription" and each["customer"] == customer]
        return self._refusal(request) or JSONResponse({"object": "list", "data": data, "has_more": False, "url": "/v1/subscriptions"})

    async def _make_coupon(self, request: Request) -> Response:
        form = await _form(request)
        made = {**form, "object": "coupon", "percent_off": float(form["percent_off"]), "valid": True}
        if form["id"] in self.objects and not self._known(request):
            return _error(400, "invalid_request_error", "Coupon already exists.", "resource_already_exists")
        return self._once(request, form, lambda: self.objects.setdefault(form["id"], made))

    async def _update_subscription(self, request: Request) -> Response:
        form = await _form(request)
        subscription = self._find(request.path_params["id"])
        if subscription is None:
            return self._refusal(request) or _missing(request.path_params["id"])
        return self._once(request, form, lambda: self._discount(subscription, form))

    def _discount(self, subscription: Object, form: dict[str, str]) -> Object:
        coupons = [value for name, value in sorted(form.items()) if re.fullmatch(r"discounts\[\d+\]\[coupon\]", name)]
        kept = [value for name, value in sorted(form.items()) if re.fullmatch(r"discounts\[\d+\]\[discount\]", name)]
        old = [each for each in subscription["discounts"] if each["id"] in kept]
        new = [self._new_discount(each) for each in coupons]
        subscription["discounts"] = old + new
        for coupon in coupons:
            self.landed.append(Landed(f"{self.objects[coupon]['percent_off']:g} % off", subscription["id"]))
        return subscription

    def _new_discount(self, coupon: str) -> Object:
        self._number += 1
        return {"id": f"di_{self._number}", "object": "discount", "source": {"coupon": coupon, "type": "coupon"}}

    def _once(self, request: Request, form: dict[str, str], do: Callable[[], Object]) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        key, asked = request.headers.get("idempotency-key", ""), f"{request.url.path} {sorted(form.items())}"
        if key and key in self._answers:
            before, status, answer = self._answers[key]
            if before != asked:
                return _error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same parameters.")
            return JSONResponse(answer, status, {"Idempotent-Replayed": "true"})
        answer = dict(do())
        self._answers[key] = (asked, 200, answer)
        return JSONResponse(answer)

    def _known(self, request: Request) -> bool:
        return request.headers.get("idempotency-key") in self._answers

    @staticmethod
    def _refusal(request: Request) -> Response | None:
        if request.headers.get("authorization", "").startswith("Bearer sk_test_"):
            return None
        return _error(401, "invalid_request_error", "Invalid API Key provided: sk_****wxyz")


async def _form(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


def _missing(object_id: str) -> Response:
    return _error(404, "invalid_request_error", f"No such object: '{object_id}'", "resource_missing")


def _error(status: int, kind: str, message: str, code: str | None = None) -> Response:
    return JSONResponse({"error": {"type": kind, "message": message, "code": code}}, status)
