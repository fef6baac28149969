"""`email.send`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from activities.budget import Reached, reached_json, reached_of
from activities.connections import Connections
from activities.contracts import JsonTree
from activities.definitions.email import EMAIL_SEND, EmailOutput, SendEmailInput
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.failures import BadInput, Nobody
from activities.messages import markdown_to_html, render
from activities.owners import resolve_owner
from activities.reading import output_of, read_inputs
from activities.recipients import Recipient, resolve_recipients
from connectors.email.mail import Mail, Mailbox, Mailer
from connectors.sendgrid.vendor import SENDGRID, Suppressed
from connectors.vendor import Vendor
from storage.repositories.connections import find_connection
from storage.session import Session


class SendEmail(ExternalAction):
    """Sends a mail to people at the customer: through the tenant's SendGrid if there is one, else as the installation sends.

    Which way a mail goes is settled with its request, so that a mail in doubt is looked for where it was sent.
    """

    contract = EMAIL_SEND

    def __init__(self, mailer: Mailer, sender: str, connections: Connections) -> None:
        """Send with `mailer` or a connection.

        `sender` is the address of mails whose step names none, and its domain stands in message ids.
        """
        self._mailer = mailer
        self._sender = sender
        self._connections = connections

    async def vendor_for(self, session: Session, request: JsonTree) -> Vendor[Any] | None:
        """Count a mail against SendGrid when it goes that way."""
        if isinstance(request, dict):
            return SENDGRID if _is_by_sendgrid(request) else None
        return SENDGRID if await find_connection(session, SENDGRID.name) is not None else None

    async def prepare(self, session: Session, work: Work) -> Inputs | Outcome:
        """Choose recipients and sender, and render the message."""
        inputs = read_inputs(SendEmailInput, work.call)
        found = await resolve_recipients(session, work.run.account, inputs.to, channel="email")
        if not found.recipients:
            if work.call.if_nobody == "skip":
                return Outcome({}, skipped=True, note=f"nobody to write to: {found.why_nobody}")
            raise Nobody(f"nobody to write to: {found.why_nobody}")
        copies = await resolve_recipients(session, work.run.account, inputs.cc, channel="email") if inputs.cc else None
        sender = await self._sender_of(session, work, inputs.from_)
        # Rendering is pure computing; in a thread it does not hold up the worker's other activities.
        names = {"recipient": _reader(found.recipients), "sender": {"name": sender["name"], "email": sender["address"]}}
        subject, text = await asyncio.to_thread(_texts, work, inputs, names)
        return {
            "via": SENDGRID.name if await self.vendor_for(session, None) is not None else None,
            "message_id": f"{work.object_id}@{self._sender.rpartition('@')[2] or 'localhost'}",
            "to": [_box(recipient) for recipient in found.recipients],
            "cc": [_box(recipient) for recipient in copies.recipients] if copies else [],
            "from": sender,
            "subject": subject,
            "text": text,
            "html": markdown_to_html(text),
            "at": datetime.now(UTC).isoformat(),
            "reached": [
                reached_json(session, "email", one.contact, one.address, one.name)
                for one in (*found.recipients, *(copies.recipients if copies else ()))
            ],
            "categories": [work.run.playbook, work.call.key],
        }

    def reached(self, request: Inputs) -> tuple[Reached, ...]:
        """Give everybody it goes to, those who get a copy included."""
        return reached_of(request.get("reached"))

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Hand the mail over."""
        mailer = await self._mailer_of(work, request)
        try:
            return _sent(request, refused=await mailer.send(_mail(request)))
        except Suppressed as error:
            if work.call.if_nobody == "skip":
                return Outcome({}, skipped=True, note=str(error))
            raise

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """Look the mail up by its id, where the way of sending can."""
        mailer = await self._mailer_of(work, request)
        found = await mailer.find(str(request["message_id"]))
        return _sent(request) if found else found

    async def _mailer_of(self, work: Work, request: Inputs) -> Mailer:
        return await self._connections.client(work.run.tenant, SENDGRID) if _is_by_sendgrid(request) else self._mailer

    async def _sender_of(self, session: Session, work: Work, spec: JsonTree) -> dict[str, str]:
        if not spec:
            return {"address": self._sender, "name": ""}
        person = await resolve_owner(session, work.run.account, spec)
        return {"address": person.email, "name": person.name}


def _reader(recipients: Sequence[Recipient]) -> dict[str, JsonTree]:
    """Give `recipient` as message templates read it; a letter to several greets them all."""
    known = [recipient.name for recipient in recipients if recipient.name]
    firsts = [name.split()[0] for name in known]
    greeted = " and ".join([", ".join(firsts[:-1]), firsts[-1]] if len(firsts) > 1 else firsts)
    return {"name": ", ".join(known), "first_name": greeted or "there", "email": recipients[0].address}


def _texts(work: Work, inputs: SendEmailInput, names: dict[str, JsonTree]) -> tuple[str, str]:
    message, context = work.call.message, {**work.call.context, **names}
    subject, body = inputs.subject, inputs.body
    if message is not None:
        subject = render(message.name, message.subject, context) if subject is None else subject
        body = render(message.name, message.body, context) if body is None else body
    if not subject or not body:
        raise BadInput(f'step "{work.call.key}" names no template, so it needs both "subject" and "body"')
    return " ".join(subject.split()), body


def _is_by_sendgrid(request: Inputs) -> bool:
    return request.get("via") == SENDGRID.name


def _box(recipient: Recipient) -> dict[str, str]:
    return {"address": recipient.address, "name": recipient.name}


def _mail(request: Inputs) -> Mail:
    return Mail(
        message_id=request["message_id"],
        sender=Mailbox(**request["from"]),
        to=tuple(Mailbox(**box) for box in request["to"]),
        cc=tuple(Mailbox(**box) for box in request["cc"]),
        subject=request["subject"],
        text=request["text"],
        html=request["html"],
        at=datetime.fromisoformat(request["at"]),
        categories=tuple(request.get("categories", ())),
    )


def _sent(request: Inputs, *, refused: tuple[str, ...] = ()) -> Outcome:
    message_id = request["message_id"]
    output = EmailOutput(
        message_id=message_id,
        to=[box["address"] for box in request["to"] if box["address"] not in refused],
        subject=request["subject"],
        sent_at=datetime.fromisoformat(request["at"]),
    )
    # The addresses stay out of the note, which is kept as readable text: those that were reached are in the output.
    note = f"the mail service refused {len(refused)} of {len(request['to']) + len(request['cc'])} addresses" if refused else None
    return Outcome(output_of(output), vendor_id=message_id, live=f"mail:{message_id}", note=note)
