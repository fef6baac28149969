"""Twilio, in facts."""

from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr, model_validator

from connectors.errors import Rejected
from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.twilio.client import Twilio


class OptedOut(Rejected):
    """Who is written to has told Twilio STOP."""


class TwilioCredentials(Credentials):
    """An account, and what its messages come from."""

    account_sid: str = Field(pattern=r"^AC[0-9a-f]{32}$", description="Account SID, `AC…`.")
    auth_token: SecretStr = Field(min_length=8, description="Auth token; incoming messages are signed with it as well.")
    from_number: str | None = Field(None, pattern=r"^\+[1-9]\d{6,14}$", description="Number that messages come from, `+1…`.")
    messaging_service: str | None = Field(None, pattern=r"^MG[0-9a-f]{32}$", description="Messaging service instead of a number, `MG…`.")
    status_callback: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Address of `/v1/hooks/twilio` as Twilio reaches it, to hear what becomes of messages."
    )

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> "TwilioCredentials":
        if (self.from_number is None) == (self.messaging_service is None):
            raise ValueError("give either from_number or messaging_service")
        return self


def _open(credentials: Credentials, sandbox_url: str | None) -> "Twilio":
    from connectors.twilio.client import Twilio  # the SDK takes half a second to import

    return Twilio(TwilioCredentials.model_validate(credentials), base_url=sandbox_url)


TWILIO: Final = Vendor["Twilio"](
    name="twilio",
    title="Twilio",
    credentials=TwilioCredentials,
    open=_open,
    sandbox={"account_sid": "AC" + "0" * 32, "auth_token": "sandbox-token", "from_number": "+15005550006"},
    allowance=Allowance(per_hour=3600, burst=100),
    backoff=Backoff(),
    reader="connectors.twilio.webhooks:read_events",
    stand_in="connectors.twilio.fake:FakeTwilio",
)
