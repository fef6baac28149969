"""The stand-in answers in the form of Stripe's own samples, and what we ask for is what Stripe's SDK knows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import pytest
from stripe import params

from connectors.errors import Rejected
from connectors.sandbox.serving import serving
from connectors.stripe.client import Stripe
from connectors.stripe.fake import FakeStripe
from connectors.stripe.fake_objects import nested
from connectors.stripe.vendor import STRIPE

Loose: TypeAlias = Any
SAMPLES = Path(__file__).parents[3] / "shared" / "contracts" / "stripe_fixtures3.json.gz"
# The sample of an event is one of a new plan: it has no earlier values, and what is in it is looked at by itself.
NOT_COMPARED = ("event.data.previous_attributes", "event.data.object")


@cache
def samples() -> dict[str, Loose]:
    if not SAMPLES.exists():
        pytest.skip("Stripe's samples are not here")
    resources: dict[str, Loose] = json.loads(gzip.decompress(SAMPLES.read_bytes()))["resources"]
    return resources


def differences(ours: Loose, sample: Loose, where: str) -> Iterator[str]:
    """Where an answer has a key that the sample has not, or another type."""
    if ours is None or sample is None or where in NOT_COMPARED:
        return
    if isinstance(ours, bool) != isinstance(sample, bool) or _kind(ours) is not _kind(sample):
        yield f"{where}: {type(ours).__name__} instead of {type(sample).__name__}"
    elif isinstance(ours, dict) and sample and not where.endswith(".metadata"):
        for name, value in ours.items():
            at = f"{where}.{name}"
            if name in sample or at in NOT_COMPARED:
                yield from differences(value, sample.get(name), at)
            else:
                yield f"{at}: not in the sample"
    elif isinstance(ours, list) and sample:
        for each in ours:
            yield from differences(each, sample[0], f"{where}[]")


def _kind(value: Loose) -> type:
    return float if isinstance(value, int | float) else type(value)


def things_in(answer: Loose) -> Iterator[dict[str, Loose]]:
    """Every object of Stripe's in an answer, also those inside of lists and events."""
    if isinstance(answer, dict):
        if isinstance(answer.get("object"), str) and answer["object"] != "list":
            yield answer
        for value in answer.values():
            yield from things_in(value)
    elif isinstance(answer, list):
        for each in answer:
            yield from things_in(each)


@asynccontextmanager
async def everything() -> Loose:
    """Every request the client makes, against a stand-in that keeps its answers."""
    fake = FakeStripe()
    fake.add_customer("cus_1", "ACME", quantity=3)
    fake.add_customer("cus_2", "Globex", trial_days=5)
    fake.add_invoice("in_1", "cus_1")
    fake.add_invoice("in_2", "cus_1")
    answers: list[Loose] = []
    with serving(fake) as url:
        client: Stripe = STRIPE.connect(dict(STRIPE.sandbox), url)
        await client.verify()
        await client.make_coupon("pk_1", {"percent_off": 12.5, "duration": "repeating", "duration_in_months": 3}, "k1")
        await client.make_coupon("pk_2", {"amount_off": 500, "currency": "eur", "duration": "forever"}, "k2")
        answers += [
            await client.customer("cus_1"),
            await client.set_discounts("sub_1", [{"coupon": "pk_1"}, {"coupon": "pk_2"}], "k3"),
            await client.subscription("sub_1"),
            await client.active_subscription("cus_1"),
            await client.change_subscription("sub_1", {"pause_collection": {"behavior": "void", "resumes_at": fake.now() + 90}}, "k4"),
            await client.change_subscription("sub_1", {"items": [{"id": "si_1", "quantity": 5}], "proration_behavior": "none"}, "k5"),
            await client.change_subscription("sub_2", {"trial_end": fake.now() + 90_000, "metadata": {"a": "b"}}, "k6"),
            await client.add_balance_transaction("cus_1", {"amount": -500, "currency": "eur", "metadata": {"a": "b"}}, "k7"),
            await client.balance_transactions("cus_1"),
            await client.send_invoice("in_1", "k8"),
            await client.void_invoice("in_1", "k9"),
            await client.invoice("in_2"),
            *[await client.list_page(name, {"limit": 100}) for name in ("customers", "subscriptions", "invoices", "events")],
            *[fake.objects[name] for name in ("pk_1", "pk_2")],
        ]
        fake.objects["cus_3"] = {"id": "cus_3", "object": "customer", "deleted": True}
        answers.append(await client.customer("cus_3"))
        await client.close()
    yield fake, answers


async def test_every_answer_has_the_form_of_stripes_own_sample() -> None:
    wrong: set[str] = set()
    seen: set[str] = set()
    async with everything() as (_, answers):
        for thing in things_in(answers):
            name = f"deleted_{thing['object']}" if thing.get("deleted") else thing["object"]
            seen.add(name)
            wrong |= set(differences(thing, samples()[name], name))

    assert sorted(wrong) == []
    assert seen >= {"customer", "subscription", "subscription_item", "price", "coupon", "discount", "invoice", "event"}
    assert seen >= {"customer_balance_transaction", "deleted_customer"}


ASKED = {
    "POST /v1/coupons": params.CouponCreateParams,
    "POST /v1/subscriptions/": params.SubscriptionUpdateParams,
    "POST /v1/customers/": params.CustomerCreateBalanceTransactionParams,
    "POST /v1/invoices/": params.InvoiceSendInvoiceParams,
    "GET /v1/customers": params.CustomerListParams,
    "GET /v1/subscriptions": params.SubscriptionListParams,
    "GET /v1/invoices": params.InvoiceListParams,
    "GET /v1/events": params.EventListParams,
}


async def test_every_request_has_only_what_stripes_sdk_knows() -> None:
    """The SDK's types are made from Stripe's own description; they are not checked when it runs."""
    unknown: list[str] = []
    async with everything() as (fake, _):
        for each in fake.received:
            path = each.path.removeprefix("/stripe")
            of = max((key for key in ASKED if f"{each.method} {path}".startswith(key)), key=len, default=None)
            names = set(nested(each.body.items())) if isinstance(each.body, dict) else set(nested(parse_qsl(each.query)))
            if of is not None:
                unknown += [f"{of}: {name}" for name in names - set(ASKED[of].__annotations__)]

    assert unknown == []
    assert {each.headers.get("stripe-version") for each in fake.received} == {"2026-10-28.endive"}
    assert all(each.headers.get("idempotency-key") for each in fake.received if each.method == "POST")


async def test_what_stripe_refuses_the_stand_in_refuses() -> None:
    fake = FakeStripe()
    fake.add_customer("cus_1", "ACME")
    fake.add_invoice("in_1", "cus_1")
    fake.change("in_1", "invoice.paid", status="paid", collection_method="charge_automatically")
    with serving(fake) as url:
        client: Stripe = STRIPE.connect(dict(STRIPE.sandbox), url)
        refused = [
            client.change_subscription("sub_1", {"trial_end": fake.now() - 1}, "k1"),
            client.change_subscription("sub_1", {"trial_ends": 1}, "k2"),
            client.change_subscription("sub_1", {"items": [{"id": "si_none", "quantity": 1}]}, "k3"),
            client.change_subscription("sub_none", {"metadata": {}}, "k4"),
            client.make_coupon("c", {"duration": "once"}, "k5"),
            client.make_coupon("c", {"duration": "repeating", "percent_off": 5}, "k6"),
            client.send_invoice("in_1", "k7"),
            client.void_invoice("in_1", "k8"),
            client.add_balance_transaction("cus_none", {"amount": 1, "currency": "eur"}, "k9"),
        ]
        for call in refused:
            with pytest.raises(Rejected, match="Stripe: "):
                await call
        await client.add_balance_transaction("cus_1", {"amount": 1, "currency": "eur"}, "same")
        with pytest.raises(Rejected, match="same parameters"):
            await client.add_balance_transaction("cus_1", {"amount": 2, "currency": "eur"}, "same")
        await client.close()


async def test_a_coupon_that_was_made_before_is_taken_as_made() -> None:
    fake = FakeStripe()
    with serving(fake) as url:
        client: Stripe = STRIPE.connect(dict(STRIPE.sandbox), url)
        for key in ("first", "a day later"):
            await client.make_coupon("pk_1", {"duration": "once", "percent_off": 5}, key)
        await client.close()

    assert list(fake.objects) == ["pk_1"]
