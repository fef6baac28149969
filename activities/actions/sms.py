"""`sms.send`."""

import asyncio
from datetime import UTC, datetime

from activities.budget import Reached, reached_json, reached_of
from activities.connections import Connections
from activities.definitions.sms import SMS_SEND, SendSmsInput, SmsOutput
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.failures import BadInput, Nobody
from activities.messages import render
from activities.reading import output_of, read_inputs
from activities.recipients import resolve_recipients
from connectors.errors import Rejected
from connectors.twilio.vendor import TWILIO, OptedOut
from storage.session import Session

MOST_CHARACTERS = 1600


class SendSms(ExternalAction):
    """Sends a text message."""

    contract = SMS_SEND
    vendor = TWILIO

    def __init__(self, connections: Connections) -> None:
        """Send through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs | Outcome:
        """Choose who gets it, and render the text."""
        inputs = read_inputs(SendSmsInput, work.call)
        found = await resolve_recipients(session, work.run.account, inputs.to, channel="sms")
        if not found.recipients:
            if work.call.if_nobody == "skip":
                return Outcome({}, skipped=True, note=f"nobody to write to: {found.why_nobody}")
            raise Nobody(f"nobody to write to: {found.why_nobody}")
        reader = found.recipients[0]
        text = await asyncio.to_thread(_text, work, inputs, reader.name)
        reached = [reached_json(session, "sms", reader.contact, reader.address, reader.name)]
        return {"to": reader.address, "text": text, "at": datetime.now(UTC).isoformat(), "reached": reached}

    def reached(self, request: Inputs) -> tuple[Reached, ...]:
        """Give the one it goes to."""
        return reached_of(request.get("reached"))

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Hand it to Twilio."""
        client = await self._connections.client(work.run.tenant, TWILIO)
        try:
            made = await client.send(request["to"], request["text"])
        except OptedOut:
            if work.call.if_nobody != "skip":
                raise Rejected("nobody to write to: the number has answered STOP") from None
            return Outcome({}, skipped=True, note="nobody to write to: the number has answered STOP")
        return _sent(made.sid, request)

    async def find(self, work: Work, request: Inputs) -> Outcome | None:
        """Look for a message with this text to this number. One that is not there may only not be listed yet: nobody can tell."""
        client = await self._connections.client(work.run.tenant, TWILIO)
        made = await client.find(request["to"], request["text"], datetime.fromisoformat(request["at"]))
        return _sent(made.sid, request) if made is not None else None


def _text(work: Work, inputs: SendSmsInput, name: str) -> str:
    message, text = work.call.message, inputs.text
    if text is None and message is not None:
        first = name.split()[0] if name else "there"
        text = render(message.name, message.body, {**work.call.context, "recipient": {"name": name, "first_name": first}}).strip()
    if not text:
        raise BadInput(f'step "{work.call.key}" names no template, so it needs "text"')
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            f'the text message of step "{work.call.key}" has {len(text)} characters on this account; at most {MOST_CHARACTERS} fit'
        )
    return text


def _sent(message_id: str, request: Inputs) -> Outcome:
    output = SmsOutput(message_id=message_id, to=request["to"])
    return Outcome(output_of(output), vendor_id=message_id, live=f"sms:{message_id}")
