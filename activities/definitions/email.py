"""`email.send`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Owner, Recipient, Written


class SendEmailInput(ActionInput):
    """A mail to send: a template, or subject and body."""

    to: Annotated[Recipient, Field(description="Who gets it: `champion`, `primary_contact`, `all(champion)`, an address or a contact.")]
    template: Annotated[str | None, Written("template"), Field(description="The message template.")] = None
    subject: Annotated[str | None, Field(max_length=500, description="Its subject; wins over the template's.")] = None
    body: Annotated[str | None, Field(max_length=100_000, description="Its text in Markdown; wins over the template's.")] = None
    from_: Annotated[Owner, Field(alias="from", description="Whose name and address it bears; without one the product's.")] = None
    cc: Annotated[Recipient, Field(description="Who gets a copy.")] = None


class EmailOutput(ActionOutput):
    """The mail that left. `status` changes when more is heard of it."""

    message_id: str
    to: list[str]
    subject: str
    sent_at: datetime
    status: Literal["sent", "delivered", "opened", "replied", "bounced"] = "sent"


EMAIL_SEND = ActionContract(
    name="email.send",
    title="Send an e-mail",
    effect="irreversible",
    inputs=SendEmailInput,
    outputs=EmailOutput,
    sends="email",
    live=True,
    internal=False,
    policy="at_most_once",
    timeout_s=60.0,
    help="Sends a mail to people at the customer. Who opted out never gets one.",
)
