"""Salesforce through simple-salesforce, which blocks: every call runs in a thread, and none longer than its time-out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

from simple_salesforce.api import Salesforce as Sdk
from simple_salesforce.api import SFType
from simple_salesforce.exceptions import SalesforceError
from simple_salesforce.format import format_external_id

from connectors.blocking import in_thread_counting
from connectors.errors import NotAuthorized, Rejected, Unavailable
from connectors.records import Record, RecordPage
from connectors.salesforce.bulk import BulkJobs
from connectors.salesforce.changes import Position, read_moment, read_position
from connectors.salesforce.login import API_VERSION, Login, Token
from connectors.salesforce.session import SalesforceSession, SessionExpired
from connectors.salesforce.soql import (
    MOST_ROWS,
    BadQuery,
    Condition,
    SoqlValue,
    field_path,
    flat,
    object_name,
    read_condition,
    record_id,
    select,
)
from connectors.salesforce.vendor import SalesforceCredentials

TIMEOUT_S = 20.0
T = TypeVar("T")
SalesforceRecord: TypeAlias = dict[str, Any]
"""A record's fields by API name; those behind a relationship by their dotted name."""

_FIELDS_KEPT_S: Final = 600.0
_LONGEST_SELECT: Final = 8_000
_SYNCED: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": (
        *(
            "Name",
            "AccountNumber",
            "Type",
            "Industry",
            "AnnualRevenue",
            "NumberOfEmployees",
            "Website",
            "Phone",
            "BillingCountry",
            "ParentId",
        ),
        *("OwnerId", "Owner.Name", "Owner.Email", "CreatedDate", "LastModifiedDate"),
    ),
    "Contact": (
        *("AccountId", "FirstName", "LastName", "Name", "Email", "Phone", "MobilePhone", "Title", "HasOptedOutOfEmail"),
        *("OwnerId", "Owner.Email", "CreatedDate", "LastModifiedDate"),
    ),
    "Opportunity": (
        *("AccountId", "Name", "StageName", "Amount", "CurrencyIsoCode", "CloseDate", "Probability", "Type", "IsClosed", "IsWon"),
        *("OwnerId", "Owner.Email", "CreatedDate", "LastModifiedDate"),
    ),
}


@dataclass(frozen=True)
class FieldFacts:
    """What an object's description says of a field."""

    name: str
    type: str
    createable: bool
    external_id: bool


class Salesforce:
    """One organisation at Salesforce, a `connectors.records.Source`."""

    def __init__(self, credentials: SalesforceCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for Salesforce."""
        self.external_id_field: Final = credentials.external_id_field
        self._session = SalesforceSession(TIMEOUT_S, base_url)
        self._login = Login(credentials, self._session)
        self._sdk: tuple[Token, Sdk] | None = None
        self._fields: dict[str, tuple[float, Mapping[str, FieldFacts]]] = {}
        self.bulk: Final = BulkJobs(self._ask)

    async def verify(self) -> str:
        """Read whose organisation it is."""
        found = await self.query(select("Organization", ["Name", "IsSandbox"], limit=1))
        if not found:
            raise NotAuthorized("the user of Salesforce may not read its organisation")
        return f"{found[0]['Name']}{' (a sandbox of Salesforce)' if found[0]['IsSandbox'] else ''}"

    async def close(self) -> None:
        """Let the kept connections go."""
        self._session.close()

    async def query(self, soql: str, *, deleted: bool = False) -> list[SalesforceRecord]:
        """Give the records a query finds; its LIMIT bounds how many. With `deleted` those in the recycle bin too."""
        return (await self._ask(lambda sdk: _rows(sdk.query(soql, include_deleted=deleted), sdk)))[0]

    async def find(
        self,
        object_: str,
        fields: Sequence[str],
        where: Mapping[str, SoqlValue],
        *,
        order_by: Sequence[str] = (),
        limit: int = MOST_ROWS,
    ) -> list[SalesforceRecord]:
        """Give records by conditions as authors write them: `{"StageName": "Won", "Amount >=": 1000}`.

        Raises:
            BadQuery: a name or a value cannot stand in a query; nothing was sent.
        """
        conditions = [read_condition(name, value) for name, value in where.items()]
        return await self.query(select(object_, fields, conditions, order_by=order_by, limit=limit))

    async def record(self, object_: str, id_: str, fields: Sequence[str]) -> SalesforceRecord:
        """Give fields of a record.

        Raises:
            Rejected: there is none with this id.
        """
        found = await self.query(select(object_, ["Id", *fields], [Condition("Id", "=", record_id(id_))], limit=1))
        if not found:
            raise Rejected(f"Salesforce has no {object_} with the id {id_}, or its user may not see it")
        return found[0]

    async def fields(self, object_: str) -> Mapping[str, FieldFacts]:
        """Give the fields of an object that the user may see, as they were at most ten minutes ago."""
        known = self._fields.get(object_)
        if known is None or time.monotonic() - known[0] > _FIELDS_KEPT_S:
            described = await self._ask(lambda sdk: _type(sdk, object_).describe()["fields"])
            found = {
                each["name"]: FieldFacts(each["name"], each["type"], bool(each["createable"]), bool(each.get("externalId")))
                for each in described
            }
            known = self._fields[object_] = (time.monotonic(), found)
        return known[1]

    async def create(self, object_: str, values: SalesforceRecord) -> str:
        """Make a record, and give its id. Salesforce does not know a repeated request: see `upsert`."""
        made: str = await self._ask(lambda sdk: _type(sdk, object_).create(values)["id"])
        return made

    async def update(self, object_: str, id_: str, values: SalesforceRecord) -> None:
        """Set fields of a record."""
        status = await self._ask(lambda sdk: _type(sdk, object_).update(record_id(id_), values))
        if status != 204:
            raise Unavailable("Salesforce's answer is not one of its API", maybe_done=True)

    async def upsert(self, object_: str, field: str, value: str, values: SalesforceRecord) -> tuple[str, bool]:
        """Make or change the record with this value of an external id field; give its id and whether it was made.

        Raises:
            BadQuery: the value cannot stand in an address.
        """
        if value.strip(". ") == "":
            raise BadQuery(f'"{value}" cannot be an external id')
        path = format_external_id(field_path(field), value)
        answer = await self._ask(lambda sdk: _type(sdk, object_).upsert(path, values, raw_response=True).json())
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
            raise Unavailable("Salesforce's answer is not one of its API", maybe_done=True)
        return answer["id"], bool(answer.get("created"))

    async def delete(self, object_: str, id_: str) -> None:
        """Put a record into the recycle bin."""
        status = await self._ask(lambda sdk: _type(sdk, object_).delete(record_id(id_)))
        if status != 204:
            raise Unavailable("Salesforce's answer is not one of its API", maybe_done=True)

    async def changed(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give records that changed, oldest change first, deleted ones marked; see `connectors.records.Source`."""
        position = read_position(cursor) if cursor else Position(datetime(1970, 1, 1, tzinfo=UTC))
        asked_at = datetime.now(UTC)
        names = await self._synced(kind)
        soql = select(
            kind, ["Id", "SystemModstamp", "IsDeleted", *names], [position.condition()], order_by=["SystemModstamp", "Id"], limit=limit
        )
        rows, done = await self._ask(lambda sdk: _page(sdk.query(soql, include_deleted=True)))
        more = len(rows) >= limit or not done
        if rows:
            position = position.beyond(read_moment(rows[-1]["SystemModstamp"]), rows[-1]["Id"], more=more, asked_at=asked_at)
        elif position.back is not None:
            position = Position(min(position.at, position.back))
        return RecordPage(tuple(Record(kind, row["Id"], row, deleted=bool(row["IsDeleted"])) for row in rows), position.written(), more)

    async def _synced(self, kind: str) -> list[str]:
        """Give the fields a sync reads: the usual ones and the organisation's own, as many as an address may hold."""
        there = await self.fields(kind)
        usual = [name for name in _SYNCED.get(kind, ()) if name in there or ("." in name and f"{name.partition('.')[0]}Id" in there)]
        own = sorted(name for name, facts in there.items() if name.endswith("__c") and facts.type not in ("base64", "location"))
        names, length = [], 0
        for name in [*usual, *own]:
            length += len(name) + 2
            if length > _LONGEST_SELECT:
                break
            names.append(name)
        return names

    async def _ask(self, call: Callable[[Sdk], T]) -> T:
        # Three requests at most: the call, the login, the call again.
        return await in_thread_counting("Salesforce", 4 * TIMEOUT_S, self._let_in, call)

    def _let_in(self, call: Callable[[Sdk], T]) -> T:
        token = self._login.token()
        try:
            return _plain(call, self._of(token))
        except SessionExpired:
            token = self._login.renewed(token)
        try:
            return _plain(call, self._of(token))
        except SessionExpired:
            raise NotAuthorized("Salesforce does not take its own new access token; look at the connected app's policies") from None

    def _of(self, token: Token) -> Sdk:
        known = self._sdk
        if known is not None and known[0] is token:
            return known[1]
        # Given a token, the SDK logs in nowhere and renews nothing by itself: its own renewal forgets headers, and bulk jobs have none.
        made = Sdk(
            session_id=token.access, instance_url=token.instance_url, session=self._session, version=API_VERSION, object_pairs_hook=dict
        )
        self._sdk = (token, made)
        return made


def _plain(call: Callable[[Sdk], T], sdk: Sdk) -> T:
    """Make a call; what is no answer of the API becomes one of the four errors, as everything else did in the session."""
    try:
        return call(sdk)
    except (SalesforceError, LookupError, AttributeError, TypeError, ValueError):
        raise Unavailable("Salesforce's answer is not one of its API", maybe_done=True) from None


def _type(sdk: Sdk, object_: str) -> SFType:
    # Not as an attribute of the SDK: `sdk.query` would be something else than an object named query.
    return SFType(
        object_name(object_),
        sdk.session_id,
        sdk.sf_instance,
        sf_version=API_VERSION,
        session=sdk.session,
        object_pairs_hook=dict,
    )


def _page(answer: SalesforceRecord) -> tuple[list[SalesforceRecord], bool]:
    return [flat(each) for each in answer["records"]], bool(answer["done"])


def _rows(answer: SalesforceRecord, sdk: Sdk) -> tuple[list[SalesforceRecord], bool]:
    rows, done = _page(answer)
    while not done:
        answer = sdk.query_more(answer["nextRecordsUrl"], identifier_is_url=True)
        page, done = _page(answer)
        rows += page
    return rows, done
