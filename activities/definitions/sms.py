"""`sms.send`."""

from typing import Annotated, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Recipient, Written
from connectors.twilio.vendor import TWILIO


class SendSmsInput(ActionInput):
    """A text message to send: a template, or a text."""

    to: Annotated[Recipient, Field(description="Who gets it: `champion`, `primary_contact`, a number such as `+4930123456`, a contact.")]
    template: Annotated[str | None, Written("template"), Field(description="The message template.")] = None
    text: Annotated[str | None, Field(min_length=1, max_length=1600, description="What it says; wins over the template's.")] = None


class SmsOutput(ActionOutput):
    """The message that left. `status` changes when more is heard of it."""

    message_id: str
    to: str
    status: Literal["sent", "delivered", "failed"] = "sent"


SMS_SEND = ActionContract(
    name="sms.send",
    title="Send a text message",
    effect="irreversible",
    inputs=SendSmsInput,
    outputs=SmsOutput,
    sends="sms",
    live=True,
    internal=False,
    policy="at_most_once",
    retry=TWILIO.backoff.as_retry(),
    help="Sends a text message to a person at the customer. Who opted out, here or by answering STOP, never gets one.",
)
