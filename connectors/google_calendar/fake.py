"""A stand-in for Google Calendar: one calendar with events, other people's busy times, and the sign-in that gives access tokens."""

import json
from datetime import UTC, datetime
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]
_CALENDAR = "/calendar/v3/calendars/{calendar}"


class FakeGoogleCalendar(Fake):
    """One calendar."""

    name = "google_calendar"

    def __init__(self) -> None:
        """Begin with an empty calendar, and nobody busy."""
        super().__init__()
        self.events: dict[str, Object] = {}
        self.busy: dict[str, list[tuple[str, str]]] = {}
        self.revoked = False
        self._tokens = 0
        self._changes = 0

    def routes(self) -> list[BaseRoute]:
        """Give the part of the API that the connector uses."""
        return [
            Route("/token", self._token, methods=["POST"]),
            Route(_CALENDAR, self._about),
            Route("/calendar/v3/freeBusy", self._free_busy, methods=["POST"]),
            Route(f"{_CALENDAR}/events", self._list, methods=["GET"]),
            Route(f"{_CALENDAR}/events", self._insert, methods=["POST"]),
            Route(f"{_CALENDAR}/events/{{id}}", self._get, methods=["GET"]),
            Route(f"{_CALENDAR}/events/{{id}}", self._patch, methods=["PATCH"]),
            Route(f"{_CALENDAR}/events/{{id}}", self._delete, methods=["DELETE"]),
        ]

    def add(self, event_id: str, start: str, end: str, **fields: object) -> None:
        """Make an event, as a person would."""
        made = {"kind": "calendar#event", "id": event_id, "status": "confirmed", "start": {"dateTime": start}, "end": {"dateTime": end}}
        self.events[event_id] = self._touch({**made, **fields})

    def cancel(self, event_id: str) -> None:
        """Call an event off, as a person would. Google shows little more of it than that."""
        gone = {name: self.events[event_id].get(name) for name in ("kind", "id")}
        self.events[event_id] = self._touch(gone, status="cancelled")

    def move(self, event_id: str, start: str, end: str) -> None:
        """Move an event, as a person would."""
        self._touch(self.events[event_id], start={"dateTime": start}, end={"dateTime": end})

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        if self.revoked or not str(form.get("refresh_token")).startswith("sandbox-"):
            return JSONResponse({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400)
        self._tokens += 1
        return JSONResponse({"access_token": f"ya29.{self._tokens}", "expires_in": 3599, "token_type": "Bearer"})

    async def _about(self, request: Request) -> Response:
        about = {"kind": "calendar#calendar", "id": "cs@sandbox.example", "summary": "Sandbox calendar", "timeZone": "UTC", "etag": '"1"'}
        return self._refusal(request) or JSONResponse(about)

    async def _free_busy(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        calendars = {
            item["id"]: {"busy": [{"start": start, "end": end} for start, end in self.busy.get(item["id"], [])]} for item in asked["items"]
        }
        answer = {"kind": "calendar#freeBusy", "timeMin": asked["timeMin"], "timeMax": asked["timeMax"], "calendars": calendars}
        return self._refusal(request) or JSONResponse(answer)

    async def _list(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        token = request.query_params.get("pageToken") or request.query_params.get("syncToken") or "0"
        if not token.isdigit():
            return _error(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
        most = int(request.query_params.get("maxResults", "250"))
        found = sorted((each for each in self.events.values() if each["sequence"] > int(token)), key=lambda each: each["sequence"])
        page = found[:most]
        last = str(page[-1]["sequence"]) if page else token
        answer: Object = {"kind": "calendar#events", "summary": "Sandbox calendar", "items": page}
        answer["nextPageToken" if len(found) > most else "nextSyncToken"] = last
        return JSONResponse(answer)

    async def _get(self, request: Request) -> Response:
        found = self.events.get(request.path_params["id"])
        return self._refusal(request) or (JSONResponse(found) if found else _error(404, "notFound", "Not Found"))

    async def _insert(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        event = json.loads(await request.body())
        if event["id"] in self.events:
            return _error(409, "duplicate", "The requested identifier already exists.")
        made = {"kind": "calendar#event", "status": "confirmed", "htmlLink": f"https://calendar.example/{event['id']}", **event}
        self.events[event["id"]] = made
        self.landed.append(Landed(f"meeting: {event.get('summary', '')}", event["start"]["dateTime"]))
        return JSONResponse(self._touch(made))

    async def _patch(self, request: Request) -> Response:
        refusal = self._refusal(request)
        found = self.events.get(request.path_params["id"])
        if refusal is not None or found is None:
            return refusal or _error(404, "notFound", "Not Found")
        changes = json.loads(await request.body())
        self.landed.append(Landed(f"meeting changed: {found.get('summary', '')}", changes.get("start", found["start"])["dateTime"]))
        return JSONResponse(self._touch(found, **changes))

    async def _delete(self, request: Request) -> Response:
        refusal = self._refusal(request)
        found = self.events.get(request.path_params["id"])
        if refusal is not None:
            return refusal
        if found is None or found["status"] == "cancelled":
            return _error(410 if found else 404, "deleted" if found else "notFound", "Resource has been deleted")
        self._touch(found, status="cancelled")
        self.landed.append(Landed(f"meeting cancelled: {found.get('summary', '')}", found["start"]["dateTime"]))
        return Response(status_code=204)

    def _touch(self, event: Object, **changes: object) -> Object:
        self._changes += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event.update(changes, sequence=self._changes, etag=f'"{self._changes}"', updated=now)
        return event

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization", "").startswith("Bearer ya29."):
            return None
        return _error(401, "authError", "Invalid Credentials")


def _error(status: int, reason: str, message: str) -> Response:
    details = [{"domain": "global", "reason": reason, "message": message}]
    return JSONResponse({"error": {"code": status, "message": message, "errors": details}}, status)
