"""How requests leave the SDK: once, straight to a stand-in on this machine, and without a word in the log."""

import logging
from email.message import Message
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient

from connectors.errors import Unavailable, error_for_status

# The SDK logs what it sends and gets; texts are nobody's but the reader's.
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SILENT: Final = logging.Logger("connectors.slack.silent", logging.CRITICAL + 1)


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str) -> None:
        """Follow none: the token would go along."""


class Wire(WebClient):
    """The SDK's client. It does not repeat anything by itself: a repeated message would be a second one."""

    def __init__(self, token: str, base_url: str | None, *, timeout_s: float) -> None:
        """Prepare; nothing is called yet."""
        super().__init__(
            token=token,
            base_url=base_url or WebClient.BASE_URL,
            timeout=timeout_s,  # type: ignore[arg-type]  # parts of seconds are fine
            retry_handlers=[],
            logger=_SILENT,
        )
        # The SDK would send requests for the loopback to the machine's proxy as well.
        here = urlsplit(self.base_url).hostname in _HERE
        self._opener = build_opener(ProxyHandler({}) if here else ProxyHandler(), _NoRedirects())

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # as the SDK has it
        try:
            with self._opener.open(req, timeout=self.timeout) as answer:
                return {"status": answer.status, "headers": answer.headers, "body": answer.read().decode(errors="replace")}
        except HTTPError as error:
            error.close()
            raise _refusal(error.code, error.headers.get("Retry-After")) from None


def _refusal(status: int, retry_after: str | None) -> Exception:
    said = f"Slack: status {status}"
    return error_for_status(status, said, retry_after=retry_after) or Unavailable(said)
