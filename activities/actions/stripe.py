"""`stripe.*`."""

from typing import Any

from activities.connections import Connections
from activities.contracts import UndoResult
from activities.definitions.stripe import (
    STRIPE_APPLY_DISCOUNT,
    STRIPE_CUSTOMER_GET,
    ApplyDiscountInput,
    CustomerOutput,
    DiscountOutput,
    GetCustomerInput,
)
from activities.effects import Action, ExternalAction, Inputs, Outcome, ReadAction, Work
from activities.failures import NotFound
from activities.reading import output_of, read_inputs
from connectors.stripe.vendor import STRIPE
from storage.repositories.connections import find_link
from storage.repositories.effects import EffectRecord
from storage.session import Session


def stripe_actions(connections: Connections) -> tuple[Action, ...]:
    """Give every action of Stripe."""
    return (GetCustomer(connections), ApplyDiscount(connections))


class GetCustomer(ReadAction):
    """Reads a customer."""

    contract = STRIPE_CUSTOMER_GET
    vendor = STRIPE

    def __init__(self, connections: Connections) -> None:
        """Ask through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the customer of the account."""
        inputs = read_inputs(GetCustomerInput, work.call)
        return {"customer": await _customer(session, work, inputs.customer)}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask Stripe."""
        client = await self._connections.client(work.run.tenant, STRIPE)
        found = await client.customer(request["customer"])
        output = CustomerOutput(
            customer=found["id"],
            name=found.get("name") or "",
            balance=found.get("balance") or 0,
            currency=found.get("currency"),
            delinquent=bool(found.get("delinquent")),
        )
        return Outcome(output_of(output))


class ApplyDiscount(ExternalAction):
    """Puts a discount on a subscription."""

    contract = STRIPE_APPLY_DISCOUNT
    vendor = STRIPE

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the customer; the coupon has an id of ours, so that it is made once."""
        inputs = read_inputs(ApplyDiscountInput, work.call)
        customer = None if inputs.subscription else await _customer(session, work, inputs.customer)
        return {"coupon": f"pk_{work.object_id}", "customer": customer, **inputs.model_dump(exclude={"customer"})}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Make the coupon, then put it on the subscription beside the discounts that are there."""
        client = await self._connections.client(work.run.tenant, STRIPE)
        subscription = await self._subscription(work, request)
        coupon = request["coupon"]
        terms = {"percent_off": request["percent_off"], "duration": "repeating", "duration_in_months": request["months"]}
        there: list[dict[str, Any]] = subscription["discounts"]
        if coupon not in _coupons(there):
            await client.make_coupon(coupon, terms, work.key)
            kept = [{"discount": discount["id"]} for discount in there]
            await client.set_discounts(subscription["id"], [*kept, {"coupon": coupon}], work.key)
        output = DiscountOutput(subscription=subscription["id"], coupon=coupon, percent_off=request["percent_off"])
        return Outcome(output_of(output), vendor_id=coupon)

    async def find(self, work: Work, request: Inputs) -> bool:
        """Stripe knows the key, and the coupon's id is ours."""
        return True

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Take our discount off, and leave the others."""
        client = await self._connections.client(tenant, STRIPE)
        request: Any = record.request
        try:
            subscription = await self._subscription_of(tenant, request)
        except NotFound as gone:
            # Nothing is left that the discount could be on.
            return UndoResult(status="nothing", detail=str(gone))
        others = [each for each in subscription["discounts"] if _coupon(each) != request["coupon"]]
        if len(others) == len(subscription["discounts"]):
            return UndoResult(status="nothing", detail="the discount is not on the subscription")
        await client.set_discounts(subscription["id"], [{"discount": each["id"]} for each in others], f"{record.key}-undo")
        return UndoResult(status="undone")

    async def _subscription(self, work: Work, request: Inputs) -> dict[str, Any]:
        return await self._subscription_of(work.run.tenant, request)

    async def _subscription_of(self, tenant: str, request: Inputs) -> dict[str, Any]:
        client = await self._connections.client(tenant, STRIPE)
        if request["subscription"]:
            return await client.subscription(request["subscription"])
        found = await client.active_subscription(request["customer"])
        if found is None:
            raise NotFound(f"the Stripe customer {request['customer']} has no running subscription")
        return found


async def _customer(session: Session, work: Work, named: str | None) -> str:
    found = named or await find_link(session, STRIPE.name, "customer", account=work.run.account)
    if found is None:
        raise NotFound(f'account "{work.run.account}" is linked to no Stripe customer; name one under "customer"')
    return found


def _coupon(discount: dict[str, Any]) -> str:
    source: dict[str, Any] = discount.get("source") or {}
    coupon = source.get("coupon")
    return str(coupon["id"] if isinstance(coupon, dict) else coupon)


def _coupons(discounts: list[dict[str, Any]]) -> set[str]:
    return {_coupon(each) for each in discounts}
