"""What requests to a team's own web services are signed with, in facts."""

from typing import TYPE_CHECKING, Final

from pydantic import Field

from connectors.cloudevents.vendor import Secret
from connectors.vendor import Allowance, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.http.signing import RequestSigner


class HttpCredentials(Credentials):
    """The secret that signed requests are signed with. While it is being changed, they bear both signatures."""

    secret: Secret = Field(description="Signing secret, `whsec_` and at least 24 random bytes in base64; `playkeeper new-key` makes one.")
    previous_secret: Secret | None = Field(None, description="The secret before, signed with as well while services change theirs.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "RequestSigner":
    from connectors.http.signing import RequestSigner

    return RequestSigner(HttpCredentials.model_validate(credentials))


HTTP: Final = Vendor["RequestSigner"](
    name="http",
    title="Signed web requests",
    credentials=HttpCredentials,
    open=_open,
    sandbox={"secret": "whsec_c2FuZGJveHNhbmRib3hzYW5kYm94c2FuZGJveDAw"},
    allowance=Allowance(per_hour=10_000, burst=10_000),
)
