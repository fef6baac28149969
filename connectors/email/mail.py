"""A mail as every way of sending takes it."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from connectors.errors import Rejected


@dataclass(frozen=True)
class Mailbox:
    """A name and an address."""

    address: str
    name: str = ""

    def header(self) -> Address:
        """Give the form headers take.

        Raises:
            Rejected: the address is not one.
        """
        try:
            return Address(display_name=_one_line(self.name), addr_spec=self.address)
        except (ValueError, IndexError) as error:
            raise Rejected(f'"{self.address}" is not an e-mail address') from error


@dataclass(frozen=True)
class Mail:
    """One mail. `message_id` (without angle brackets) is chosen by the sender, so that the same mail has the same one.

    `categories` are for the statistics of ways of sending that keep some.
    """

    message_id: str
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    text: str
    html: str
    at: datetime
    cc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None
    categories: tuple[str, ...] = ()

    def build(self) -> EmailMessage:
        """Give the MIME message.

        Raises:
            Rejected: an address is not one.
        """
        message = EmailMessage()
        message["Message-ID"] = f"<{self.message_id}>"
        message["Date"] = format_datetime(self.at)
        message["From"] = self.sender.header()
        message["To"] = [mailbox.header() for mailbox in self.to]
        if self.cc:
            message["Cc"] = [mailbox.header() for mailbox in self.cc]
        if self.reply_to is not None:
            message["Reply-To"] = self.reply_to.header()
        message["Subject"] = _one_line(self.subject)
        message.set_content(self.text)
        message.add_alternative(self.html, subtype="html")
        return message


class Mailer(Protocol):
    """A way of sending mail."""

    async def send(self, mail: Mail) -> tuple[str, ...]:
        """Send it, and give the addresses that were refused while others were taken.

        Raises:
            ConnectorError: it could not be sent, or (`maybe_done`) nobody knows.
        """
        ...

    async def find(self, message_id: str) -> bool | None:
        """Say whether a mail with this id has left; None when this way of sending cannot tell."""
        ...


def _one_line(text: str) -> str:
    """Give the text without line breaks: in a header they would begin another header."""
    return " ".join(text.split())
