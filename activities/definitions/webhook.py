"""`webhook.emit`."""

from typing import Annotated

from pydantic import Field

from activities.contracts import JsonTree
from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Written
from connectors.webhook.vendor import WEBHOOK


class EmitWebhookInput(ActionInput):
    """A message for your own systems."""

    type: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=100, description="What it is about, such as `risk.raised`.")
    ]
    data: Annotated[dict[str, JsonTree], Written("fields"), Field(default_factory=dict, description="What else is to be known of it.")]


class EmittedOutput(ActionOutput):
    """The message that was sent; its id is the `webhook-id`."""

    message_id: str


WEBHOOK_EMIT = ActionContract(
    name="webhook.emit",
    title="Tell your own systems",
    effect="irreversible",
    inputs=EmitWebhookInput,
    outputs=EmittedOutput,
    internal=False,
    policy="at_least_once",
    retry=WEBHOOK.backoff.as_retry(),
    help="Sends a message, signed by the Standard Webhooks rules, to your endpoint. One sent again has the same `webhook-id`.",
)
