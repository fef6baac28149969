"""A stand-in for Salesforce: records in memory, SOQL of the shape we send, external ids, the login, and bulk jobs."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.salesforce.fake_bulk import FakeBulk
from connectors.salesforce.fake_schema import CLOSED, KEYS, OBJECTS, PREFIXES, READ_ONLY, STARTS_AS
from connectors.salesforce.fake_soql import MalformedQuery, Query, Row, read_query, stamp
from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]
"""JSON of the API."""
Value: TypeAlias = Any
"""Whatever a field holds."""
BATCH: Final = 2_000
_INVENTED: Final = re.compile(r"([A-Za-z0-9]{3})[A-Za-z0-9]*sandbox[A-Za-z0-9]*")
_DATA: Final = "/services/data/{version}"
_INSTANCE: Final = "https://sandbox.my.salesforce.com"


class Refused(Exception):
    """A refusal in Salesforce's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = [{"errorCode": code, "message": message}]
        self.status = status


class FakeSalesforce(Fake):
    """An organisation with accounts, contacts, opportunities, tasks, cases and users."""

    name = "salesforce"

    def __init__(self) -> None:
        """Begin with one user and nobody's data."""
        self.schema: dict[str, dict[str, str]] = {name: dict(fields) for name, fields in OBJECTS.items()}
        self.keys: dict[str, set[str]] = {name: set(KEYS.get(name, ())) for name in OBJECTS}
        for name, keys in self.keys.items():
            self.schema[name] |= dict.fromkeys(keys, "string")
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in OBJECTS}
        self.tokens = {"00Dsandbox!first"}
        self.refresh_tokens = {"sandbox-refresh"}
        self.clients = {"sandbox-client": "sandbox-secret"}
        self.users = {"sandbox@acme.example": "secret" + "TOKEN"}
        self.now: datetime | None = None
        self.bulk = FakeBulk(self)
        self._number = 0
        self._rest: dict[str, tuple[Query, list[Row]]] = {}
        super().__init__()
        self.add("Organization", Name="Playkeeper's sandbox", IsSandbox=True)
        self.user = self.add("User", Name="Integration", Email="integration@acme.example", IsActive=True)

    def routes(self) -> list[BaseRoute]:
        """Give the part of the API that the connector uses."""
        return [
            Route("/services/oauth2/token", self._grant, methods=["POST"]),
            Route("/services/Soap/u/{version}", self._soap_login, methods=["POST"]),
            Route(f"{_DATA}/{{which:str}}/", self._query),
            Route(f"{_DATA}/query/{{rest}}", self._more),
            Route(f"{_DATA}/sobjects/{{object}}/describe", self._describe),
            Route(f"{_DATA}/sobjects/{{object}}/", self._create, methods=["POST"]),
            Route(f"{_DATA}/sobjects/{{object}}/{{id}}", self._one, methods=["PATCH", "DELETE"]),
            Route(f"{_DATA}/sobjects/{{object}}/{{field}}/{{value:path}}", self._upsert, methods=["PATCH"]),
            *self.bulk.routes(f"{_DATA}/jobs/ingest"),
        ]

    def add(self, object_: str, **fields: Value) -> str:  # whatever the object has
        """Make a record as a person would, and give its id."""
        self._number += 1
        id_ = fields.pop("Id", None) or f"{PREFIXES[object_]}{self._number:012d}AAA"
        at = self._stamp()
        owner = {} if object_ in ("User", "Organization") else {"OwnerId": self.user}
        row = {**dict.fromkeys(self.schema[object_]), **owner, **STARTS_AS.get(object_, {}), **fields}
        self.rows[object_][id_] = {**row, "Id": id_, "IsDeleted": False, "CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
        self._derive(object_, self.rows[object_][id_])
        return id_

    def change(self, object_: str, id_: str, **fields: Value) -> None:  # whatever the object has
        """Change a record as a person would."""
        row = self.rows[object_][id_]
        row.update(fields, LastModifiedDate=self._stamp(), SystemModstamp=self._stamp())
        self._derive(object_, row)

    def remove(self, object_: str, id_: str) -> None:
        """Put a record into the recycle bin."""
        self.change(object_, id_, IsDeleted=True)

    def there(self, object_: str) -> list[Row]:
        """Give the records that are not deleted."""
        return [row for row in self.rows[object_].values() if not row["IsDeleted"]]

    def expire(self) -> None:
        """Let every access token run out."""
        self.tokens.clear()

    def settle(self, object_: str, values: Object, id_: str | None) -> str:
        """Make or change a record as a request asks.

        Raises:
            Refused: a field is unknown or not to be written.
        """
        for name in values:
            if self.invents and name.endswith("__c"):
                self.schema[object_].setdefault(name, "string")
            if name not in self.schema[object_]:
                raise Refused(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {object_}")
            if name in READ_ONLY:
                raise Refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to create/update fields: {name}")
        told = ", ".join(f"{name}: {value}" for name, value in values.items() if name not in self.keys[object_])
        if id_ is None:
            id_ = self.add(object_, **{name: _stored(self.schema[object_][name], value) for name, value in values.items()})
            self.landed.append(Landed(f"{object_} made, {told}", id_))
        else:
            self.change(object_, id_, **{name: _stored(self.schema[object_][name], value) for name, value in values.items()})
            self.landed.append(Landed(f"{object_} changed, {told}", id_))
        return id_

    def by_key(self, object_: str, field: str, value: str) -> str | None:
        """Give the id of the record with this external id.

        Raises:
            Refused: the field is no external id, or several records have it.
        """
        if field not in self.keys.get(object_, ()):
            raise Refused(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}")
        found = [row["Id"] for row in self.there(object_) if str(row.get(field)).lower() == value.lower()]
        if len(found) > 1:
            raise Refused(300, "", "several")
        return found[0] if found else None

    def refusal(self, request: Request) -> Response | None:
        """Refuse who has no token."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens:
            return None
        return JSONResponse([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)

    async def _grant(self, request: Request) -> Response:
        form = await request.form()
        client = str(form.get("client_id"))
        if self.clients.get(client) != form.get("client_secret"):
            return JSONResponse({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        if form.get("grant_type") == "refresh_token" and form.get("refresh_token") not in self.refresh_tokens:
            return JSONResponse({"error": "invalid_grant", "error_description": "expired access/refresh token"}, 400)
        return JSONResponse({"access_token": self._let_in(), "instance_url": _INSTANCE, "token_type": "Bearer"})

    async def _soap_login(self, request: Request) -> Response:
        text = (await request.body()).decode()
        user, secret = (re.search(f"<n1:{name}>(.*?)</n1:{name}>", text) for name in ("username", "password"))
        if not user or not secret or self.users.get(user[1]) != secret[1]:
            fault = "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>Invalid username</sf:exceptionMessage>"
            return Response(f'<e xmlns:sf="urn:fault.partner.soap.sforce.com">{fault}</e>', 500, media_type="text/xml")
        body = f"<sessionId>{self._let_in()}</sessionId><serverUrl>{_INSTANCE}/services/Soap/u/62.0/00D</serverUrl>"
        return Response(f"<result>{body}</result>", media_type="text/xml")

    def _let_in(self) -> str:
        self._number += 1
        token = f"00Dsandbox!{self._number}"
        self.tokens.add(token)
        return token

    async def _query(self, request: Request) -> Response:
        which = request.path_params["which"]
        if which not in ("query", "queryAll"):
            return _no_resource()
        refusal = self.refusal(request)
        if refusal is not None:
            return refusal
        try:
            query = read_query(request.query_params["q"])
            found = self._found(query, deleted=which == "queryAll")
        except MalformedQuery as error:
            return JSONResponse([{"errorCode": "MALFORMED_QUERY", "message": str(error)}], 400)
        except Refused as refused:
            return JSONResponse(refused.answer, refused.status)
        return self._batch(query, found)

    def _found(self, query: Query, *, deleted: bool) -> list[Row]:
        if query.object not in self.rows:
            raise Refused(400, "INVALID_TYPE", f"sObject type '{query.object}' is not supported.")
        if self.invents:
            self._invent(query)
        for path in (*query.fields, *query.filtered, *(path for path, _ in query.order)):
            self._check(query.object, path, filtered=path in query.filtered)
        rows: Iterable[Row] = self.rows[query.object].values()
        found = [row for row in rows if (deleted or not row["IsDeleted"]) and query.test(row, self._value)]
        for path, descending in reversed(query.order):
            found.sort(key=lambda row, path=path: _sortable(self._value(row, path)), reverse=descending)  # type: ignore[misc]  # mypy: default
        return found[: query.limit]

    def _check(self, object_: str, path: str, *, filtered: bool) -> None:
        head, _, rest = path.partition(".")
        fields = self.schema[object_]
        if rest and f"{head}Id" in fields:
            return
        if rest or path not in fields:
            if self.invents and path.endswith("__c"):
                return
            raise Refused(400, "INVALID_FIELD", f"No such column '{path}' on entity '{object_}'.")
        if filtered and fields[path] == "textarea":
            raise Refused(400, "INVALID_FIELD", f"field '{path}' can not be filtered in a query call")

    def _value(self, row: Row, path: str) -> Value:  # whatever the field holds
        head, _, rest = path.partition(".")
        if not rest:
            return row.get(path)
        id_ = row.get(f"{head}Id")
        behind = next((rows[id_] for rows in self.rows.values() if id_ in rows), None)
        return self._value(behind, rest) if behind else None

    def _batch(self, query: Query, found: list[Row]) -> Response:
        answer: Object = {
            "totalSize": len(found),
            "done": len(found) <= BATCH,
            "records": [self._shown(query, row) for row in found[:BATCH]],
        }
        if not answer["done"]:
            self._number += 1
            rest = f"01g{self._number:015d}-{BATCH}"
            self._rest[rest] = (query, found[BATCH:])
            answer["nextRecordsUrl"] = f"/services/data/v62.0/query/{rest}"
        return JSONResponse(answer)

    async def _more(self, request: Request) -> Response:
        query, rest = self._rest.pop(request.path_params["rest"])
        return self.refusal(request) or self._batch(query, rest)

    def _shown(self, query: Query, row: Row) -> Object:
        shown: Object = {"attributes": {"type": query.object, "url": f"/services/data/v62.0/sobjects/{query.object}/{row['Id']}"}}
        for path in query.fields:
            head, _, rest = path.partition(".")
            if not rest:
                shown[path] = row.get(path)
            elif row.get(f"{head}Id"):
                shown.setdefault(head, {"attributes": {"type": head}})[rest] = self._value(row, path)
            else:
                shown[head] = None
        return shown

    async def _describe(self, request: Request) -> Response:
        object_ = request.path_params["object"]
        if object_ not in self.schema:
            return self.refusal(request) or JSONResponse(
                [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404
            )
        fields = [
            {"name": name, "type": kind, "createable": name not in READ_ONLY, "externalId": name in self.keys[object_]}
            for name, kind in self.schema[object_].items()
        ]
        return self.refusal(request) or JSONResponse({"name": object_, "fields": fields})

    async def _create(self, request: Request) -> Response:
        values = await request.json()

        def make(object_: str) -> Response:
            return JSONResponse({"id": self.settle(object_, values, None), "success": True, "errors": []}, 201)

        return self._answer(request, make)

    async def _one(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        values = await request.json() if request.method == "PATCH" else {}

        def change(object_: str) -> Response:
            if self.invents and _INVENTED.fullmatch(id_) and id_ not in self.rows[object_]:
                self.add(object_, Id=id_)
            row = self.rows[object_].get(id_)
            if row is None:
                raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
            if row["IsDeleted"]:
                raise Refused(404, "ENTITY_IS_DELETED", "entity is deleted")
            if request.method == "DELETE":
                self.remove(object_, id_)
                self.landed.append(Landed(f"{object_} deleted", id_))
            else:
                self.settle(object_, values, id_)
            return Response(status_code=204)

        return self._answer(request, change)

    async def _upsert(self, request: Request) -> Response:
        field, value, values = request.path_params["field"], request.path_params["value"], await request.json()

        def upsert(object_: str) -> Response:
            there = self.by_key(object_, field, value)
            id_ = self.settle(object_, {**values, field: value} if there is None else values, there)
            answer = {"id": id_, "success": True, "errors": [], "created": there is None}
            return JSONResponse(answer, 201 if there is None else 200)

        return self._answer(request, upsert)

    def _answer(self, request: Request, act: Callable[[str], Response]) -> Response:  # one of the functions above
        refusal = self.refusal(request)
        if refusal is not None:
            return refusal
        object_ = request.path_params["object"]
        try:
            answer: Response = act(object_) if object_ in self.schema else _no_resource()
        except Refused as refused:
            return JSONResponse(refused.answer, refused.status)
        return answer

    def _derive(self, object_: str, row: Row) -> None:
        if object_ in CLOSED:
            row["IsClosed"] = row.get("Status" if object_ != "Opportunity" else "StageName") in CLOSED[object_]
        if object_ == "Opportunity":
            row["IsWon"] = row["StageName"] == "Closed Won"
        if object_ == "Case" and not row.get("CaseNumber"):
            row["CaseNumber"] = f"{self._number:08d}"

    def _invent(self, query: Query) -> None:
        for text in query.texts:
            found = _INVENTED.fullmatch(text)
            if found and found[1] == PREFIXES[query.object] and text not in self.rows[query.object]:
                self.add(query.object, Id=text, **{"Name": "Sandbox account"} if query.object == "Account" else {})
            if query.object == "User" and "@" in text and text not in {row["Email"] for row in self.rows["User"].values()}:
                self.add("User", Name=text.partition("@")[0].title(), Email=text, IsActive=True)

    def _stamp(self) -> str:
        return stamp((self.now or datetime.now(UTC)).replace(microsecond=0))


def _no_resource() -> Response:
    return JSONResponse([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)


def _sortable(value: Value) -> Value:  # nothing comes first, as at Salesforce
    return (value is not None, value)


def _stored(kind: str, value: Value) -> Value:  # whatever the field holds
    """Give a value as Salesforce keeps it: amounts in cents, moments with its own zone, empty texts as nothing."""
    if value == "":
        return None
    if kind in ("currency", "percent") and value is not None:
        return round(float(value), 2)
    if kind == "datetime" and value is not None:
        return stamp(datetime.fromisoformat(value).astimezone(UTC))
    return value.strip() if isinstance(value, str) else value
