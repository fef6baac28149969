"""A stand-in for Slack: a workspace with a few channels, its people, and the messages in memory."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]
_TEAM: Final = "T0SANDBOX"
_BOT: Final = "U0SANDBOXBOT"


class FakeSlack(Fake):
    """One workspace, with the app in every channel."""

    name = "slack"

    def __init__(self) -> None:
        """Begin with two channels, one who is asked often, and no message."""
        super().__init__()
        self.channels: dict[str, Object] = {}
        self.users: dict[str, Object] = {}
        self.messages: dict[str, list[Object]] = {}
        self.whispers: list[Object] = []
        self._last = 0
        for name in ("general", "renewals"):
            self.add_channel(name)

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take up what was kept, unless an older version kept it: the sandbox then begins anew."""
        if "whispers" not in state:
            raise TypeError("kept by an older version")
        super().__setstate__(state)

    def add_channel(self, name: str, **marks: bool) -> str:
        """Make a channel; `is_archived`, and `is_member` false where the app is not in it."""
        channel_id = f"C{len(self.channels):08d}"
        self.channels[channel_id] = {"id": channel_id, "name": name, "is_archived": False, "is_member": True, **marks}
        return channel_id

    def add_user(self, email: str, **marks: bool) -> str:
        """Make a person."""
        user_id = f"U{len(self.users):08d}"
        name = email.partition("@")[0]
        self.users[user_id] = {
            "id": user_id,
            "team_id": _TEAM,
            "name": name,
            "real_name": name.title(),
            "deleted": False,
            "is_bot": False,
            "is_app_user": False,
            "updated": 1_700_000_000,
            "profile": _profile(email, name),
            **marks,
        }
        return user_id

    def all_messages(self) -> list[Object]:
        """Give every message that is there."""
        return [message for messages in self.messages.values() for message in messages]

    def routes(self) -> list[BaseRoute]:
        """Give the part of the API that the connector uses."""
        methods = {
            "auth.test": self._auth_test,
            "users.lookupByEmail": self._lookup,
            "users.info": self._info,
            "conversations.open": self._open,
            "conversations.list": self._list,
            "conversations.history": self._history,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._whisper,
        }

        def route(method: str) -> Route:
            async def answer(request: Request) -> Response:
                if not request.headers.get("authorization", "").startswith("Bearer xoxb-sandbox"):
                    return _refused("invalid_auth")
                return methods[method](await _arguments(request))

            return Route(f"/api/{method}", answer, methods=["GET", "POST"])

        return [route(method) for method in methods]

    def _auth_test(self, _: Object) -> Response:
        return _ok(url="https://sandbox.slack.com/", team="Sandbox", user="playkeeper", team_id=_TEAM, user_id=_BOT, bot_id="B0SANDBOX")

    def _lookup(self, given: Object) -> Response:
        email = str(given.get("email", "")).lower()
        user = next((user for user in self.users.values() if user["profile"]["email"].lower() == email and not user["deleted"]), None)
        if user is None and self.invents and "@" in email:
            user = self.users[self.add_user(email)]
        return _ok(user=user) if user else _refused("users_not_found")

    def _info(self, given: Object) -> Response:
        user = self.users.get(given.get("user", ""))
        return _ok(user=user) if user else _refused("user_not_found")

    def _open(self, given: Object) -> Response:
        user_id = str(given.get("users", ""))
        if user_id not in self.users:
            return _refused("user_not_found")
        return _ok(channel={"id": f"D{user_id[1:]}"})

    def _list(self, given: Object) -> Response:
        # Two on a page, so that the second one is asked for.
        begin = int(given.get("cursor") or 0)
        found = [_as_channel(channel) for channel in self.channels.values() if not channel["is_archived"]]
        more = str(begin + 2) if begin + 2 < len(found) else ""
        return _ok(channels=found[begin : begin + 2], response_metadata={"next_cursor": more})

    def _history(self, given: Object) -> Response:
        channel_id = str(given.get("channel", ""))
        channel = self.channels.get(channel_id)
        if channel is None and not self._is_direct(channel_id):
            return _refused("channel_not_found")
        if channel is not None and not channel["is_member"]:
            return _refused("not_in_channel")
        oldest = float(given.get("oldest") or 0)
        found = [message for message in reversed(self.messages.get(channel_id, [])) if float(message["ts"]) > oldest]
        if given.get("include_all_metadata") not in ("1", "true", True):
            found = [{name: value for name, value in message.items() if name != "metadata"} for message in found]
        begin, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        more = str(begin + limit) if begin + limit < len(found) else ""
        page = {"messages": found[begin : begin + limit], "has_more": bool(more), "pin_count": 0}
        return _ok(**page, channel_actions_ts=None, channel_actions_count=0, response_metadata={"next_cursor": more})

    def _post(self, given: Object) -> Response:
        channel_id = self._channel(str(given.get("channel", "")))
        if channel_id is None:
            return _refused("channel_not_found")
        if self.channels.get(channel_id, {}).get("is_archived"):
            return _refused("is_archived")
        if not given.get("text") and not given.get("blocks"):
            return _refused("no_text")
        if len(str(given.get("text"))) > 40_000:
            return _refused("msg_too_long")
        message = {"type": "message", "user": _BOT, "bot_id": "B0SANDBOX", "team": _TEAM, "ts": self._now(), "text": given.get("text", "")}
        message |= {name: given[name] for name in ("blocks", "metadata", "thread_ts") if given.get(name)}
        self.messages.setdefault(channel_id, []).append(message)
        self.landed.append(Landed(f"message: {message['text'][:60]}", self._title(channel_id)))
        shown = {name: value for name, value in message.items() if name != "metadata"}
        return _ok(channel=channel_id, ts=message["ts"], message=shown)

    def _update(self, given: Object) -> Response:
        message = self._message(given)
        if message is None:
            return _refused("message_not_found")
        message["text"] = given.get("text", "")
        if given.get("blocks") == []:
            message.pop("blocks", None)
        return _ok(channel=given["channel"], ts=given["ts"], text=message["text"], message={"text": message["text"]})

    def _delete(self, given: Object) -> Response:
        channel_id, message = str(given.get("channel", "")), self._message(given)
        if channel_id not in self.channels and not self._is_direct(channel_id):
            return _refused("channel_not_found")
        if message is None:
            return _refused("message_not_found")
        self.messages[channel_id].remove(message)
        self.landed.append(Landed("message deleted", self._title(channel_id)))
        return _ok(channel=channel_id, ts=message["ts"])

    def _whisper(self, given: Object) -> Response:
        channel_id = self._channel(str(given.get("channel", "")))
        if channel_id is None:
            return _refused("channel_not_found")
        if given.get("user") not in self.users:
            return _refused("user_not_in_channel")
        self.whispers.append({"channel": channel_id, "user": given["user"], "text": given.get("text", "")})
        return _ok(message_ts=self._now())

    def _message(self, given: Object) -> Object | None:
        return next((one for one in self.messages.get(str(given.get("channel")), []) if one["ts"] == given.get("ts")), None)

    def _channel(self, named: str) -> str | None:
        if named in self.channels or self._is_direct(named):
            return named
        if named in self.users:
            return f"D{named[1:]}"
        name = named.removeprefix("#")
        found = next((channel_id for channel_id, channel in self.channels.items() if channel["name"] == name), None)
        return self.add_channel(name) if found is None and self.invents and named.startswith("#") else found

    def _is_direct(self, channel_id: str) -> bool:
        return channel_id.startswith("D") and f"U{channel_id[1:]}" in self.users

    def _title(self, channel_id: str) -> str:
        if channel_id in self.channels:
            return f"#{self.channels[channel_id]['name']}"
        return f"@{self.users[f'U{channel_id[1:]}']['name']}"

    def _now(self) -> str:
        """Give the time, never the same twice: it is a message's id within its channel."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


async def _arguments(request: Request) -> Object:
    """Slack takes arguments from the address, a form or JSON, whatever the method."""
    found: Object = dict(request.query_params)
    if "json" in request.headers.get("content-type", ""):
        return {**found, **json.loads(await request.body() or b"{}")}
    return found | dict(await request.form())


def _profile(email: str, name: str) -> Object:
    empty = ("avatar_hash", "title", "phone", "skype", "status_text", "status_emoji")
    names = {"real_name": name.title(), "real_name_normalized": name.title(), "display_name": name, "display_name_normalized": name}
    return {"email": email, "fields": {}, **names, **dict.fromkeys(empty, "")}


def _as_channel(channel: Mapping[str, object]) -> Object:
    no = ("is_general", "is_mpim", "is_group", "is_org_shared", "is_im", "is_shared", "is_private")
    said = {"value": "", "creator": "", "last_set": 0}
    named = {"name_normalized": channel["name"], "topic": said, "purpose": said}
    return {**channel, **named, **dict.fromkeys(no, False), "is_channel": True, "created": 1_700_000_000, "creator": _BOT}


def _ok(**answer: object) -> Response:
    return JSONResponse({"ok": True, **answer})


def _refused(code: str) -> Response:
    return JSONResponse({"ok": False, "error": code})
