"""Slack, in facts."""

from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.slack.client import Slack


class SlackCredentials(Credentials):
    """A bot of a workspace."""

    bot_token: SecretStr = Field(min_length=8, description="Bot token of the app, `xoxb-…`.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "Slack":
    from connectors.slack.client import Slack  # the SDK takes a while to import

    return Slack(SlackCredentials.model_validate(credentials), base_url=sandbox_url)


SLACK: Final = Vendor["Slack"](
    name="slack",
    title="Slack",
    credentials=SlackCredentials,
    open=_open,
    sandbox={"bot_token": "xoxb-sandbox"},
    allowance=Allowance(per_hour=3600, burst=60),
    backoff=Backoff(),
    stand_in="connectors.slack.fake:FakeSlack",
)
