"""Stripe, in facts."""

from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.stripe.client import Stripe


class StripeCredentials(Credentials):
    """A secret or restricted key of the account, and the secret its webhooks are signed with."""

    api_key: SecretStr = Field(min_length=8, description="Secret or restricted key, `sk_live_…` or `rk_live_…`.")
    webhook_secret: SecretStr | None = Field(None, description="Signing secret of the webhook endpoint, `whsec_…`.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "Stripe":
    from connectors.stripe.client import Stripe  # the SDK takes half a second to import

    return Stripe(StripeCredentials.model_validate(credentials), base_url=sandbox_url)


STRIPE: Final = Vendor["Stripe"](
    name="stripe",
    title="Stripe",
    credentials=StripeCredentials,
    open=_open,
    sandbox={"api_key": "sk_test_sandbox", "webhook_secret": "whsec_sandbox"},
    allowance=Allowance(per_hour=500, burst=750),
    backoff=Backoff(attempts=4, first_s=5, growth="fixed"),
    records=("customer", "subscription", "invoice"),
    reader="connectors.stripe.webhooks:read_events",
    stand_in="connectors.stripe.fake:FakeStripe",
)
