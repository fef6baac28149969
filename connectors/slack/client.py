"""Slack through its own SDK, which blocks: each call runs in a thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any, Final, TypeAlias
from urllib.error import URLError

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from connectors.blocking import in_thread
from connectors.errors import Unavailable
from connectors.slack.questions import Block, plain
from connectors.slack.refusals import Refused, refusal_of
from connectors.slack.vendor import HistoryClosed, Posted, SlackCredentials
from connectors.slack.wire import Wire

TIMEOUT_S = 20.0
EVENT: Final = "playkeeper_effect"
_MOST_PAGES: Final = 20
_MOST_KNOWN: Final = 5_000
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
_NOT_OURS: Final = ("deleted", "is_bot", "is_external", "is_stranger", "is_workflow_bot")
_UNREADABLE: Final = frozenset({"missing_scope", "not_in_channel", "channel_not_found"})

JsonObject: TypeAlias = dict[str, Any]
"""An answer of Slack, or a part of one."""


@dataclass(frozen=True)
class SlackUser:
    """Somebody in Slack.

    `own`: a person of this workspace whose address Slack has confirmed; not an app, not somebody of another company's, nobody who left.
    """

    id: str
    email: str | None
    own: bool


class Slack:
    """One app in one workspace."""

    def __init__(self, credentials: SlackCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for Slack."""
        self._api = Wire(credentials.bot_token.get_secret_value(), f"{base_url}/api/" if base_url else None, timeout_s=TIMEOUT_S)
        self._direct: dict[str, str] = {}

    async def verify(self) -> str:
        """Ask who we are."""
        told = await self._asked(self._api.auth_test)
        return f"{_text(told, 'team')} as {_text(told, 'user')}"

    async def close(self) -> None:
        """Nothing is kept open."""

    async def user_by_email(self, email: str) -> str | None:
        """Give the id of the user with this address, None when there is none."""
        try:
            told = await self._asked(lambda: self._api.users_lookupByEmail(email=email))
        except Refused as refused:
            if refused.code == "users_not_found":
                return None
            raise
        return _text(told, "user", "id")

    async def user(self, user_id: str) -> SlackUser:
        """Give a user."""
        told = await self._asked(lambda: self._api.users_info(user=user_id))
        user = _part(told, "user")
        email = _part(user, "profile").get("email")
        foreign = any(user.get(mark) for mark in _NOT_OURS) or user.get("is_email_confirmed") is False
        return SlackUser(_text(user, "id"), email if isinstance(email, str) else None, own=not foreign)

    async def direct(self, email: str) -> str | None:
        """Give the conversation with the person who has this address, None when Slack knows nobody with it."""
        known = self._direct.get(email)
        if known is not None:
            return known
        user_id = await self.user_by_email(email)
        if user_id is None:
            return None
        channel = _text(await self._asked(lambda: self._api.conversations_open(users=user_id)), "channel", "id")
        if len(self._direct) >= _MOST_KNOWN:
            self._direct.clear()
        self._direct[email] = channel
        return channel

    async def post(self, channel: str, text: str, *, key: str, blocks: Sequence[Block] = ()) -> Posted:
        """Post a message. Slack has no idempotency key: `key` goes into the message's metadata, where `find` looks for it."""
        # What a fact says must not become a mention or a link: `<!channel>` would call everybody.
        told = await self._asked(
            lambda: self._api.chat_postMessage(
                channel=channel,
                text=plain(text),
                blocks=list(blocks) or None,
                metadata={"event_type": EVENT, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return Posted(_text(told, "channel"), _text(told, "ts"))

    async def find(self, channel: str, key: str, since: datetime) -> Posted | None:
        """Give the message with this key that was posted since then, None when the conversation has none.

        Raises:
            HistoryClosed: the app may not read it.
        """
        try:
            return await self._find(channel, key, since)
        except Refused as refused:
            if refused.code in _UNREADABLE:
                raise HistoryClosed(f"{refused}; so nobody can tell whether the message was posted") from refused
            raise

    async def _find(self, channel: str, key: str, since: datetime) -> Posted | None:
        channel_id = await self._id_of(channel.removeprefix("#")) if channel.startswith("#") else channel
        oldest, cursor = f"{(since - _CLOCKS_DIFFER).timestamp():.6f}", ""
        for _ in range(_MOST_PAGES):
            page = await self._page_of_history(channel_id, oldest, cursor)
            for message in _objects(page, "messages"):
                if _key_of(message) == key:
                    return Posted(channel_id, _text(message, "ts"))
            cursor = _next(page)
            if not cursor:
                return None
        raise HistoryClosed("the conversation has more messages than are looked through; nobody can tell whether the message was posted")

    async def _page_of_history(self, channel: str, oldest: str, cursor: str) -> JsonObject:
        return await self._asked(
            lambda: self._api.conversations_history(
                channel=channel, oldest=oldest, include_all_metadata=True, limit=200, cursor=cursor or None
            )
        )

    async def delete(self, posted: Posted) -> bool:
        """Delete a message; False when it is not there any more."""
        try:
            await self._asked(lambda: self._api.chat_delete(channel=posted.channel, ts=posted.ts))
        except Refused as refused:
            if refused.code == "message_not_found":
                return False
            raise
        return True

    async def rewrite(self, posted: Posted, text: str) -> None:
        """Replace what a message says; its buttons go."""
        await self._asked(lambda: self._api.chat_update(channel=posted.channel, ts=posted.ts, text=plain(text), blocks=[]))

    async def whisper(self, channel: str, user_id: str, text: str) -> None:
        """Say something in a conversation that only this user sees."""
        await self._asked(lambda: self._api.chat_postEphemeral(channel=channel, user=user_id, text=plain(text)))

    async def _id_of(self, name: str) -> str:
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await self._page_of_channels(cursor)
            for channel in _objects(page, "channels"):
                if channel.get("name") == name:
                    return _text(channel, "id")
            cursor = _next(page)
            if not cursor:
                break
        raise HistoryClosed(f'the channel "#{name}" is not among those the app can see; write its id (C…) instead of its name')

    async def _page_of_channels(self, cursor: str) -> JsonObject:
        return await self._asked(
            lambda: self._api.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=1000, cursor=cursor or None
            )
        )

    async def _asked(self, call: Callable[[], SlackResponse]) -> JsonObject:
        try:
            data = (await in_thread("Slack", TIMEOUT_S + 5, call)).data
        except SlackApiError as error:
            raise refusal_of(error.response) from None  # its text may repeat what was sent
        except URLError as error:
            reached = isinstance(error.reason, ConnectionError) and not isinstance(error.reason, ConnectionRefusedError)
            raise Unavailable("Slack cannot be reached", maybe_done=reached) from error
        except (OSError, HTTPException) as error:
            raise Unavailable(f"Slack did not finish its answer: {type(error).__name__}", maybe_done=True) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise _odd() from error
        if not isinstance(data, dict):
            raise _odd()
        return data


def _key_of(message: JsonObject) -> str | None:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return None
    payload = metadata.get("event_payload")
    return payload.get("key") if isinstance(payload, dict) else None


def _next(page: JsonObject) -> str:
    more = page.get("response_metadata")
    return str(more.get("next_cursor") or "") if isinstance(more, dict) else ""


def _part(told: JsonObject, name: str) -> JsonObject:
    part = told.get(name)
    if not isinstance(part, dict):
        raise _odd()
    return part


def _objects(told: JsonObject, name: str) -> list[JsonObject]:
    found = told.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _odd()
    return found


def _text(told: JsonObject, *path: str) -> str:
    for name in path[:-1]:
        told = _part(told, name)
    text = told.get(path[-1])
    if not isinstance(text, str):
        raise _odd()
    return text


def _odd() -> Unavailable:
    return Unavailable("Slack's answer is not one of its API", maybe_done=True)
