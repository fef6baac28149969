"""What every connector says of its vendor, without importing the vendor's SDK: credentials, limits, and how to connect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from connectors.errors import NotAuthorized
from playbook_dsl.plan import Retry
from playbook_dsl.values import Json


class Credentials(BaseModel):
    """What a team pastes to be let in. Secrets are `SecretStr`: printing credentials does not show them."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class CredentialsMalformed(NotAuthorized):
    """Credentials that have not the form the vendor's have, or are the sandbox's outside of it.

    The message does not repeat them; `fields` says what is wrong with which.
    """

    def __init__(self, message: str, fields: Mapping[str, str]) -> None:
        """Keep what is wrong, by field."""
        super().__init__(message)
        self.fields = fields


class VendorClient(Protocol):
    """What every client can do; the rest is its vendor's own."""

    async def verify(self) -> str:
        """Make a real call that changes nothing, and say in a few words whose account it is.

        Raises:
            ConnectorError: the credentials are wrong, or the vendor cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...


@dataclass(frozen=True)
class Allowance:
    """How many calls a tenant may make to a vendor, all workers together: `burst` at once, then `per_hour`."""

    per_hour: int
    burst: int

    @property
    def interval(self) -> timedelta:
        """The pause between two calls when the burst is used up."""
        return timedelta(hours=1) / self.per_hour


@dataclass(frozen=True)
class Backoff:
    """How attempts at a step are repeated when its author says nothing: pauses grow as `growth` says, from `first_s` to `at_most_s`."""

    attempts: int = 5
    first_s: float = 2.0
    growth: Literal["exponential", "linear", "fixed"] = "exponential"
    at_most_s: float = 300.0

    def as_retry(self) -> Retry:
        """Give it as plans have it."""
        factor = 2.0 if self.growth == "exponential" else 1.0
        growth: Literal["exponential", "linear"] = "linear" if self.growth == "linear" else "exponential"
        return Retry(attempts=self.attempts, first_s=self.first_s, factor=factor, at_most_s=self.at_most_s, growth=growth)


ClientT = TypeVar("ClientT", bound=VendorClient)


@dataclass(frozen=True)
class Vendor(Generic[ClientT]):
    """A vendor.

    `open` makes a client of credentials; its second argument is where the sandbox stands in for the vendor, None for the vendor itself.
    `sandbox` are credentials the sandbox takes. `breaks_after` failures in a row open the circuit for the tenant. `records` are the kinds
    its client can give to a sync (`connectors.records.Source`). `reader` is where its incoming events are read, as `module:function`
    (`connectors.incoming.Reader`), imported when the first one comes. `stand_in` is its stand-in in the sandbox, in the same form.
    """

    name: str
    title: str
    credentials: type[Credentials]
    open: Callable[[Credentials, str | None], ClientT] = field(repr=False)
    sandbox: Mapping[str, str]
    allowance: Allowance
    backoff: Backoff = Backoff()
    breaks_after: int = 5
    records: tuple[str, ...] = ()
    reader: str | None = None
    stand_in: str | None = None

    def read_credentials(self, given: object) -> Credentials:
        """Check the form of credentials.

        Raises:
            CredentialsMalformed: see there.
        """
        try:
            return self.credentials.model_validate(given)
        except ValidationError as error:
            wrong = {".".join(map(str, each["loc"])) or "credentials": each["msg"] for each in error.errors()}
            raise CredentialsMalformed(
                f"the credentials of {self.title} are not complete or have too much: {', '.join(wrong)}", wrong
            ) from None

    def read_usable(self, given: object, *, in_sandbox: bool) -> Credentials:
        """Check the form of credentials, and that none of their secrets is the sandbox's where there is no sandbox: everybody knows those.

        Raises:
            CredentialsMalformed: see there.
        """
        credentials = self.read_credentials(given)
        known = {} if in_sandbox or not self.sandbox else _published(self.read_credentials(dict(self.sandbox)), credentials)
        if known:
            raise CredentialsMalformed(f"the credentials of {self.title} are the sandbox's: {', '.join(known)}; save your own", known)
        return credentials

    def connect(self, given: object, sandbox_url: str | None) -> ClientT:
        """Make a client of credentials; `sandbox_url` is where the stand-ins of all vendors listen, each below its name.

        Raises:
            CredentialsMalformed: see there.
        """
        credentials = self.read_usable(given, in_sandbox=sandbox_url is not None)
        return self.open(credentials, f"{sandbox_url}/{self.name}" if sandbox_url else None)


def _published(sandbox: Credentials, given: Credentials) -> dict[str, str]:
    """Give what is wrong with each secret that is one of the sandbox's."""
    everybodys = {_bare(value) for _, value in sandbox if isinstance(value, SecretStr)}
    mine = {name: _bare(value) for name, value in given if isinstance(value, SecretStr)}
    return {name: "is the sandbox's, which everybody knows" for name, value in mine.items() if value in everybodys}


def _bare(secret: SecretStr) -> str:
    """Give a secret without the mark that the Standard Webhooks rules let everybody leave out."""
    return secret.get_secret_value().removeprefix("whsec_")


def secrets_of(credentials: Credentials) -> dict[str, Json]:
    """Give credentials with their secrets in the open, to be sealed at once."""
    given = credentials.model_dump(exclude_none=True)
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in given.items()}
