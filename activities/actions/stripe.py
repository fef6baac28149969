"""`stripe.*`: the reads, the discount, and all actions of Stripe together."""

from typing import Any

from activities.actions.stripe_base import StripeEffect, StripeObject, StripeRead, amount_of, customer_of, span_of, subscription_of, whose
from activities.actions.stripe_billing import ChangeQuantity, ExtendTrial, PauseCollection
from activities.actions.stripe_invoices import CreditBalance, SendInvoice, VoidInvoice
from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.definitions.stripe import (
    STRIPE_APPLY_DISCOUNT,
    STRIPE_CUSTOMER_GET,
    STRIPE_SUBSCRIPTION_GET,
    ApplyDiscountInput,
    CustomerOutput,
    DiscountOutput,
    GetCustomerInput,
    GetSubscriptionInput,
    SubscriptionOutput,
)
from activities.effects import Action, Inputs, Outcome, Work
from activities.failures import BadInput, NotFound
from activities.reading import output_of, read_inputs
from connectors.stripe.amounts import moment_of, money_json
from connectors.stripe.vendor import STRIPE
from playbook_dsl.values import Duration
from storage.repositories.effects import EffectRecord
from storage.session import Session

MOST_MONTHS = 36


def stripe_actions(connections: Connections) -> tuple[Action, ...]:
    """Give every action of Stripe."""
    return (
        GetCustomer(connections),
        GetSubscription(connections),
        ApplyDiscount(connections),
        ExtendTrial(connections),
        PauseCollection(connections),
        ChangeQuantity(connections),
        CreditBalance(connections),
        SendInvoice(connections),
        VoidInvoice(connections),
    )


class GetCustomer(StripeRead):
    """Reads a customer."""

    contract = STRIPE_CUSTOMER_GET

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the customer of the account."""
        inputs = read_inputs(GetCustomerInput, work.call)
        return {"customer": await customer_of(session, work, inputs.customer)}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask Stripe."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        found = await client.customer(request["customer"])
        if found.get("deleted"):
            raise NotFound(f"the Stripe customer {found['id']} was deleted; link the account to another one")
        output = CustomerOutput(
            customer=found["id"],
            name=found.get("name") or "",
            email=found.get("email"),
            balance=money_json(found.get("balance"), found.get("currency")),
            currency=(found.get("currency") or "").upper() or None,
            delinquent=bool(found.get("delinquent")),
        )
        return Outcome(output_of(output))


class GetSubscription(StripeRead):
    """Reads a subscription."""

    contract = STRIPE_SUBSCRIPTION_GET

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the customer of the account, unless the subscription is named."""
        inputs = read_inputs(GetSubscriptionInput, work.call)
        return await whose(session, work, inputs.customer, inputs.subscription)

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask Stripe."""
        found = await subscription_of(self.connections, work.run.tenant, request)
        items = found["items"]["data"]
        first: StripeObject = items[0] if items else {}
        price: StripeObject = first.get("price") or {}
        output = SubscriptionOutput(
            subscription=found["id"],
            customer=_id(found["customer"]),
            status=found["status"],
            quantity=first.get("quantity"),
            price=money_json(price.get("unit_amount"), price.get("currency")),
            interval=(price.get("recurring") or {}).get("interval"),
            current_period_end=moment_of(first.get("current_period_end")),
            trial_end=moment_of(found.get("trial_end")),
            cancel_at_period_end=bool(found.get("cancel_at_period_end")),
            collection_paused=bool(found.get("pause_collection")),
            discounts=len(found.get("discounts") or ()),
        )
        return Outcome(output_of(output))


class ApplyDiscount(StripeEffect):
    """Puts a discount on a subscription."""

    contract = STRIPE_APPLY_DISCOUNT

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the customer; the coupon has an id of ours, so that it is made once."""
        inputs = read_inputs(ApplyDiscountInput, work.call)
        if (inputs.percent_off is None) == (inputs.amount_off is None):
            raise BadInput('say how much the discount is: either "percent_off: 10" or "amount_off: 50 EUR"')
        off = await amount_of(session, work, "amount_off", inputs.amount_off) if inputs.amount_off is not None else None
        how_much: Inputs = {"percent_off": inputs.percent_off} if off is None else {"amount_off": off[0], "currency": off[1]}
        told = {"percent_off": inputs.percent_off, "amount_off": money_json(*off) if off else None}
        terms = {**how_much, **_duration(inputs)}
        return {
            "coupon": f"pk_{work.object_id}",
            "terms": terms,
            **told,
            **await whose(session, work, inputs.customer, inputs.subscription),
        }

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Make the coupon, then put it on the subscription beside the discounts that are there."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        subscription = await subscription_of(self.connections, work.run.tenant, request)
        coupon = request["coupon"]
        there: list[StripeObject] = subscription["discounts"]
        if coupon not in [_coupon(each) for each in there]:
            await client.make_coupon(coupon, request["terms"], work.key)
            kept = [{"discount": discount["id"]} for discount in there]
            await client.set_discounts(subscription["id"], [*kept, {"coupon": coupon}], work.key)
        output = DiscountOutput(
            subscription=subscription["id"], coupon=coupon, percent_off=request["percent_off"], amount_off=request["amount_off"]
        )
        return Outcome(output_of(output), vendor_id=coupon)

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give the subscription that is meant, which an undo must find also when it is not the customer's oldest one any more."""
        subscription = await subscription_of(self.connections, work.run.tenant, request)
        return {"subscription": subscription["id"]}

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Take our discount off, and leave the others."""
        request: Any = record.request
        if not isinstance(record.prior, dict):
            return UndoResult(status="nothing", detail="it was not attempted")
        client = await self.connections.client(tenant, STRIPE)
        subscription = await client.subscription(str(record.prior["subscription"]))
        others = [each for each in subscription["discounts"] if _coupon(each) != request["coupon"]]
        if len(others) == len(subscription["discounts"]):
            return UndoResult(status="nothing", detail="the discount is not on the subscription")
        await client.set_discounts(subscription["id"], [{"discount": each["id"]} for each in others], f"{record.key}-undo")
        return UndoResult(status="undone")


def _duration(inputs: ApplyDiscountInput) -> Inputs:
    if len([each for each in (inputs.for_, inputs.months, inputs.lasts) if each is not None]) != 1:
        raise BadInput('say for how long the discount is, in one way: "for: 3 months", "months: 3", "lasts: once" or "lasts: forever"')
    if inputs.lasts:
        return {"duration": inputs.lasts}
    return {"duration": "repeating", "duration_in_months": inputs.months or _months(span_of(inputs.for_))}


def _months(span: Duration) -> int:
    if span != Duration(months=span.months) or not 1 <= span.months <= MOST_MONTHS:
        raise BadInput(f'"for" must be whole months, from 1 month to {MOST_MONTHS} months: Stripe counts a discount in months')
    return span.months


def _coupon(discount: StripeObject) -> str:
    return _id((discount.get("source") or {}).get("coupon"))


def _id(thing: object) -> str:
    """Give the id of an object, which is there itself or by its id."""
    return str(thing["id"] if isinstance(thing, dict) else thing)
