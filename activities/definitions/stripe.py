"""`stripe.*`: what plays do at Stripe."""

from typing import Annotated

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput
from connectors.stripe.vendor import STRIPE

Customer = Annotated[
    str | None, Field(max_length=100, description="The Stripe customer, `cus_…`; without it the one that is linked to the account.")
]


class GetCustomerInput(ActionInput):
    """A customer to look up."""

    customer: Customer = None


class CustomerOutput(ActionOutput):
    """The customer as Stripe knows it. `balance` is in the smallest unit of the currency; below zero it is a credit."""

    customer: str
    name: str
    balance: int
    currency: str | None = None
    delinquent: bool = False


class ApplyDiscountInput(ActionInput):
    """A discount for a while."""

    percent_off: Annotated[float, Field(gt=0, le=100, description="How much is taken off, in percent.")]
    months: Annotated[int, Field(ge=1, le=36, description="For how many months.")]
    customer: Customer = None
    subscription: Annotated[str | None, Field(max_length=100, description="`sub_…`; without it the customer's oldest one.")] = None


class DiscountOutput(ActionOutput):
    """The discount on the subscription."""

    subscription: str
    coupon: str
    percent_off: float


STRIPE_CUSTOMER_GET = ActionContract(
    name="stripe.customer.get",
    title="Look up a Stripe customer",
    effect="read",
    inputs=GetCustomerInput,
    outputs=CustomerOutput,
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    help="Reads the customer as it is now.",
)
STRIPE_APPLY_DISCOUNT = ActionContract(
    name="stripe.apply_discount",
    title="Give a discount",
    effect="reversible",
    inputs=ApplyDiscountInput,
    outputs=DiscountOutput,
    undo="takes the discount off the subscription again; invoices that are out already stay as they are",
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    policy="at_least_once",
    help="Puts a discount on a subscription, beside those it has.",
)
STRIPE_CONTRACTS = (STRIPE_CUSTOMER_GET, STRIPE_APPLY_DISCOUNT)
