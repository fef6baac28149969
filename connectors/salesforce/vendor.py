"""Salesforce, in facts."""

import re
from typing import TYPE_CHECKING, Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.salesforce.client import Salesforce

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.salesforce\.com")
_PAGES: Final = ".lightning.force.com"


def instance_of(url: str) -> str:
    """Give the address of an organisation's instance from any address of its pages.

    Raises:
        ValueError: it is none of Salesforce's: a token must not go anywhere else.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    if host.endswith(_PAGES):
        host = host.removesuffix(_PAGES) + ".my.salesforce.com"
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "https" or parts.username or port not in (None, 443) or not _HOST.fullmatch(host):
        raise ValueError("write the address of your Salesforce, such as https://acme.my.salesforce.com")
    return f"https://{host}"


class SalesforceCredentials(Credentials):
    """The organisation's address, and one of the ways in.

    A refresh token with its client; a client alone (client credentials); a user with password and security token; or an access token by
    itself, which nobody renews when it runs out.
    """

    instance_url: Annotated[
        str,
        AfterValidator(instance_of),
        Field(description="Your Salesforce, `https://acme.my.salesforce.com`; what follows the host is ignored."),
    ]
    access_token: SecretStr | None = Field(None, min_length=1, description="Access token, used until it runs out.")
    refresh_token: SecretStr | None = Field(None, min_length=1, description="Refresh token of the connected app.")
    client_id: SecretStr | None = Field(None, min_length=1, description="Consumer key of the connected app.")
    client_secret: SecretStr | None = Field(None, min_length=1, description="Consumer secret of the connected app.")
    username: SecretStr | None = Field(None, min_length=1, description="User name, where no connected app can be had.")
    password: SecretStr | None = Field(None, min_length=1, description="The user's password.")
    security_token: SecretStr | None = Field(None, description="The user's security token.")
    external_id_field: str = Field(
        "Playkeeper_Key__c",
        max_length=80,
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        description="The unique external id field that holds our key in objects that have one.",
    )

    @model_validator(mode="after")
    def _let_in(self) -> Self:
        if self.refresh_token and not self.client_id:
            raise ValueError("a refresh_token needs the client_id of its connected app")
        by_client = self.client_id and (self.client_secret or self.refresh_token)
        by_user = self.username and self.password and self.security_token is not None
        if not (self.access_token or by_client or by_user):
            raise ValueError(
                "give a client_id with its client_secret or a refresh_token, or username, password and security_token, or an access_token"
            )
        return self


def _open(credentials: Credentials, sandbox_url: str | None) -> "Salesforce":
    from connectors.salesforce.client import Salesforce  # the SDK takes half a second to import

    return Salesforce(SalesforceCredentials.model_validate(credentials), base_url=sandbox_url)


SALESFORCE: Final = Vendor["Salesforce"](
    name="salesforce",
    title="Salesforce",
    credentials=SalesforceCredentials,
    open=_open,
    sandbox={
        "instance_url": "https://sandbox.my.salesforce.com/",
        "access_token": "00Dsandbox!first",
        "refresh_token": "sandbox-refresh",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    },
    allowance=Allowance(per_hour=1000, burst=1500),
    backoff=Backoff(attempts=5, first_s=2, growth="exponential"),
    records=("Account", "Contact", "Opportunity"),
    stand_in="connectors.salesforce.fake:FakeSalesforce",
)
