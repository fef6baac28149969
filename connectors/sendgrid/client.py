"""SendGrid through its own SDK, which blocks, waits for ever unless told otherwise, and logs keys and addresses when debugging."""

import asyncio
import http.client
import json
import urllib.error
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.message import Message
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from connectors.blocking import in_thread
from connectors.email.mail import Mail, Mailbox
from connectors.errors import ConnectorError, NotAuthorized, Unavailable, error_for_status
from connectors.sendgrid.vendor import SendGridCredentials, Suppressed

TIMEOUT_S = 20.0
_HOSTS: Final = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_LONGEST_CATEGORY: Final = 255
_NOBODY: Final = "nobody@example.com"
Answer: TypeAlias = Any
"""An answer of SendGrid as plain JSON."""


class SendGrid:
    """One account of SendGrid, which is a way of sending mail (`connectors.email.mail.Mailer`)."""

    def __init__(self, credentials: SendGridCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for SendGrid."""
        self._given = credentials
        self._api = SendGridAPIClient(credentials.api_key.get_secret_value(), host=base_url or _HOSTS[credentials.region]).client

    def __repr__(self) -> str:
        """Name it; the SDK inside holds the key as text."""
        return "SendGrid()"

    async def verify(self) -> str:
        """Read what the key may do, and try what is read before every mail.

        Raises:
            NotAuthorized: the key is wrong, may not send or may not read suppressions, or the verification key is not one.
        """
        scopes = _list_of(_fields(await self._get("scopes")).get("scopes"))
        if "mail.send" not in scopes:
            raise NotAuthorized("the API key may not send mail; give it the permission Mail Send")
        await self.suppressed([_NOBODY])
        if self._given.webhook_key is not None and not await asyncio.to_thread(_is_key, self._given.webhook_key.get_secret_value()):
            raise NotAuthorized("webhook_key is no verification key; copy it from Mail Settings, Event Webhook, Signature Verification")
        return f"key with {len(scopes)} permissions" + (", sandbox mode" if self._given.sandbox_mode else "")

    async def close(self) -> None:
        """Nothing is kept open: the SDK connects for every call."""

    async def send(self, mail: Mail) -> tuple[str, ...]:
        """Send it to those who may get it, and give the addresses of the others.

        SendGrid has no idempotency key: doing it twice sends two.

        Raises:
            Suppressed: nobody it is for may get it, and nothing was sent.
        """
        addresses = list(dict.fromkeys(box.address for box in (*mail.to, *mail.cc)))
        barred = await self.suppressed(addresses)
        to = [box for box in mail.to if box.address not in barred]
        if not to:
            raise Suppressed(
                "nobody to write to: SendGrid has noted of every recipient that mail bounced, or was complained of or unwanted"
            )
        await self._hand_over(self._body(mail, to, [box for box in mail.cc if box.address not in barred]))
        return tuple(barred)

    async def find(self, message_id: str) -> bool | None:
        """Look the mail up where the plan can; one that is not there may only not be listed yet, so nobody can tell."""
        if not self._given.activity:
            return None
        query = f"(unique_args['message_id']=\"{message_id}\")"
        found = _fields(await self._get("messages", limit=1, query=query))
        return True if _list_of(found.get("messages")) else None

    async def suppressed(self, addresses: Iterable[str]) -> list[str]:
        """Give those of the addresses SendGrid would not deliver to: they bounced, complained or unsubscribed."""
        asked = list(addresses)
        answers = await asyncio.gather(*(self._barred(address) for address in asked))
        barred = {address for address, is_barred in zip(asked, answers, strict=True) if is_barred}
        if self._given.unsubscribe_group is not None and asked:
            found = await self._post(f"asm/groups/{self._given.unsubscribe_group}/suppressions/search", {"recipient_emails": asked})
            left = {str(each).lower() for each in _list_of(found)}
            barred |= {address for address in asked if address.lower() in left}
        return [address for address in asked if address in barred]

    async def _barred(self, address: str) -> bool:
        name = quote(address, safe="@")
        bounced = _list_of(await self._get(f"suppression/bounces/{name}"))
        complained = _list_of(await self._get(f"suppression/spam_reports/{name}"))
        left = _fields(await self._get(f"asm/suppressions/global/{name}"))
        return bool(bounced or complained or left.get("recipient_email"))

    def _body(self, mail: Mail, to: list[Mailbox], cc: list[Mailbox]) -> Answer:
        given = self._given
        sender, reply_to = mail.sender, mail.reply_to
        if given.sender is not None and given.sender.lower() != sender.address.lower():
            sender, reply_to = Mailbox(given.sender, sender.name), reply_to or sender
        # SendGrid refuses a mail that has an address twice.
        seen: set[str] = set()
        envelope = {"to": _once(to, seen), "cc": _once(cc, seen), "custom_args": {"message_id": mail.message_id}}
        body = {
            "personalizations": [{name: value for name, value in envelope.items() if value}],
            "from": _box(sender),
            "reply_to": _box(reply_to) if reply_to is not None else None,
            "subject": " ".join(mail.subject.split()),
            "content": [{"type": "text/plain", "value": mail.text}, {"type": "text/html", "value": mail.html}],
            "headers": {"Message-ID": f"<{mail.message_id}>"},
            "categories": list(dict.fromkeys(each[:_LONGEST_CATEGORY] for each in mail.categories))[:10],
            "asm": {"group_id": given.unsubscribe_group} if given.unsubscribe_group is not None else None,
            "mail_settings": {"sandbox_mode": {"enable": True}} if given.sandbox_mode else None,
        }
        return {name: value for name, value in body.items() if value}

    async def _hand_over(self, body: Answer) -> None:
        status, _ = await _asked(lambda: self._api.mail.send.post(request_body=body, timeout=TIMEOUT_S))
        # A mail that is only checked is answered with 200, one that was taken with 202.
        if status != (200 if self._given.sandbox_mode else 202):
            raise Unavailable("SendGrid's answer is not one of its API", maybe_done=True)

    async def _get(self, path: str, **query: str | int) -> Answer:
        return _json((await _asked(lambda: self._api._(path).get(query_params=query or None, timeout=TIMEOUT_S)))[1])

    async def _post(self, path: str, body: Answer) -> Answer:
        return _json((await _asked(lambda: self._api._(path).post(request_body=body, timeout=TIMEOUT_S)))[1])


async def _asked(call: Callable[[], Answer]) -> tuple[int, bytes]:
    """Await a call of the SDK; its errors become ours."""
    try:
        answer = await in_thread("SendGrid", TIMEOUT_S + 5, call)
    except HTTPError as error:
        raise _ours(error) from None  # the SDK's own shows the answer
    except urllib.error.URLError as error:
        # Raised before the request was out completely.
        raise Unavailable("SendGrid cannot be reached") from error
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"SendGrid did not finish its answer: {type(error).__name__}", maybe_done=True) from error
    return answer.status_code, answer.body


def _ours(error: HTTPError) -> ConnectorError:
    headers = error.headers if isinstance(error.headers, Message) else Message()
    if error.status_code == 401:
        return NotAuthorized("SendGrid does not accept the key; save a new one for the connector sendgrid")
    message = f"SendGrid: {_said(error.body) or f'status {error.status_code}'}"
    pause = headers.get("Retry-After") or _until(headers.get("X-RateLimit-Reset"))
    return error_for_status(error.status_code, message, retry_after=pause) or Unavailable(message, maybe_done=True)


def _until(reset: str | None) -> str | None:
    """Give the seconds until a time that is said in seconds since 1970, which is SendGrid's own way."""
    if reset is None or not reset.strip().isdigit():
        return None
    return str(max(0, int(reset) - int(datetime.now(UTC).timestamp())))


def _said(body: bytes) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    errors = told.get("errors") if isinstance(told, dict) else None
    said = [str(each.get("message")) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return "; ".join(said)[:300]


def _json(body: bytes) -> Answer:
    try:
        return json.loads(body) if body else None
    except ValueError as error:
        raise Unavailable("SendGrid's answer is not one of its API", maybe_done=True) from error


def _fields(answer: Answer) -> dict[str, Answer]:
    if not isinstance(answer, dict):
        raise Unavailable("SendGrid's answer is not one of its API", maybe_done=True)
    return answer


def _list_of(answer: Answer) -> list[Answer]:
    if not isinstance(answer, list):
        raise Unavailable("SendGrid's answer is not one of its API", maybe_done=True)
    return answer


def _box(mailbox: Mailbox) -> dict[str, str]:
    return {"email": mailbox.address, "name": mailbox.name} if mailbox.name else {"email": mailbox.address}


def _once(mailboxes: list[Mailbox], seen: set[str]) -> list[dict[str, str]]:
    boxes = []
    for mailbox in mailboxes:
        if mailbox.address.lower() not in seen:
            seen.add(mailbox.address.lower())
            boxes.append(_box(mailbox))
    return boxes


def _is_key(text: str) -> bool:
    from connectors.sendgrid.webhooks import verifier_of

    return verifier_of(text) is not None
