"""Stripe through its own SDK. Every write carries an idempotency key, so that a repeated attempt gets the first one's answer."""

import hashlib
import json
from collections.abc import Awaitable
from typing import Any, Final, TypeAlias

import stripe
from stripe import HTTPXClient, StripeClient

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, pause_of
from connectors.records import RecordPage
from connectors.requests_made import note_request
from connectors.stripe.changes import Changes
from connectors.stripe.vendor import StripeCredentials

TIMEOUT_S = 20.0
StripeObject: TypeAlias = dict[str, Any]
"""An object of Stripe's API as plain JSON."""

_ERRORS: Final[tuple[tuple[type[stripe.StripeError], type[ConnectorError]], ...]] = (
    (stripe.AuthenticationError, NotAuthorized),
    (stripe.PermissionError, NotAuthorized),
    (stripe.CardError, Rejected),
    (stripe.IdempotencyError, Rejected),
    (stripe.InvalidRequestError, Rejected),
)
_OVER: Final = ("canceled", "incomplete_expired")


class Stripe:
    """One account of Stripe."""

    def __init__(self, credentials: StripeCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for Stripe."""
        self._http = HTTPXClient(timeout=TIMEOUT_S)
        # Our own retries know the ledger; the SDK's would only hold a worker's slot.
        self._client = StripeClient(
            credentials.api_key.get_secret_value(),
            base_addresses={"api": base_url} if base_url else None,
            max_network_retries=0,
            http_client=self._http,
        )

    async def verify(self) -> str:
        """Read the balance, which every key may that can be of use here."""
        balance = await _plain(self._client.v1.balance.retrieve_async())
        return "live account" if balance.get("livemode") else "test account"

    async def close(self) -> None:
        """Let the kept connections go."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK left this one without annotations

    async def customer(self, customer_id: str) -> StripeObject:
        """Give a customer; one that was deleted says so in `deleted`."""
        return await _plain(self._client.v1.customers.retrieve_async(customer_id))

    async def subscription(self, subscription_id: str) -> StripeObject:
        """Give a subscription, its discounts written out."""
        return await _plain(self._client.v1.subscriptions.retrieve_async(subscription_id, {"expand": ["discounts"]}))

    async def active_subscription(self, customer_id: str) -> StripeObject | None:
        """Give the customer's oldest subscription that is not over."""
        asked: Any = {"customer": customer_id, "limit": 100, "expand": ["data.discounts"]}
        found = await _plain(self._client.v1.subscriptions.list_async(asked))
        running: list[StripeObject] = [each for each in found["data"] if each["status"] not in _OVER]
        return min(running, key=lambda each: each["created"], default=None)

    async def make_coupon(self, coupon_id: str, terms: StripeObject, key: str) -> None:
        """Make a coupon under an id of ours. One that is there already is ours: a key is remembered for a day, the id for ever."""
        asked: Any = {"id": coupon_id, **terms}
        try:
            await _plain(self._client.v1.coupons.create_async(asked, {"idempotency_key": f"{key}-coupon"}))
        except Rejected as error:
            if not _says(error, "resource_already_exists"):
                raise

    async def set_discounts(self, subscription_id: str, discounts: list[StripeObject], key: str) -> StripeObject:
        """Put these discounts on a subscription in place of those it has; an empty list takes all away."""
        return await self.change_subscription(subscription_id, {"discounts": discounts or "", "expand": ["discounts"]}, key)

    async def change_subscription(self, subscription_id: str, changes: StripeObject, key: str) -> StripeObject:
        """Change a subscription.

        What is asked for depends on what was found there, so its digest is part of the idempotency key: Stripe refuses a key that comes
        again with something else.
        """
        digest = hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()[:16]
        asked: Any = changes
        return await _plain(self._client.v1.subscriptions.update_async(subscription_id, asked, {"idempotency_key": f"{key}-{digest}"}))

    async def balance_transactions(self, customer_id: str) -> list[StripeObject]:
        """Give the customer's latest hundred balance transactions, the newest first."""
        found = await _plain(self._client.v1.customers.balance_transactions.list_async(customer_id, {"limit": 100}))
        transactions: list[StripeObject] = found["data"]
        return transactions

    async def add_balance_transaction(self, customer_id: str, terms: StripeObject, key: str) -> StripeObject:
        """Add to what the customer owes; below zero it is a credit for later invoices."""
        asked: Any = terms
        call = self._client.v1.customers.balance_transactions.create_async(customer_id, asked, {"idempotency_key": key})
        return await _plain(call)

    async def invoice(self, invoice_id: str) -> StripeObject:
        """Give an invoice."""
        return await _plain(self._client.v1.invoices.retrieve_async(invoice_id))

    async def send_invoice(self, invoice_id: str, key: str) -> StripeObject:
        """Have Stripe mail an invoice to its customer."""
        return await _plain(self._client.v1.invoices.send_invoice_async(invoice_id, {}, {"idempotency_key": key}))

    async def void_invoice(self, invoice_id: str, key: str) -> StripeObject:
        """Declare an invoice void, for ever."""
        return await _plain(self._client.v1.invoices.void_invoice_async(invoice_id, {}, {"idempotency_key": key}))

    async def list_page(self, what: str, asked: StripeObject) -> StripeObject | None:
        """Give a page of `customers`, `subscriptions`, `invoices` or `events`; None when what it was to continue from is not there."""
        try:
            return await _plain(getattr(self._client.v1, what).list_async(asked))
        except Rejected as error:
            if _says(error, "resource_missing"):
                return None
            raise

    async def changed(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give customers, subscriptions or invoices that changed after the cursor; see `connectors.records.Source` and `Changes`."""
        return await Changes(self.list_page).page(kind, cursor, limit)


def _says(error: ConnectorError, code: str) -> bool:
    return getattr(error.__cause__, "code", None) == code


async def _plain(call: Awaitable[stripe.StripeObject]) -> StripeObject:
    """Await a call of the SDK, which is one request; its objects become plain JSON and its errors ours."""
    note_request()
    try:
        answer: StripeObject = (await call).to_dict(for_json=True)
    except stripe.StripeError as error:
        raise _ours(error) from error
    except (AttributeError, TypeError, ValueError) as error:
        raise Unavailable("Stripe's answer is not one of its API", maybe_done=True) from error
    return answer


def _ours(error: stripe.StripeError) -> ConnectorError:
    # The message for users has no key in it; str() of an authentication error shows the end of one.
    message = f"Stripe: {error.user_message or type(error).__name__}"
    if isinstance(error, stripe.AuthenticationError):
        return NotAuthorized("Stripe does not accept the key; save a new one for the connector stripe")
    if isinstance(error, stripe.RateLimitError):
        return RateLimited(message, pause_of((error.headers or {}).get("retry-after")))
    for theirs, ours in _ERRORS:
        if isinstance(error, theirs):
            return ours(message)
    status = error.http_status or 0
    if status == 429:
        return RateLimited(message, pause_of((error.headers or {}).get("retry-after")))
    return Unavailable(message, maybe_done=status != 503)
