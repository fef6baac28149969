"""A stand-in for Slack: channels, people and messages in memory."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]


class FakeSlack(Fake):
    """One workspace."""

    name = "slack"

    def __init__(self) -> None:
        """Begin with one channel and nobody."""
        super().__init__()
        self.channels: dict[str, list[Object]] = {"C1": []}
        self.names: dict[str, str] = {"#renewals": "C1"}
        self.people: dict[str, str] = {}
        self._posted = 0

    def routes(self) -> list[BaseRoute]:
        """Give the methods that the connector uses."""
        methods = {
            "auth.test": self._test,
            "conversations.info": self._info,
            "conversations.history": self._history,
            "conversations.open": self._open,
            "users.lookupByEmail": self._look_up,
            "chat.postMessage": self._post,
            "chat.delete": self._delete,
        }
        return [Route(f"/api/{name}", method, methods=["GET", "POST"]) for name, method in methods.items()]

    async def _test(self, request: Request) -> Response:
        return await self._answer(request, lambda asked: {"user": "playkeeper", "team": "Sandbox", "user_id": "U0", "team_id": "T0"})

    async def _info(self, request: Request) -> Response:
        return await self._answer(request, lambda asked: {"channel": {"id": self._channel(asked["channel"]), "is_channel": True}})

    async def _history(self, request: Request) -> Response:
        def listed(asked: Object) -> Object:
            return {"messages": list(reversed(self.channels[self._channel(asked["channel"])])), "has_more": False}

        return await self._answer(request, listed)

    async def _open(self, request: Request) -> Response:
        def opened(asked: Object) -> Object:
            conversation = f"D{asked['users']}"
            self.channels.setdefault(conversation, [])
            return {"channel": {"id": conversation}}

        return await self._answer(request, opened)

    async def _look_up(self, request: Request) -> Response:
        def found(asked: Object) -> Object:
            email = str(asked["email"])
            if self.invents:
                self.people.setdefault(email, f"U{len(self.people) + 1}")
            if email not in self.people:
                raise _Refused("users_not_found")
            return {"user": {"id": self.people[email], "profile": {"email": email}}}

        return await self._answer(request, found)

    async def _post(self, request: Request) -> Response:
        def posted(asked: Object) -> Object:
            channel = self._channel(asked["channel"])
            self._posted += 1
            metadata = asked.get("metadata") or "{}"
            metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
            ts = f"{time.time():.0f}.{self._posted:06}"
            message = {"type": "message", "ts": ts, "text": asked["text"], "metadata": metadata}
            self.channels[channel].append(message)
            self.landed.append(Landed(f"message: {asked['text'][:80]}", channel))
            return {"channel": channel, "ts": message["ts"], "message": message}

        return await self._answer(request, posted)

    async def _delete(self, request: Request) -> Response:
        def deleted(asked: Object) -> Object:
            channel = self._channel(asked["channel"])
            left = [each for each in self.channels[channel] if each["ts"] != asked["ts"]]
            if len(left) == len(self.channels[channel]):
                raise _Refused("message_not_found")
            self.channels[channel] = left
            self.landed.append(Landed("message deleted", channel))
            return {"channel": channel, "ts": asked["ts"]}

        return await self._answer(request, deleted)

    def _channel(self, named: str) -> str:
        found = self.names.get(named, named)
        if found not in self.channels and self.invents:
            self.channels[found] = []
        if found not in self.channels:
            raise _Refused("channel_not_found")
        return found

    async def _answer(self, request: Request, do: Callable[[Object], Object]) -> Response:
        if not request.headers.get("authorization", "").startswith("Bearer xoxb-sandbox"):
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        kind = request.headers.get("content-type", "")
        asked = dict(request.query_params)
        asked |= await request.json() if "json" in kind else {name: str(value) for name, value in (await request.form()).items()}
        try:
            return JSONResponse({"ok": True, **do(asked)})
        except _Refused as refused:
            return JSONResponse({"ok": False, "error": str(refused)})


class _Refused(Exception):
    """What Slack answers with `ok: false`."""
