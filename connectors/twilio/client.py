"""Twilio through its own SDK, which blocks. Its errors forget the answer's headers, so statuses become ours where they arrive."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from connectors.blocking import in_thread_counting
from connectors.errors import Unavailable, error_for_status
from connectors.requests_made import note_request
from connectors.twilio.vendor import OptedOut, TwilioCredentials

TIMEOUT_S = 20.0
_URL: Final = "https://api.twilio.com"
_UNSUBSCRIBED: Final = 21610
TwilioMessage: TypeAlias = Any
"""A message as the SDK gives it."""


class Twilio:
    """One account of Twilio."""

    def __init__(self, credentials: TwilioCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for Twilio."""
        self._given = credentials
        self._wire = _Wire(base_url)
        self._client = Client(credentials.account_sid, credentials.auth_token.get_secret_value(), http_client=self._wire)

    async def verify(self) -> str:
        """Read the account."""
        account = await self._asked(self._client.api.v2010.accounts(self._given.account_sid).fetch)
        return f"{account.friendly_name} ({account.status})"

    async def close(self) -> None:
        """Let the kept connections go."""
        self._wire.session.close()

    async def send(self, to: str, body: str) -> TwilioMessage:
        """Send a text message. Twilio has no idempotency key: doing it twice sends two.

        Raises:
            OptedOut: the number told Twilio STOP.
        """
        given = self._given
        source = {"from_": given.from_number} if given.from_number else {"messaging_service_sid": given.messaging_service}
        if given.status_callback:
            source["status_callback"] = given.status_callback
        return await self._asked(lambda: self._client.messages.create(to=to, body=body, **source))

    async def find(self, to: str, body: str, since: datetime) -> TwilioMessage | None:
        """Give the message with this text that was made for this number since then, if Twilio has one."""
        # Twilio filters by day and lists the newest first.
        day = since.replace(hour=0, minute=0, second=0, microsecond=0)
        found = await self._asked(lambda: self._client.messages.list(to=to, date_sent_after=day, limit=100))
        begun = since - timedelta(seconds=5)
        return next((each for each in found if each.body == body and each.date_created and _aware(each.date_created) >= begun), None)

    async def _asked(self, call: Callable[[], TwilioMessage]) -> TwilioMessage:
        try:
            return await in_thread_counting("Twilio", TIMEOUT_S + 5, call)
        except requests.exceptions.ConnectTimeout as error:
            raise Unavailable("Twilio cannot be reached") from error
        except requests.RequestException as error:
            raise Unavailable(f"Twilio did not finish its answer: {type(error).__name__}", maybe_done=True) from error
        except (TwilioException, ValueError, TypeError, KeyError) as error:
            raise Unavailable("Twilio's answer is not one of its API", maybe_done=True) from error


class _Wire(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Sends for the SDK, to the sandbox if there is one, and turns refusals into ours."""

    def __init__(self, base_url: str | None) -> None:
        super().__init__(timeout=TIMEOUT_S)
        self._base_url = base_url
        self.session.trust_env = False

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        """Send one request; a list may need several, one for each page."""
        note_request()
        answer = super().request(method, url.replace(_URL, self._base_url) if self._base_url else url, *args, **kwargs)
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, answer.text, answer.headers or {})
        return answer


def _refusal(status: int, text: str, headers: Mapping[str, str]) -> Exception:
    try:
        told = json.loads(text)
    except ValueError:
        told = {}
    said = str(told.get("message") or f"status {status}") if isinstance(told, dict) else f"status {status}"
    if isinstance(told, dict) and told.get("code") == _UNSUBSCRIBED:
        return OptedOut("the number has told Twilio STOP")
    error = error_for_status(status, f"Twilio: {said[:300]}", retry_after=headers.get("Retry-After"))
    return error or Unavailable(f"Twilio: {said[:300]}")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
