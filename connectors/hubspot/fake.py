"""A stand-in for HubSpot's CRM: companies, contacts and tasks in memory."""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]


MOST_FOUND: Final = 10_000
"""No search goes beyond this many results."""
_MOST_AT_ONCE: Final = 200


class FakeHubSpot(Fake):
    """Objects by kind and id. `now` is the moment of the next change, that of the clock when there is none."""

    name = "hubspot"
    now: datetime | None = None

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.objects: dict[str, dict[str, Object]] = {"companies": {}, "contacts": {}, "tasks": {}}
        self._number = 100

    def routes(self) -> list[BaseRoute]:
        """Give the part of the API that the connector uses."""
        return [
            Route("/account-info/v3/details", self._details),
            Route("/crm/v3/objects/{kind}/search", self._search, methods=["POST"]),
            Route("/crm/v3/objects/{kind}", self._make, methods=["POST"]),
            Route("/crm/v3/objects/{kind}/{id}", self._get, methods=["GET"]),
            Route("/crm/v3/objects/{kind}/{id}", self._update, methods=["PATCH"]),
            Route("/crm/v3/objects/{kind}/{id}", self._delete, methods=["DELETE"]),
        ]

    def add(self, kind: str, object_id: str, **properties: str) -> Object:
        """Make an object, or change one."""
        at = (self.now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = self.objects[kind].setdefault(
            object_id, {"id": object_id, "properties": {"hs_object_id": object_id}, "createdAt": at, "archived": False}
        )
        made["properties"].update(properties, hs_lastmodifieddate=at, lastmodifieddate=at)
        made["updatedAt"] = at
        return made

    async def _details(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"portalId": 4711, "accountType": "SANDBOX", "timeZone": "Europe/Berlin"})

    async def _get(self, request: Request) -> Response:
        refusal = self._refusal(request)
        found = self._named(request)
        return refusal or (JSONResponse(found) if found else _missing())

    async def _make(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        body, kind = await request.json(), request.path_params["kind"]
        key = body["properties"].get("hs_unique_creation_key")
        if key and any(each["properties"].get("hs_unique_creation_key") == key for each in self.objects[kind].values()):
            return _problem(409, "CONFLICT", "an object with this hs_unique_creation_key exists already")
        self._number += 1
        made = self.add(kind, str(self._number), **body["properties"])
        self.landed.append(Landed(f"{kind.removesuffix('s')} {body['properties'].get('hs_task_subject', '')}".strip(), made["id"]))
        return JSONResponse(made, 201)

    async def _update(self, request: Request) -> Response:
        refusal = self._refusal(request)
        found = self._named(request)
        if refusal is not None or found is None:
            return refusal or _missing()
        changes = (await request.json())["properties"]
        self.landed.append(Landed(", ".join(f"{name} = {value}" for name, value in changes.items()), found["id"]))
        return JSONResponse(self.add(request.path_params["kind"], found["id"], **changes))

    async def _delete(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        gone = self.objects[request.path_params["kind"]].pop(request.path_params["id"], None)
        return Response(status_code=204) if gone else _missing()

    async def _search(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        body = await request.json()
        begin, most = int(body.get("after") or 0), int(body["limit"])
        if most > _MOST_AT_ONCE or begin + most > MOST_FOUND:
            return _problem(400, "VALIDATION_ERROR", "The total of results a search may ask for is 10,000, 200 at once.")
        (group,), (sort,) = body["filterGroups"], body["sorts"]
        objects = self.objects[request.path_params["kind"]].values()
        found = [each for each in objects if all(_fits(each["properties"], one) for one in group["filters"])]
        # Objects that are equal by what they are sorted by come in no order at all.
        found.sort(key=lambda each: (_number(each["properties"].get(sort["propertyName"])), hash(each["id"])))
        end = begin + most
        paging = {"paging": {"next": {"after": str(end)}}} if end < len(found) else {}
        return JSONResponse({"total": len(found), "results": [_shown(each, body["properties"]) for each in found[begin:end]], **paging})

    def _named(self, request: Request) -> Object | None:
        kind, object_id = request.path_params["kind"], request.path_params["id"]
        by = request.query_params.get("idProperty")
        if by:
            return next((each for each in self.objects[kind].values() if each["properties"].get(by) == object_id), None)
        if self.invents and "sandbox" in object_id and object_id not in self.objects[kind]:
            self.add(kind, object_id, name="Sandbox company")
        return self.objects[kind].get(object_id)

    @staticmethod
    def _refusal(request: Request) -> Response | None:
        if request.headers.get("authorization", "").startswith("Bearer sandbox-"):
            return None
        return _problem(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")


def _shown(found: Object, properties: list[str]) -> Object:
    always = {"hs_object_id": found["id"]}
    return {**found, "properties": {**always, **{name: found["properties"].get(name) for name in properties}}}


def _fits(properties: Object, condition: Object) -> bool:
    value = properties.get(condition["propertyName"])
    if condition["operator"] == "HAS_PROPERTY":
        return value not in (None, "")
    there, wanted = _number(value), int(condition["value"])
    return {"GT": there > wanted, "GTE": there >= wanted, "EQ": there == wanted}[condition["operator"]]


def _number(value: str | None) -> int:
    """Give a number or a moment in ms as it is compared; nothing comes first."""
    if not value or value.isdigit():
        return int(value or -1)
    return round(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000)


def _missing() -> Response:
    return _problem(404, "OBJECT_NOT_FOUND", "Object not found.")


def _problem(status: int, category: str, message: str) -> Response:
    return JSONResponse({"status": "error", "message": message, "category": category, "correlationId": "sandbox"}, status)
