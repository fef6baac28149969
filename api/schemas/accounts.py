"""Bodies of the routes about accounts, contacts and people."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from api.schemas.parts import JsonMap
from api.schemas.runs import Body
from playbook_dsl.timing.zones import is_zone, suggest_zones
from storage.facts import plain


def _known_zone(name: str) -> str:
    if not is_zone(name):
        near = suggest_zones(name)
        raise ValueError(f'"{name}" is no time zone; {"did you mean " + near[0] + "?" if near else "write one such as Europe/Berlin"}')
    return name


Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
PersonId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)]


class ContactOut(BaseModel):
    """A person at the customer."""

    id: str = Field(examples=["C-0001-champion"])
    account: str = Field(examples=["C-0001"])
    name: str = Field(examples=["Ada Meyer"])
    email: str | None = Field(default=None, examples=["ada@example.com"])
    phone: str | None = None
    title: str | None = Field(default=None, examples=["Head of Operations"])
    roles: list[str] = Field(default_factory=list, examples=[["champion"]])
    opt_outs: list[str] = Field(default_factory=list, description="Channels this person wants nothing through.", examples=[["email"]])
    zone: str | None = Field(default=None, examples=["Europe/Berlin"])
    language: str | None = Field(default=None, examples=["de"])


class AccountOut(BaseModel):
    """An account."""

    id: str = Field(examples=["C-0001"])
    name: str = Field(examples=["ACME"])
    status: str = Field(examples=["active"])
    stage: str | None = None
    tier: str | None = Field(default=None, examples=["growth"])
    segment: str | None = None
    country: str | None = Field(default=None, examples=["DE"])
    zone: str | None = None
    currency: str | None = Field(default=None, examples=["USD"])
    mrr: Annotated[Decimal, BeforeValidator(plain)] | None = Field(default=None, examples=["56.95"])
    csm: str | None = Field(default=None, examples=["maria"])
    renewal_date: date | None = None
    tags: list[str] = Field(default_factory=list)
    custom: JsonMap = Field(default_factory=dict, examples=[{"contract": "One year"}])
    facts: JsonMap = Field(default_factory=dict, examples=[{"health": {"score": 41}}])
    updated_at: datetime


class AccountDetails(AccountOut):
    """An account with its contacts."""

    contacts: list[ContactOut]


class ChangeAccount(Body):
    """The fields to change; what is left out stays. `custom` and each of `facts` are merged into what is there."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"tier": "enterprise", "facts": {"health": {"score": 72}}, "custom": {"contract": "Two year"}}]},
    )
    name: Word | None = None
    status: Literal["trial", "active", "paused", "churned"] | None = None
    stage: Word | None = None
    tier: Word | None = None
    segment: Word | None = None
    country: Word | None = None
    zone: Zone | None = None
    currency: Currency | None = None
    mrr: Amount | None = None
    csm: PersonId | None = None
    renewal_date: date | None = None
    tags: Annotated[list[Word] | None, Field(max_length=100)] = None
    custom: JsonMap | None = None
    facts: Annotated[dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")], JsonMap] | None, Field(max_length=20)] = (
        None
    )


class PutAccount(ChangeAccount):
    """An account to make, or the fields to bring up to date."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "ACME", "tier": "growth", "mrr": "500", "currency": "EUR", "csm": "maria"}]},
    )
    name: Word


class AccountChanged(BaseModel):
    """The account as it is now, and how many plays were told."""

    account: AccountOut
    told: int = Field(description="Plays that heard of it at once; those that could not be reached hear of it later.", examples=[1])


class PutContact(Body):
    """A contact, whole."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Ada Meyer", "email": "ada@example.com", "roles": ["champion"]}]}
    )
    name: Word
    email: Email | None = None
    phone: Annotated[str | None, StringConstraints(max_length=50)] = None
    title: Word | None = None
    roles: Annotated[list[Word], Field(max_length=20)] = []
    opt_outs: Annotated[list[Word], Field(max_length=20)] = []
    zone: Zone | None = None
    language: Annotated[str | None, StringConstraints(max_length=20)] = None


class CellProblem(BaseModel):
    """What is wrong with a cell, and what to write. Without `column` it is the row as a whole."""

    column: str | None = Field(default=None, examples=["mrr"])
    value: str = Field(examples=["abc"])
    wrong: str = Field(examples=["is no amount"])
    write: str = Field(examples=["a number such as 56.95"])


class RowProblem(BaseModel):
    """One row of a file that was left out, and why."""

    line: int = Field(description="Line of the file; the header is line 1.", examples=[17])
    problems: list[CellProblem]


class ImportReport(BaseModel):
    """What came of a file of accounts. Good rows are kept even when others are bad."""

    rows: int = Field(examples=[7043])
    created: int = Field(examples=[7043])
    updated: int = Field(examples=[0])
    refused: int = Field(examples=[0])
    problems: list[RowProblem] = Field(default_factory=list, description="The first hundred rows that were refused.")
    new_fields: list[str] = Field(default_factory=list, description="Own fields that the file brought.", examples=[["contract", "tenure"]])
    left_out: list[str] = Field(default_factory=list, description="Columns that mean nothing here.")
    notes: list[str] = Field(default_factory=list, description="How the file was read, where that was not plain.")
    told: int = Field(default=0, description="Plays that heard of changed accounts.", examples=[0])


class PersonOut(BaseModel):
    """Somebody of the team."""

    id: str = Field(examples=["maria"])
    name: str = Field(examples=["Maria Keller"])
    email: str = Field(examples=["maria@example.com"])
    roles: list[str] = Field(default_factory=list, examples=[["csm"]])
    teams: list[str] = Field(default_factory=list, examples=[["emea-cs"]])
    manager: str | None = Field(default=None, examples=["tom"])
    zone: str | None = Field(default=None, examples=["Europe/Berlin"])
    active: bool = True


class PutPerson(Body):
    """Somebody of the team, whole."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Maria Keller", "email": "maria@example.com", "roles": ["csm"], "manager": "tom"}]},
    )
    name: Word
    email: Email
    roles: Annotated[list[Word], Field(max_length=20)] = []
    teams: Annotated[list[Word], Field(max_length=20)] = []
    manager: PersonId | None = None
    zone: Zone | None = None
    active: bool = True
