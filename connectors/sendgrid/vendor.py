"""SendGrid, in facts."""

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, SecretStr

from connectors.errors import Rejected
from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.sendgrid.client import SendGrid


class Suppressed(Rejected):
    """Everybody the mail is for bounced, complained or unsubscribed before."""


class SendGridCredentials(Credentials):
    """An API key, and how the account sends. The verification key is no secret at SendGrid; it is kept like one all the same."""

    api_key: SecretStr = Field(min_length=8, description="API key, `SG.…`, that may send mail and read suppressions.")
    webhook_key: SecretStr | None = Field(None, description="Verification key of the signed event webhook, to hear what becomes of mails.")
    sender: str | None = Field(
        None,
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="Verified address that every mail leaves from; replies go to whom the step names. Without one the step's own address.",
    )
    unsubscribe_group: int | None = Field(None, gt=0, description="Id of the unsubscribe group that mails belong to.")
    sandbox_mode: bool = Field(False, description="SendGrid checks mails and delivers none.")
    activity: bool = Field(False, description="Whether the plan has the Email Activity API, by which a mail in doubt is looked up.")
    region: Literal["global", "eu"] = Field("global", description="Where the account is.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "SendGrid":
    from connectors.sendgrid.client import SendGrid  # the SDK takes a while to import

    return SendGrid(SendGridCredentials.model_validate(credentials), base_url=sandbox_url)


SENDGRID: Final = Vendor["SendGrid"](
    name="sendgrid",
    title="SendGrid",
    credentials=SendGridCredentials,
    open=_open,
    sandbox={"api_key": "SG.sandbox"},
    allowance=Allowance(per_hour=10_000, burst=600),
    backoff=Backoff(),
    reader="connectors.sendgrid.webhooks:read_events",
    stand_in="connectors.sendgrid.fake:FakeSendGrid",
)
