"""How Salesforce is reached: one kept session with time-outs, whose answers are ours or one of the four errors."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, error_for_status, pause_of
from connectors.requests_made import note_request

Options: TypeAlias = Any
"""Whatever `requests` takes."""

SOAP_LOGIN: Final = "/services/Soap/u/"

_BY_CODE: Final[Mapping[str, type[ConnectorError]]] = {
    "API_CURRENTLY_DISABLED": NotAuthorized,
    "API_DISABLED_FOR_ORG": NotAuthorized,
    "QUERY_TIMEOUT": Unavailable,
    "REQUEST_LIMIT_EXCEEDED": RateLimited,
    "SERVER_UNAVAILABLE": Unavailable,
    "UNABLE_TO_LOCK_ROW": Unavailable,
}


class SessionExpired(NotAuthorized):
    """The access token ran out. Whoever holds the login gets a new one and asks again."""


class SalesforceSession(requests.Session):
    """A session that never waits for ever, reads no environment, and raises before the SDK does.

    The SDK keeps of a refused request neither the headers nor whether it may have been done.
    """

    def __init__(self, timeout_s: float, sandbox_url: str | None) -> None:
        """Wait so long for each part of an answer. With `sandbox_url` every request goes there, whatever it asks for."""
        super().__init__()
        self._timeout_s = timeout_s
        self.trust_env = False  # REQUESTS_CA_BUNDLE and proxies of the environment would count more than what we say
        if sandbox_url:
            self.mount("https://", _ToSandbox(sandbox_url))
            self.mount("http://", _ToSandbox(sandbox_url))

    def request(self, method: str, url: str | bytes, *args: Options, **kwargs: Options) -> requests.Response:
        """Send a request.

        Raises:
            ConnectorError: there is no answer, or it is an error.
        """
        if SOAP_LOGIN not in str(url):
            note_request()
        response = self._sent(method, url, *args, **kwargs)
        if response.status_code >= 300 and SOAP_LOGIN not in str(url):
            raise error_of(response)
        return response

    def ask_token(self, url: str, form: Mapping[str, str]) -> requests.Response:
        """Post to the token endpoint, whose errors have a form of their own: they are given as they are.

        Raises:
            Unavailable: there is no answer.
        """
        return self._sent("POST", url, data=dict(form))

    def _sent(self, method: str, url: str | bytes, *args: Options, **kwargs: Options) -> requests.Response:
        kwargs.setdefault("timeout", self._timeout_s)
        kwargs.setdefault("allow_redirects", False)  # the token is for this host alone
        try:
            return super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise _unreached(error) from None  # its text shows the address, and with it what was looked for


class _ToSandbox(HTTPAdapter):
    """Sends to the stand-in what is meant for Salesforce: the SDK makes https of every address, and drops the path of the instance's."""

    def __init__(self, sandbox_url: str) -> None:
        super().__init__()
        self._base = sandbox_url.rstrip("/")

    def send(self, request: requests.PreparedRequest, *args: Options, **kwargs: Options) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


def _unreached(error: requests.RequestException) -> Unavailable:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    never_sent = isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
    return Unavailable(f"Salesforce does not answer ({type(error).__name__})", maybe_done=not never_sent)


def error_of(response: requests.Response) -> ConnectorError:
    """Give the error a refused request stands for. Salesforce answers a list of `{errorCode, message}`."""
    status = response.status_code
    code, message = _said(response)
    text = f"Salesforce: {message or f'it answered with status {status}'}" + (f" ({code})" if code else "")
    retry_after = response.headers.get("Retry-After")
    if code == "INVALID_SESSION_ID":
        return SessionExpired("Salesforce does not know the session any more")
    if code.startswith("INSUFFICIENT_ACCESS"):
        return NotAuthorized(text)
    kind = _BY_CODE.get(code)
    if kind is RateLimited:
        return RateLimited(text, pause_of(retry_after))
    if kind is not None:
        return kind(text)  # these are said before anything is done, or after it was rolled back
    if status < 400:
        return Rejected(_several(status))
    return error_for_status(status, text, retry_after=retry_after) or Unavailable(text)


def _several(status: int) -> str:
    if status == 300:
        return "Salesforce: several records have this external id; make the field unique"
    return f"Salesforce: it answered with status {status}; give the address your Salesforce has now"


def _said(response: requests.Response) -> tuple[str, str]:
    """Give code and message of an error's body, both empty when it has another form."""
    try:
        body = response.json()
    except ValueError:
        return "", ""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return "", ""
    code, message = first.get("errorCode") or "", first.get("message") or ""
    return str(code)[:80], str(message)[:400]
