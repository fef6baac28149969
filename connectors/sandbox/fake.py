"""The base of every vendor's stand-in: a small web application with state in memory, which vendors' real SDKs talk to over the loopback."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from connectors.sandbox.faults import Fault

MOST_RECEIVED: Final = 1_000
Content: TypeAlias = Any
"""A form's or JSON's values, or text."""


@dataclass(frozen=True)
class Received:
    """A request as it came. `body` is what was in it: a form's or JSON's values, else its text."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Content


@dataclass(frozen=True)
class Landed:
    """Something that a play left at the vendor, for people to look at: `what` in words, `where` the object it is on."""

    what: str
    where: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Fake(ABC):
    """A vendor's stand-in.

    `received` holds the latest requests, `landed` what came of them, `faults` what goes wrong next, one for each request it fits. `deaf_s`
    is how long silence lasts before the connection is dropped. One that `invents` makes up objects whose id says `sandbox` when they are
    first asked for, so that a newcomer need not furnish it.
    """

    name: str

    def __init__(self) -> None:
        """Begin with nothing."""
        self.received: list[Received] = []
        self.landed: list[Landed] = []
        self.faults: list[Fault] = []
        self.deaf_s = 30.0
        self.invents = False
        self._app = Starlette(routes=self.routes())

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """Give the addresses of the vendor that this stand-in knows, below its own root."""

    def __getstate__(self) -> dict[str, object]:
        """Give what is kept when the sandbox is stopped: all but the troubles and the requests."""
        return {name: value for name, value in vars(self).items() if name not in ("_app", "faults", "received")}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take up what was kept."""
        vars(self).update(state, faults=[], received=[])
        self._app = Starlette(routes=self.routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have the trouble that was asked for."""
        if scope["type"] != "http":
            return
        body, again = await _buffered(receive)
        request = Request(scope)
        self.received.append(
            Received(request.method, scope["path"], scope["query_string"].decode(), dict(request.headers), _read(request, body))
        )
        del self.received[:-MOST_RECEIVED]
        fault = self._next_fault(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, again, send)
        elif fault.kind == "status":
            await Response(fault.body, fault.status, dict(fault.headers), "application/json")(scope, again, send)
        elif fault.kind == "garbage":
            await Response("<html>a proxy's welcome page</html>", 200, media_type="text/html")(scope, again, send)
        elif fault.kind == "silence":
            await asyncio.sleep(self.deaf_s)
            _drop(send)
        else:
            await self._app(scope, again, _nowhere)
            _drop(send)

    def _next_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path in path and fault.method in ("", method):
                self.faults.remove(fault)
                return fault
        return None


async def _buffered(receive: Receive) -> tuple[bytes, Receive]:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"".join(parts)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again


def _read(request: Request, body: bytes) -> Content:
    kind = request.headers.get("content-type", "")
    text = body.decode("utf-8", errors="replace")
    if kind.startswith("application/x-www-form-urlencoded"):
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
    if "json" in kind and text:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


async def _nowhere(message: Message) -> None:
    """Send nothing."""


def _drop(send: Send) -> None:
    """Cut the connection as a network would: the server behind `send` is uvicorn's, whose transport is not part of ASGI."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise ConnectionAbortedError("the sandbox drops the connection")
    transport.abort()
