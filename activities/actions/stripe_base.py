"""What the actions at Stripe share: the client, the customer and the subscription that are meant, amounts and times as they are written."""

from abc import abstractmethod
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias

from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.effects import ExternalAction, Inputs, Outcome, ReadAction, Work
from activities.failures import BadInput, NotFound
from activities.reading import read_due
from connectors.stripe.amounts import smallest_units
from connectors.stripe.vendor import STRIPE
from connectors.vendor import Vendor
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Duration, Money, from_json
from storage.calendars import calendar_of
from storage.repositories.accounts import find_account
from storage.repositories.connections import find_link
from storage.repositories.effects import EffectRecord
from storage.repositories.tenants import find_tenant
from storage.session import Session

StripeObject: TypeAlias = dict[str, Any]
"""An object of Stripe's API as plain JSON."""
OVER = ("canceled", "incomplete_expired")


class StripeRead(ReadAction):
    """A look at Stripe."""

    vendor: Vendor[Any] | None = STRIPE

    def __init__(self, connections: Connections) -> None:
        """Ask through these connections."""
        self.connections = connections


class StripeEffect(ExternalAction):
    """An effect at Stripe, which recognises the key of a request that comes again."""

    vendor: Vendor[Any] | None = STRIPE

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self.connections = connections

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """Stripe knows the key for a day at least, and what is asked for is the same for every attempt."""
        return True


class SubscriptionChange(StripeEffect):
    """Sets one value of a subscription. What is there and what is to be are written down first: every attempt asks for the same."""

    word: ClassVar[str]

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give the subscription, and the value before and after."""
        subscription = await subscription_of(self.connections, work.run.tenant, request)
        before, after = self.plan(subscription, request)
        return {"subscription": subscription["id"], "before": before, "after": after}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Set the value."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        plan: Any = work.prior
        await client.change_subscription(plan["subscription"], self.changes(plan["after"], request), work.key)
        return self.outcome(plan)

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Put the earlier value back, unless somebody changed it since."""
        plan, request = record.prior, record.request
        if not isinstance(plan, dict) or not isinstance(request, dict):
            return UndoResult(status="nothing", detail="it was not attempted")
        client = await self.connections.client(tenant, STRIPE)
        subscription = await client.subscription(str(plan["subscription"]))
        if subscription["status"] in OVER:
            return UndoResult(status="nothing", detail="the subscription is over")
        now = self.value(subscription, plan)
        if now == plan["before"]:
            return UndoResult(status="undone", detail=f"{self.word} is as it was before")
        if now != plan["after"] and not force:
            return UndoResult(status="conflict", detail=f"{self.word} was changed since at Stripe, and left alone")
        await client.change_subscription(subscription["id"], self.changes(plan["before"], request), f"{record.key}-undo")
        return UndoResult(status="undone")

    @abstractmethod
    def plan(self, subscription: StripeObject, request: Inputs) -> tuple[JsonTree, JsonTree]:
        """Give the value that is there, and the one that is to be."""

    @abstractmethod
    def value(self, subscription: StripeObject, plan: StripeObject) -> JsonTree:
        """Give the value that is there, in the form of `plan`."""

    @abstractmethod
    def changes(self, value: JsonTree, request: Inputs) -> StripeObject:
        """Give what Stripe is asked for."""

    @abstractmethod
    def outcome(self, plan: StripeObject) -> Outcome:
        """Give the result."""


async def customer_of(session: Session, work: Work, named: str | None) -> str:
    """Give the customer that is named, else the account's.

    Raises:
        NotFound: the account is linked to none.
    """
    found = named or await find_link(session, STRIPE.name, "customer", account=work.run.account)
    if found is None:
        raise NotFound(f'account "{work.run.account}" is linked to no Stripe customer; name one under "customer"')
    return found


async def whose(session: Session, work: Work, customer: str | None, subscription: str | None) -> Inputs:
    """Give the part of a request that says which subscription is meant."""
    return {"subscription": subscription, "customer": None if subscription else await customer_of(session, work, customer)}


async def subscription_of(connections: Connections, tenant: str, request: Inputs) -> StripeObject:
    """Give the subscription that is meant.

    Raises:
        NotFound: the customer has none that is running.
    """
    client = await connections.client(tenant, STRIPE)
    if request["subscription"]:
        return await client.subscription(request["subscription"])
    found = await client.active_subscription(request["customer"])
    if found is None:
        raise NotFound(f"the Stripe customer {request['customer']} has no running subscription")
    return found


async def amount_of(session: Session, work: Work, name: str, tree: JsonTree) -> tuple[int, str]:
    """Give an amount in Stripe's form, and its currency; a bare number counts in the account's, as everywhere in the language.

    Raises:
        BadInput: it is no amount, not above zero, or finer than the currency.
    """
    value = from_json(tree)
    if isinstance(value, int | float) and not isinstance(value, bool):
        account = await find_account(session, work.run.account)
        value = Money(Decimal(str(value)), account.currency) if account and account.currency else value
    if not isinstance(value, Money):
        raise BadInput(f'"{name}" must be an amount with a currency, such as 50 EUR')
    try:
        units = smallest_units(value)
    except ValueError as error:
        raise BadInput(f'"{name}": {error}') from None
    if units <= 0:
        raise BadInput(f'"{name}" must be more than nothing')
    return units, value.currency.lower()


def span_of(tree: JsonTree) -> Duration:
    """Give a duration as it is written under `for`.

    Raises:
        BadInput: it is none.
    """
    try:
        value = from_json(tree)
        value = parse_duration(value) if isinstance(value, str) else value
    except (TimingError, ValueError) as error:
        raise BadInput(f'"for": {error}') from None
    if not isinstance(value, Duration):
        raise BadInput('"for" must be a duration, such as 14 days')
    return value


async def calendar_for(session: Session, work: Work) -> BusinessCalendar:
    """Give the account's calendar."""
    account = await find_account(session, work.run.account)
    return calendar_of(account, await find_tenant(session))


def later(at: datetime, span: Duration, calendar: BusinessCalendar) -> int:
    """Give the moment a duration after another, as Stripe writes it.

    Raises:
        BadInput: that is not a date any more.
    """
    try:
        return int(add(at, span, calendar).timestamp())
    except TimingError as error:
        raise BadInput(f'"for": {error}') from None


def due_at(tree: JsonTree, calendar: BusinessCalendar) -> int:
    """Give the moment written under `until`, as Stripe writes it.

    Raises:
        BadInput: it is none, or has passed.
    """
    try:
        at = read_due(tree, calendar)
    except BadInput as problem:
        raise BadInput(str(problem).replace('"due"', '"until"')) from None
    if at is None or at <= datetime.now(UTC):
        raise BadInput('"until" must be in the future')
    return int(at.timestamp())
