"""Webhooks to a team's own systems, signed by the Standard Webhooks rules, in facts."""

from typing import TYPE_CHECKING, Annotated, Final

import httpx
from pydantic import AfterValidator, Field, SecretStr

from connectors.cloudevents.vendor import Secret
from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.webhook.client import WebhookSender


def _is_address(url: SecretStr) -> SecretStr:
    """Refuse what the web client would refuse in a message that repeats the address. This one does not."""
    try:
        target = httpx.URL(url.get_secret_value())
    except (httpx.InvalidURL, ValueError):
        raise ValueError("is not a web address") from None
    if target.scheme != "https" or not target.host or target.userinfo or not _is_port(target.port):
        raise ValueError("is not an address that begins with https:// and has no password in it")
    return url


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port < 65536


class WebhookCredentials(Credentials):
    """Where messages go, and what they are signed with. The address is a secret, too: many have a key in them."""

    url: Annotated[SecretStr, AfterValidator(_is_address)] = Field(max_length=2_000, description="Address of the endpoint, `https://…`.")
    secret: Secret = Field(description="Signing secret, `whsec_` and at least 24 random bytes in base64; `playkeeper new-key` makes one.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "WebhookSender":
    from connectors.webhook.client import WebhookSender

    return WebhookSender(WebhookCredentials.model_validate(credentials), sandbox_url)


WEBHOOK: Final = Vendor["WebhookSender"](
    name="webhook",
    title="Webhooks",
    credentials=WebhookCredentials,
    open=_open,
    sandbox={"url": "https://receiver.example/hooks", "secret": "whsec_c2FuZGJveHNhbmRib3hzYW5kYm94c2FuZGJveDAw"},
    allowance=Allowance(per_hour=10_000, burst=1_000),
    backoff=Backoff(attempts=8, first_s=5.0),
    stand_in="connectors.webhook.fake:FakeReceiver",
)
