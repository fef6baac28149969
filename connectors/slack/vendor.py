"""Slack, in facts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from connectors.errors import NotAuthorized
from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.slack.client import Slack


class HistoryClosed(NotAuthorized):
    """The app cannot read the conversation, so nobody can tell whether a message is in it."""


@dataclass(frozen=True)
class Posted:
    """A message that is there."""

    channel: str
    ts: str


class SlackCredentials(Credentials):
    """An app that is installed in a workspace."""

    bot_token: SecretStr = Field(min_length=8, description="Bot user OAuth token of the app, `xoxb-…`.")
    signing_secret: SecretStr | None = Field(
        None,
        min_length=8,
        description="The app's signing secret; with it, who is asked for approval may answer in Slack, and replies are heard.",
    )


def _open(credentials: Credentials, sandbox_url: str | None) -> "Slack":
    from connectors.slack.client import Slack  # the SDK takes a while to import

    return Slack(SlackCredentials.model_validate(credentials), base_url=sandbox_url)


SLACK: Final = Vendor["Slack"](
    name="slack",
    title="Slack",
    credentials=SlackCredentials,
    open=_open,
    sandbox={"bot_token": "xoxb-sandbox", "signing_secret": "sandbox-signing-secret"},
    allowance=Allowance(per_hour=3600, burst=60),
    backoff=Backoff(),
    reader="connectors.slack.webhooks:read_events",
    stand_in="connectors.slack.fake:FakeSlack",
)
