"""Sends signed messages to the endpoint of a team's own systems."""

import json
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import httpx
from standardwebhooks import Webhook

from connectors.errors import Rejected, Unavailable
from connectors.http.client import WebAnswer, WebClient, problem_of
from connectors.requests_made import note_request
from connectors.webhook.vendor import WebhookCredentials

TIMEOUT_S = 15.0
PING: Final = "playkeeper.ping"
Message: TypeAlias = dict[str, Any]
"""What is sent, as plain JSON: `type`, `timestamp` and `data`, as the rules recommend, and the account."""


class WebhookSender:
    """One endpoint. Its own web client goes to public hosts only, or to the sandbox."""

    def __init__(self, credentials: WebhookCredentials, sandbox_url: str | None = None) -> None:
        """Prepare; nothing is called yet."""
        self._credentials = credentials
        self._sandbox_url = sandbox_url
        private = frozenset({httpx.URL(sandbox_url).host}) if sandbox_url else frozenset()
        self._web = WebClient(timeout_s=TIMEOUT_S, private_hosts=private, reads_json=False)

    async def verify(self) -> str:
        """Send a ping, which an endpoint takes and does nothing with; it is an ordinary signed message.

        Raises:
            ConnectorError: the endpoint cannot be reached, or refuses the signature.
        """
        now = datetime.now(UTC)
        await self.emit(f"ping_{now:%Y%m%d%H%M%S%f}", {"type": PING, "timestamp": now.isoformat(), "data": {}})
        return self._host

    async def emit(self, message_id: str, message: Message, *, through: WebClient | None = None) -> None:
        """Send a message; one that was sent before has the same id, by which the endpoint knows it.

        Args:
            message_id: the `webhook-id`.
            message: what is sent.
            through: a client with the operator's rules on hosts; the sandbox is reached without it.

        Raises:
            ConnectorError: the endpoint did not take it.
        """
        now = datetime.now(UTC)
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self._credentials.secret.get_secret_value()).sign(message_id, now, body),
        }
        web = self._web if self._sandbox_url or through is None else through
        url = f"{self._sandbox_url}/" if self._sandbox_url else self._credentials.url.get_secret_value()
        note_request()
        self._check(await web.request("POST", url, headers=headers, body=body, key=message_id))

    async def close(self) -> None:
        """Let go of nothing: connections are not kept."""

    @property
    def _host(self) -> str:
        return httpx.URL(self._credentials.url.get_secret_value()).host

    def _check(self, answer: WebAnswer) -> None:
        """Take only what a receiver would say: a redirect was not followed, and a page is a proxy's or a sign-in's."""
        problem = problem_of(WebAnswer(answer.status, "", answer.retry_after), self._host)
        if problem is not None:
            raise problem
        if answer.status >= httpx.codes.MULTIPLE_CHOICES:
            raise Rejected(f"{self._host} answered {answer.status}; save the endpoint's final address, redirects are not followed")
        if answer.text.lstrip()[:9].lower().startswith(("<html", "<!doctype")):
            raise Unavailable(f"{self._host} answered with a web page, not as an endpoint of webhooks does", maybe_done=True)
