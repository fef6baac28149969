"""HubSpot, in facts."""

from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.hubspot.client import HubSpot


class HubSpotCredentials(Credentials):
    """A private app's token."""

    token: SecretStr = Field(min_length=8, description="Access token of a private app, `pat-…`.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "HubSpot":
    from connectors.hubspot.client import HubSpot  # what it imports is not needed before the first call

    return HubSpot(HubSpotCredentials.model_validate(credentials), base_url=sandbox_url)


HUBSPOT: Final = Vendor["HubSpot"](
    name="hubspot",
    title="HubSpot",
    credentials=HubSpotCredentials,
    open=_open,
    sandbox={"token": "sandbox-token"},
    allowance=Allowance(per_hour=10_000, burst=90),
    backoff=Backoff(),
    records=("company", "contact"),
    stand_in="connectors.hubspot.fake:FakeHubSpot",
)
