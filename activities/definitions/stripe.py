"""`stripe.*`: what plays do at Stripe."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Amount, Due, Span
from connectors.stripe.vendor import STRIPE

Customer = Annotated[
    str | None, Field(max_length=100, description="The Stripe customer, `cus_…`; without it the one that is linked to the account.")
]
Subscription = Annotated[str | None, Field(max_length=100, description="`sub_…`; without it the customer's oldest one.")]


class GetCustomerInput(ActionInput):
    """A customer to look up."""

    customer: Customer = None


class CustomerOutput(ActionOutput):
    """The customer as Stripe knows it. `balance` is what the next invoice has on top; below zero it is a credit."""

    customer: str
    name: str
    email: str | None = None
    balance: Amount | None = None
    currency: str | None = None
    delinquent: bool = False


class GetSubscriptionInput(ActionInput):
    """A subscription to look up."""

    customer: Customer = None
    subscription: Subscription = None


class SubscriptionOutput(ActionOutput):
    """The subscription as it is now. `price` is that of one unit of its first item, `discounts` how many it has."""

    subscription: str
    customer: str
    status: str
    quantity: int | None = None
    price: Amount | None = None
    interval: str | None = None
    current_period_end: datetime | None = None
    trial_end: datetime | None = None
    cancel_at_period_end: bool = False
    collection_paused: bool = False
    discounts: int = 0


class ApplyDiscountInput(ActionInput):
    """A discount: how much, and for how long."""

    percent_off: Annotated[float | None, Field(gt=0, le=100, description="How much is taken off, in percent.")] = None
    amount_off: Annotated[Amount, Field(description="How much is taken off each invoice, such as `50 EUR`; instead of a percentage.")] = (
        None
    )
    for_: Annotated[Span, Field(alias="for", description="For how long, in whole months: `3 months`.")] = None
    months: Annotated[int | None, Field(ge=1, le=36, description="The same as a number of months.")] = None
    lasts: Annotated[Literal["once", "forever"] | None, Field(description="Instead of `for`: on the next invoice only, or for ever.")] = (
        None
    )
    customer: Customer = None
    subscription: Subscription = None


class DiscountOutput(ActionOutput):
    """The discount on the subscription."""

    subscription: str
    coupon: str
    percent_off: float | None = None
    amount_off: Amount | None = None


class ExtendTrialInput(ActionInput):
    """A later end of the trial."""

    for_: Annotated[Span, Field(alias="for", description="How much longer than now agreed: `14 days`.")] = None
    until: Annotated[Due, Field(description="Or until when: a date, or `5 business days before account.renewal_date`.")] = None
    customer: Customer = None
    subscription: Subscription = None


class TrialOutput(ActionOutput):
    """The trial's new and earlier end."""

    subscription: str
    trial_end: datetime
    previous_trial_end: datetime


class PauseCollectionInput(ActionInput):
    """A time in which invoices are not collected."""

    invoices: Annotated[
        Literal["keep_as_draft", "mark_uncollectible", "void"],
        Field(description="What becomes of invoices meanwhile: kept as drafts to be collected later, given up, or void."),
    ] = "keep_as_draft"
    for_: Annotated[Span, Field(alias="for", description="For how long; without it, until somebody resumes it.")] = None
    until: Annotated[Due, Field(description="Or until when.")] = None
    customer: Customer = None
    subscription: Subscription = None


class PauseOutput(ActionOutput):
    """The pause. The subscription's status stays as it is."""

    subscription: str
    invoices: str
    resumes_at: datetime | None = None


class ChangeQuantityInput(ActionInput):
    """Another number of units."""

    to: Annotated[int | None, Field(ge=1, le=1_000_000, description="The new quantity.")] = None
    by: Annotated[int | None, Field(ge=-1_000_000, le=1_000_000, description="Or the change: `5`, `-2`.")] = None
    prorate: Annotated[bool, Field(description="Whether the rest of the period is charged or credited.")] = True
    item: Annotated[str | None, Field(max_length=100, description="`si_…`; needed when the subscription has several items.")] = None
    customer: Customer = None
    subscription: Subscription = None


class QuantityOutput(ActionOutput):
    """The new and the earlier quantity."""

    subscription: str
    item: str
    quantity: int
    previous_quantity: int


class CreditBalanceInput(ActionInput):
    """A credit that later invoices use up."""

    amount: Annotated[Amount, Field(description="How much the customer gets, such as `50 EUR`.")]
    text: Annotated[str | None, Field(max_length=350, description="What for; shown in Stripe, and to the customer on the invoice.")] = None
    customer: Customer = None


class CreditOutput(ActionOutput):
    """The credit. `balance` is the customer's balance after it; below zero it is a credit."""

    transaction: str
    customer: str
    balance: Amount


class InvoiceInput(ActionInput):
    """An invoice."""

    invoice: Annotated[str, Field(min_length=1, max_length=100, description="The invoice, `in_…`: `{{ event.invoice_id }}`.")]


class InvoiceOutput(ActionOutput):
    """The invoice after it."""

    invoice: str
    status: str
    number: str | None = None
    amount_due: Amount | None = None


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
STRIPE_SUBSCRIPTION_GET = ActionContract(
    name="stripe.subscription.get",
    title="Look up a Stripe subscription",
    effect="read",
    inputs=GetSubscriptionInput,
    outputs=SubscriptionOutput,
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    help="Reads the subscription as it is now.",
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
    help="Puts a discount on a subscription, beside those it has. Write how much and for how long.",
)
STRIPE_EXTEND_TRIAL = ActionContract(
    name="stripe.extend_trial",
    title="Extend a trial",
    effect="reversible",
    inputs=ExtendTrialInput,
    outputs=TrialOutput,
    undo="puts the trial's earlier end back; when that has passed, the trial ends at once and is charged",
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    policy="at_least_once",
    help="Moves the end of a trial that is running. A subscription that is not in a trial is refused.",
)
STRIPE_PAUSE_COLLECTION = ActionContract(
    name="stripe.pause_collection",
    title="Pause collecting payments",
    effect="reversible",
    inputs=PauseCollectionInput,
    outputs=PauseOutput,
    undo="puts back what was there before; invoices that were made meanwhile stay as the pause left them",
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    policy="at_least_once",
    help="Stops collecting the invoices of a subscription; it goes on, and its status stays as it is.",
)
STRIPE_CHANGE_QUANTITY = ActionContract(
    name="stripe.subscription.change_quantity",
    title="Change a subscription's quantity",
    effect="compensable",
    inputs=ChangeQuantityInput,
    outputs=QuantityOutput,
    undo="sets the earlier quantity again; what was charged for the days between stays charged",
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    policy="at_least_once",
    help="Sets how many units (seats) of an item are paid for.",
)
STRIPE_CREDIT_BALANCE = ActionContract(
    name="stripe.credit_balance",
    title="Credit a customer's balance",
    effect="compensable",
    inputs=CreditBalanceInput,
    outputs=CreditOutput,
    undo="books the same amount back, unless an invoice has used some of it",
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    policy="at_least_once",
    help="Gives the customer a credit that later invoices use up.",
)
STRIPE_INVOICE_SEND = ActionContract(
    name="stripe.invoice.send",
    title="Mail an invoice",
    effect="irreversible",
    inputs=InvoiceInput,
    outputs=InvoiceOutput,
    sends="email",
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    help="Has Stripe mail an invoice to its customer, outside of Stripe's own schedule. The invoice must be one that is paid by hand.",
)
STRIPE_INVOICE_VOID = ActionContract(
    name="stripe.invoice.void",
    title="Declare an invoice void",
    effect="irreversible",
    inputs=InvoiceInput,
    outputs=InvoiceOutput,
    internal=False,
    retry=STRIPE.backoff.as_retry(),
    policy="at_least_once",
    help="Declares an open invoice void, for ever. One that is void already stays as it is.",
)
STRIPE_CONTRACTS = (
    STRIPE_APPLY_DISCOUNT,
    STRIPE_CREDIT_BALANCE,
    STRIPE_CUSTOMER_GET,
    STRIPE_EXTEND_TRIAL,
    STRIPE_INVOICE_SEND,
    STRIPE_INVOICE_VOID,
    STRIPE_PAUSE_COLLECTION,
    STRIPE_CHANGE_QUANTITY,
    STRIPE_SUBSCRIPTION_GET,
)
