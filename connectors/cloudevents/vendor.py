"""Events of a team's own systems, as CloudEvents signed by the Standard Webhooks rules, in facts."""

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field, SecretStr

from connectors.vendor import Allowance, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.cloudevents.client import CloudEventsEndpoint

PREFIX: Final = "whsec_"
_LEAST_BYTES: Final = 24


def _is_secret(secret: SecretStr) -> SecretStr:
    """Refuse what is no secret of the form the rules ask for, or could be guessed. The message does not repeat it."""
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64, with or without `whsec_` before it; `playkeeper new-key` makes one") from None
    if len(key) < _LEAST_BYTES:
        raise ValueError(f"is too short: at least {_LEAST_BYTES} random bytes in base64; `playkeeper new-key` makes one")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_is_secret)]


class CloudEventsCredentials(Credentials):
    """The secret that the team's own systems sign with. While it is being changed, two are good."""

    secret: Secret = Field(description="Signing secret, `whsec_` and at least 24 random bytes in base64.")
    previous_secret: Secret | None = Field(None, description="The secret before, still good while senders change theirs.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "CloudEventsEndpoint":
    from connectors.cloudevents.client import CloudEventsEndpoint

    return CloudEventsEndpoint(CloudEventsCredentials.model_validate(credentials))


CLOUDEVENTS: Final = Vendor["CloudEventsEndpoint"](
    name="cloudevents",
    title="CloudEvents",
    credentials=CloudEventsCredentials,
    open=_open,
    sandbox={"secret": "whsec_c2FuZGJveHNhbmRib3hzYW5kYm94c2FuZGJveDAw"},
    allowance=Allowance(per_hour=10_000, burst=10_000),
    reader="connectors.cloudevents.webhooks:read_events",
)
