"""Every request we make and every answer of the stand-in is as Google describes it: the description comes with Google's own SDK."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import jsonschema
import pytest
from starlette.types import Message, Receive, Scope, Send

from activities.connections import Connections
from activities.effects import Ledger
from connectors.errors import Rejected
from connectors.google_calendar.client import GoogleCalendar
from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from connectors.sandbox.fake import Received
from connectors.sandbox.serving import serving
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of, undo_of

Loose: TypeAlias = Any
ROOT = "/google_calendar/calendar/v3/"
MONDAY_10 = datetime(2030, 3, 4, 10, tzinfo=UTC)


class Overheard(FakeGoogleCalendar):
    """A stand-in that keeps its answers: the status and the body of each, in the order of `received`."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[int, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, parts = 0, list[bytes]()

        async def overhear(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))
            await send(message)

        await super().__call__(scope, receive, overhear)
        self.answers.append((status, b"".join(parts)))


@cache
def described() -> Loose:
    return json.loads((files("googleapiclient") / "discovery_cache/documents/calendar.v3.json").read_text())


def methods(resources: Loose) -> Iterator[Loose]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from methods(resource.get("resources", {}))


@cache
def method_of(verb: str, path: str) -> Loose:
    for method in methods(described()["resources"]):
        pattern = re.sub(r"\{\w+\}", "[^/]+", method["path"])
        if method["httpMethod"] == verb and re.fullmatch(pattern, path):
            return method
    raise AssertionError(f"Google describes no {verb} {path}")


def as_json_schema(node: Loose) -> Loose:
    """Google's form of a schema as JSON Schema, where a name that is not described is refused."""
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    kept = {name: node[name] for name in ("enum", "format", "pattern") if name in node}
    if node.get("type") not in (None, "any"):
        kept["type"] = node["type"]
    if "properties" in node:
        kept["properties"] = {name: as_json_schema(each) for name, each in node["properties"].items()}
    if node.get("type") == "object":
        kept["additionalProperties"] = as_json_schema(node["additionalProperties"]) if "additionalProperties" in node else False
    if "items" in node:
        kept["items"] = as_json_schema(node["items"])
    return kept


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=(ValueError, TypeError))
def is_moment(value: object) -> bool:
    return datetime.fromisoformat(str(value)).tzinfo is not None


@FORMATS.checks("date", raises=ValueError)
def is_date(value: object) -> bool:
    return bool(date.fromisoformat(str(value)))


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    parts = {each: as_json_schema(node) for each, node in described()["schemas"].items()}
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": parts}, format_checker=FORMATS)


def wrong_with(name: str, value: Loose) -> Iterator[str]:
    for error in validator(name).iter_errors(value):
        yield f"{name}{error.json_path[1:]}: {error.message}"


def wrong_required(method: Loose, body: Loose) -> Iterator[str]:
    """What Google requires of a body is written at the fields, by method."""
    for name, node in described()["schemas"][method["request"]["$ref"]]["properties"].items():
        if method["id"] in node.get("annotations", {}).get("required", ()) and name not in body:
            yield f"{method['id']}: {name} is missing"


def wrong_query(method: Loose, query: str) -> Iterator[str]:
    known = described()["parameters"] | method.get("parameters", {})
    for name, values in parse_qs(query, keep_blank_values=True).items():
        about = known.get(name, {"location": "nowhere"})
        if about["location"] != "query" or (len(values) > 1 and not about.get("repeated")):
            yield f"{method['id']}: the parameter {name} is not described like that"
        shape = {"boolean": "true|false", "integer": "-?[0-9]+"}.get(about.get("type", ""), ".*")
        yield from (f"{method['id']}: {name}={value}" for value in values if not re.fullmatch(shape, value))
        yield from (f"{method['id']}: {name}={value}" for value in values if value not in about.get("enum", [value]))
        yield from (f"{method['id']}: {name}={value}" for value in values if "minimum" in about and int(value) < int(about["minimum"]))
    yield from (
        f"{method['id']}: {name} is missing" for name, about in known.items() if about.get("required") and about["location"] == "query"
    )


def wrong_in(fake: Overheard) -> list[str]:
    """Everything that is not as Google describes, in requests and answers."""
    found: list[str] = []
    for asked, (status, answer) in zip(fake.received, fake.answers, strict=True):
        if asked.path.startswith(ROOT):
            found += wrong_exchange(asked, status, answer)
    return sorted(set(found))


def wrong_exchange(asked: Received, status: int, answer: bytes) -> Iterator[str]:
    method = method_of(asked.method, asked.path.removeprefix(ROOT))
    yield from wrong_query(method, asked.query)
    if "request" in method:
        yield from wrong_with(method["request"]["$ref"], asked.body)
        yield from wrong_required(method, asked.body) if asked.method != "PATCH" else ()
    elif asked.body:
        yield f"{method['id']}: it takes no body"
    if status >= 400:
        said = json.loads(answer)["error"]
        yield from () if said["code"] == status and said["message"] and said["errors"][0]["reason"] else (f"{method['id']}: {said}",)
    elif "response" in method:
        yield from wrong_with(method["response"]["$ref"], json.loads(answer))
    elif answer:
        yield f"{method['id']}: it has no answer"


def asked_of(fake: Overheard) -> set[str]:
    return {method_of(each.method, each.path.removeprefix(ROOT))["id"] for each in fake.received if each.path.startswith(ROOT)}


EVENT = {
    "id": "0abcdefghijklmnopqrstuv9",
    "summary": "Review",
    "start": {"dateTime": MONDAY_10.isoformat()},
    "end": {"dateTime": (MONDAY_10 + timedelta(minutes=30)).isoformat()},
}


@asynccontextmanager
async def calendar() -> AsyncIterator[tuple[Overheard, GoogleCalendar]]:
    fake = Overheard()
    with serving(fake) as url:
        client: GoogleCalendar = GOOGLE_CALENDAR.connect(dict(GOOGLE_CALENDAR.sandbox), url)
        yield fake, client
        await client.close()


async def test_what_the_client_asks_and_hears_is_as_google_describes() -> None:
    async with calendar() as (fake, client):
        fake.busy["ann@acme.example"] = [("2030-03-04T08:00:00Z", "2030-03-04T09:00:00Z")]
        await client.verify()
        await client.busy(["ann@acme.example", "bob@acme.example"], MONDAY_10, MONDAY_10 + timedelta(days=1))
        await client.book(EVENT)
        await client.book(EVENT)
        await client.book({**EVENT, "id": "second", "conferenceData": {"createRequest": {"requestId": "second"}}})
        await client.change("second", {"start": EVENT["start"], "end": EVENT["end"]})
        assert await client.event("missing") is None
        assert (await client.cancel("second"), await client.cancel("second"), await client.cancel("missing")) == (True, False, False)
        page = await client.changed("event", None, 1)
        while page.more:
            page = await client.changed("event", page.cursor, 1)
        await client.changed("event", "sync:stale", 100)

    assert wrong_in(fake) == []
    assert {status for status, _ in fake.answers} == {200, 204, 404, 409, 410}
    expected = {f"calendar.events.{name}" for name in ("get", "insert", "patch", "delete", "list")}
    assert asked_of(fake) == expected | {"calendar.calendars.get", "calendar.freebusy.query"}


@pytest.mark.servers
async def test_what_plays_ask_and_hear_is_as_google_describes(database: Database) -> None:
    fake = Overheard()
    run = run_of(await make_account(database, zone="Europe/Berlin"))
    at = {"$datetime": MONDAY_10.isoformat()}
    slot = {"with": "champion", "after": at, "minutes": 60, "at_most": 2}
    booking = {"title": "Review", "start": at, "with": "champion", "text": "Let us talk", "place": "Room 1", "video": True}
    with serving(fake) as url:
        connections = Connections(database, url)
        ledger: Ledger = ledger_of(database, connections=connections)
        await ledger.perform(call_of(run, "meeting.find_slot", "slot", slot))
        made = call_of(run, "meeting.book", "book", booking)
        meeting = (await ledger.perform(made)).output["meeting_id"]
        moved = call_of(run, "meeting.reschedule", "move", {"meeting": meeting, "start": {"$datetime": "2030-03-06T09:00:00+00:00"}})
        await ledger.perform(moved)
        await ledger.undo(undo_of(moved))
        await ledger.undo(undo_of(made))
        await ledger.perform(call_of(run, "meeting.cancel", "cancel", {"meeting": meeting}))
        await connections.close()

    assert wrong_in(fake) == []
    assert asked_of(fake) >= {"calendar.freebusy.query", *(f"calendar.events.{name}" for name in ("get", "insert", "patch", "delete"))}


@pytest.mark.parametrize("event_id", ["with-hyphen", "UPPER", "four", "w" * 9])
async def test_an_id_that_google_refuses_the_stand_in_refuses(event_id: str) -> None:
    """Google takes a to v and digits, 5 to 1024 of them: the description says so in words."""
    async with calendar() as (_, client):
        with pytest.raises(Rejected, match="Invalid resource id value"):
            await client.book({**EVENT, "id": event_id})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Event", {"summery": "Review"}),
        ("Event", {"start": {"dateTime": "2030-03-04T10:00:00"}}),
        ("Event", {"attendees": [{"email": 7}]}),
        ("FreeBusyResponse", {"calendars": {"a": {"busy": [{"from": "2030-03-04T10:00:00Z"}]}}}),
    ],
)
def test_the_check_sees_what_is_not_described(name: str, value: Loose) -> None:
    assert list(wrong_with(name, value))
