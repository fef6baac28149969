from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from cli.dev.server import free_port
from connectors.email.mail import Mail, Mailbox
from connectors.email.outbox import FolderOutbox
from connectors.email.smtp import Smtp
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable

MAIL = Mail(
    message_id="abc123@acme.example",
    sender=Mailbox("maria@acme.example", "María López"),
    to=(Mailbox("ann@customer.example", "Ann, Head of IT"),),
    subject="Grüße\r\nBcc: evil@x.example",
    text="Hello **Ann**",
    html="<p>Hello <strong>Ann</strong></p>",
    at=datetime(2026, 11, 23, 9, tzinfo=UTC),
)


class Post:
    """An SMTP server that answers what it is told to."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.mails: list[bytes] = []
        self.unknown: set[str] = set()

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        answer = self.answers.get("RCPT", "250 OK") if address not in self.unknown else "550 no such user"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.get("DATA", "250 OK")
        if answer == "drop":
            self._keep(envelope)
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            return "421 gone"
        if answer.startswith("2"):
            self._keep(envelope)
        return answer

    def _keep(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)


@pytest.fixture
def post() -> Iterator[tuple[Post, Smtp]]:
    handler = Post()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, Smtp("127.0.0.1", port, security="none", timeout_s=5)
    controller.stop()


async def test_a_mail_arrives_with_both_forms_and_its_own_id(post: tuple[Post, Smtp]) -> None:
    server, smtp = post
    await smtp.send(MAIL)

    message = message_from_bytes(server.mails[0], policy=policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert message["Message-ID"] == "<abc123@acme.example>"
    assert (message["From"], message["To"]) == ("María López <maria@acme.example>", '"Ann, Head of IT" <ann@customer.example>')
    assert (message["Subject"], message["Bcc"]) == ("Grüße Bcc: evil@x.example", None)
    assert (text.get_content().strip(), html.get_content().strip()) == (MAIL.text, MAIL.html)


async def test_a_recipient_that_is_refused_does_not_keep_the_others_from_getting_it(post: tuple[Post, Smtp]) -> None:
    server, smtp = post
    server.unknown.add("bob@customer.example")
    refused = await smtp.send(replace(MAIL, to=(*MAIL.to, Mailbox("bob@customer.example"))))

    assert (refused, len(server.mails)) == (("bob@customer.example",), 1)


ANSWERS = {
    "451 at the end of the data": ("DATA", "451 try again later", Unavailable, False),
    "554 at the end of the data": ("DATA", "554 no spam please", Rejected, False),
    "452 at a recipient": ("RCPT", "452 too many recipients", RateLimited, False),
    "550 at a recipient": ("RCPT", "550 no such user", Rejected, False),
    "530 at the sender": ("MAIL", "530 authentication required", NotAuthorized, False),
    "421 at the sender": ("MAIL", "421 closing", Unavailable, False),
    "a connection that breaks while it takes the mail": ("DATA", "drop", Unavailable, True),
}


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_becomes_the_error_that_says_what_to_do(
    post: tuple[Post, Smtp], case: tuple[str, str, type[ConnectorError], bool]
) -> None:
    server, smtp = post
    command, answer, error, maybe_done = case
    server.answers[command] = answer

    with pytest.raises(error) as caught:
        await smtp.send(MAIL)

    assert caught.value.maybe_done is maybe_done


async def test_a_server_that_is_away_has_surely_not_taken_the_mail() -> None:
    with pytest.raises(Unavailable) as caught:
        await Smtp("127.0.0.1", free_port(), security="none", timeout_s=2).send(MAIL)

    assert caught.value.maybe_done is False


async def test_the_outbox_keeps_every_sending_and_gives_it_back(tmp_path: Path) -> None:
    outbox = FolderOutbox(tmp_path / "outbox")
    before = await outbox.find(MAIL.message_id)
    await outbox.send(MAIL)
    await outbox.send(MAIL)
    kept = await outbox.read()

    assert (before, await outbox.find(MAIL.message_id), await outbox.find("other@x")) == (False, True, False)
    assert [(mail.message_id, mail.subject, mail.text.strip()) for mail in kept] == [
        (MAIL.message_id, "Grüße Bcc: evil@x.example", "Hello **Ann**")
    ] * 2


async def test_something_that_is_no_address_is_refused(tmp_path: Path) -> None:
    broken = replace(MAIL, to=(Mailbox("ann at customer"),))

    with pytest.raises(Rejected, match="is not an e-mail address"):
        await FolderOutbox(tmp_path).send(broken)
