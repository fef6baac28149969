"""`slack.*`: messages to teams and colleagues."""

from typing import Annotated, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Owner
from connectors.slack.vendor import SLACK

Text = Annotated[str, Field(min_length=1, max_length=12_000, description="What it says, in Slack's Markdown.")]


class PostInput(ActionInput):
    """A message for a channel."""

    channel: Annotated[str, Field(min_length=1, max_length=100, description='The channel: `"#renewals"`, or its id.')]
    text: Text


class DirectInput(ActionInput):
    """A message for one of us."""

    to: Annotated[Owner, Field(description="Who gets it: `csm`, a role, a person; found in Slack by e-mail address.")]
    text: Text


class PostedOutput(ActionOutput):
    """The message that was posted. `status` changes when somebody answers in its thread."""

    channel: str
    ts: str
    status: Literal["posted", "replied"] = "posted"


SLACK_POST = ActionContract(
    name="slack.post",
    title="Post in Slack",
    effect="compensable",
    inputs=PostInput,
    outputs=PostedOutput,
    undo="deletes the message; who has read it has read it",
    internal=False,
    live=True,
    policy="at_most_once",
    retry=SLACK.backoff.as_retry(),
    help="Posts a message in a channel that the app is a member of.",
)
SLACK_DM = ActionContract(
    name="slack.dm",
    title="Write to a colleague in Slack",
    effect="compensable",
    inputs=DirectInput,
    outputs=PostedOutput,
    undo="deletes the message; who has read it has read it",
    internal=False,
    live=True,
    policy="at_most_once",
    retry=SLACK.backoff.as_retry(),
    help="Writes to the owner, or whoever of us is named.",
)
SLACK_CONTRACTS = (SLACK_POST, SLACK_DM)
