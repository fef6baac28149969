"""How Salesforce lets us in, and again when the access token has run out."""

import threading
from dataclasses import dataclass, field

import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Unavailable
from connectors.salesforce.session import SalesforceSession
from connectors.salesforce.vendor import SalesforceCredentials, instance_of

API_VERSION = "62.0"  # the SOAP login ends with 64
_NOT_LET_IN = "Salesforce does not accept the credentials; save new ones for the connector salesforce"
_SOAP_AWAY = frozenset({"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "INTERNAL_ERROR", "UNKNOWN_EXCEPTION_CODE"})


@dataclass(frozen=True)
class Token:
    """An access token, and the instance it is for."""

    access: str = field(repr=False)
    instance_url: str


class Login:
    """The way in. One at a time: of many calls that find the token run out together, the first gets a new one for all."""

    def __init__(self, credentials: SalesforceCredentials, session: SalesforceSession) -> None:
        """Begin with the given access token, if any."""
        self._credentials = credentials
        self._session = session
        self._lock = threading.Lock()
        given = credentials.access_token
        self._token = Token(given.get_secret_value(), credentials.instance_url) if given else None
        self._refresh_token = credentials.refresh_token

    def token(self) -> Token:
        """Give the access token, a new one when there is none yet.

        Raises:
            ConnectorError: see `renewed`.
        """
        return self._token or self.renewed(None)

    def renewed(self, old: Token | None) -> Token:
        """Give a new access token in the place of `old`, unless another call has done so meanwhile.

        Raises:
            NotAuthorized: there is no way to get one, or Salesforce refuses.
            RateLimited, Unavailable: Salesforce cannot give one now; nothing was done.
        """
        with self._lock:
            if self._token is None or self._token is old:
                try:
                    self._token = self._fetched()
                except ConnectorError as error:
                    error.maybe_done = False
                    raise
            return self._token

    def _fetched(self) -> Token:
        given = self._credentials
        if self._refresh_token is not None:
            return self._granted({"grant_type": "refresh_token", "refresh_token": self._refresh_token.get_secret_value()})
        if given.client_id and given.client_secret:
            return self._granted({"grant_type": "client_credentials"})
        if given.username and given.password and given.security_token is not None:
            return self._by_user(
                given.username.get_secret_value(), given.password.get_secret_value(), given.security_token.get_secret_value()
            )
        raise NotAuthorized(
            "the access token of Salesforce has run out, and there is nothing to get another with; save a refresh token or a client"
        )

    def _granted(self, asked: dict[str, str]) -> Token:
        """Ask the token endpoint. The SDK has no refresh grant, and makes of every trouble a refusal."""
        given = self._credentials
        for name, secret in (("client_id", given.client_id), ("client_secret", given.client_secret)):
            if secret is not None:
                asked[name] = secret.get_secret_value()
        response = self._session.ask_token(f"{given.instance_url}/services/oauth2/token", asked)
        answer = _answer(response)
        if response.status_code >= 400:
            raise _refused(response.status_code, str(answer.get("error_description") or ""))
        access, instance = answer.get("access_token"), answer.get("instance_url")
        if not isinstance(access, str) or not access:
            raise Unavailable("Salesforce's answer to the login is not one of its API")
        return Token(access, _instance(instance, given.instance_url))

    def _by_user(self, username: str, password: str, security_token: str) -> Token:
        domain = self._credentials.instance_url.removeprefix("https://").removesuffix(".salesforce.com")
        try:
            access, host = SalesforceLogin(
                username=username,
                password=password,
                security_token=security_token,
                domain=domain,
                sf_version=API_VERSION,
                session=self._session,
            )
        except SalesforceAuthenticationFailed as error:
            code = error.code
            if isinstance(code, int) or not code or code.split(":")[-1] in _SOAP_AWAY:
                raise Unavailable("Salesforce does not answer to the login") from None
            if code.endswith("REQUEST_LIMIT_EXCEEDED"):
                raise RateLimited("Salesforce takes no more requests for now") from None
            raise NotAuthorized(_NOT_LET_IN) from None
        return Token(access, _instance(f"https://{host}", self._credentials.instance_url))


def _answer(response: requests.Response) -> dict[str, object]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    if response.status_code >= 400:
        return {}
    raise Unavailable("Salesforce's answer to the login is not one of its API")


def _refused(status: int, description: str) -> ConnectorError:
    if status == 429 or "rate exceeded" in description:
        return RateLimited("Salesforce takes no more logins for now")
    if status >= 500:
        return Unavailable("Salesforce does not answer to the login")
    return NotAuthorized(_NOT_LET_IN)


def _instance(named: object, otherwise: str) -> str:
    """Give the instance the answer names, if it is one of Salesforce's: the token goes nowhere else."""
    try:
        return instance_of(str(named))
    except ValueError:
        return otherwise
