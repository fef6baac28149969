"""Mail through an SMTP server."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from connectors.email.mail import Mail
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable

_AUTHENTICATION = {530, 534, 535, 538}
# 421 and 45x say "later"; these two of them are how servers say "too many".
_TOO_MANY = {450, 452}


@dataclass(frozen=True)
class Smtp:
    """An SMTP server and how to speak to it. Each mail has a connection of its own: a play sends few at a time."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None
    timeout_s: float = 20.0

    async def send(self, mail: Mail) -> tuple[str, ...]:
        """Hand the mail to the server, and give the addresses it refused while it took others.

        Raises:
            ConnectorError: the server refused it or could not be reached; `maybe_done` when the connection broke while it was accepting.
        """
        message = mail.build()
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            timeout=self.timeout_s,
        )
        try:
            await self._connect(client)
            return await self._hand_over(client, message)
        finally:
            client.close()

    async def find(self, message_id: str) -> None:
        """SMTP cannot be asked for a mail that was sent."""
        return None

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
            if self.user and self.password:
                await client.login(self.user, self.password)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _named(error, maybe_done=False) from error

    @staticmethod
    async def _hand_over(client: aiosmtplib.SMTP, message: EmailMessage) -> tuple[str, ...]:
        try:
            refused, _ = await client.send_message(message)
            return tuple(refused)
        except aiosmtplib.SMTPResponseException as error:
            # The server said no, so it has not taken the mail.
            raise _named(error, maybe_done=False) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _named(error, maybe_done=True) from error


def _refused(error: aiosmtplib.SMTPRecipientsRefused) -> ConnectorError:
    first = error.recipients[0]
    return _named(first, maybe_done=False)


def _named(error: Exception, *, maybe_done: bool) -> ConnectorError:
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return Unavailable(f"the mail server does not answer: {error}", maybe_done=maybe_done)
    said = f"the mail server answered {error.code}: {error.message}"
    if error.code in _AUTHENTICATION:
        return NotAuthorized(said)
    if error.code in _TOO_MANY:
        return RateLimited(said)
    return Rejected(said) if error.code >= 500 else Unavailable(said, maybe_done=maybe_done)
