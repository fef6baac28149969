"""Slack through its own SDK, which blocks."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from typing import Any, Final, TypeAlias
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from connectors.blocking import in_thread
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, error_for_status, pause_of
from connectors.slack.vendor import SlackCredentials

TIMEOUT_S = 20.0
_URL: Final = "https://slack.com"
_NOT_AUTHORIZED: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
    }
)
_UNAVAILABLE: Final = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_CODE: Final = re.compile(r"[a-z_]+")
EVENT: Final = "playkeeper_effect"
SlackObject: TypeAlias = dict[str, Any]
"""An answer of Slack's API as plain JSON."""


class Slack:
    """One workspace, as its bot sees it."""

    def __init__(self, credentials: SlackCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for Slack."""
        # No retries of the SDK's own: whether to send again is for the ledger to say.
        self._api = WebClient(
            credentials.bot_token.get_secret_value(),
            base_url=f"{base_url or _URL}/api/",
            timeout=max(1, round(TIMEOUT_S)),
            retry_handlers=[],
        )
        self._within_s = TIMEOUT_S

    async def verify(self) -> str:
        """Ask whose bot it is."""
        found = await self._asked(self._api.auth_test)
        return f"{found.get('user')} in {found.get('team')}"

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    async def channel(self, channel_id: str) -> SlackObject:
        """Give a channel."""
        found: SlackObject = (await self._asked(lambda: self._api.conversations_info(channel=channel_id)))["channel"]
        return found

    async def direct(self, email: str) -> str:
        """Give the id of the conversation with somebody.

        Raises:
            Rejected: nobody in the workspace has this address.
        """
        user = (await self._asked(lambda: self._api.users_lookupByEmail(email=email)))["user"]["id"]
        return str((await self._asked(lambda: self._api.conversations_open(users=[user])))["channel"]["id"])

    async def post(self, channel: str, text: str, key: str) -> SlackObject:
        """Post a message. Slack has no idempotency key: the message carries ours, to be found by."""
        # What a fact says must not become a mention or a link: `<!channel>` would call everybody.
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        metadata = {"event_type": EVENT, "event_payload": {"key": key}}
        return await self._asked(lambda: self._api.chat_postMessage(channel=channel, text=text, metadata=metadata, unfurl_links=False))

    async def find(self, channel: str, key: str, since: datetime) -> SlackObject | None:
        """Give the message that carries our key, if it is among those posted since then."""
        oldest = str(since.timestamp() - 60)
        found = await self._asked(
            lambda: self._api.conversations_history(channel=channel, oldest=oldest, include_all_metadata=True, limit=200)
        )
        mine = (each for each in found["messages"] if _key_of(each) == key)
        return next(({"channel": channel, "ts": each["ts"]} for each in mine), None)

    async def delete(self, channel: str, ts: str) -> bool:
        """Delete a message of the bot's; False when it is gone already."""
        try:
            await self._asked(lambda: self._api.chat_delete(channel=channel, ts=ts))
        except Rejected as error:
            if "message_not_found" in str(error):
                return False
            raise
        return True

    async def _asked(self, call: Callable[[], SlackResponse]) -> SlackObject:
        try:
            answer = await in_thread("Slack", self._within_s + 1, call)
            found = answer.data
        except SlackApiError as error:
            raise _ours(error) from None  # its text may repeat what was sent
        except (SlackClientError, json.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unavailable("Slack's answer is not one of its API", maybe_done=True) from error
        except ConnectionRefusedError as error:
            raise Unavailable("Slack cannot be reached") from error
        except (URLError, HTTPException, OSError) as error:
            raise Unavailable(f"Slack did not finish its answer: {type(error).__name__}", maybe_done=True) from error
        if not isinstance(found, dict):
            raise Unavailable("Slack's answer is not one of its API", maybe_done=True)
        return found


def _ours(error: SlackApiError) -> ConnectorError:
    answer = error.response
    status = int(getattr(answer, "status_code", 0) or 0)
    headers = {str(name).lower(): value for name, value in (getattr(answer, "headers", None) or {}).items()}
    told = getattr(answer, "data", None)
    code = str(told.get("error", "")) if isinstance(told, dict) else ""
    retry_after = headers.get("retry-after")
    retry_after = retry_after[0] if isinstance(retry_after, list) else retry_after
    if status >= 400 and status != 429:
        return error_for_status(status, f"Slack: {code[:100] or f'status {status}'}") or Unavailable("Slack does not answer")
    if status == 429 or code == "ratelimited":
        return RateLimited("Slack: too many calls", pause_of(retry_after))
    if code in _NOT_AUTHORIZED:
        return NotAuthorized(f"Slack does not let the bot do this ({code}); connect slack again, or give the app the scope")
    if code in _UNAVAILABLE:
        return Unavailable(f"Slack: {code}", maybe_done=True)
    if not _CODE.fullmatch(code):  # the SDK puts a sentence there when the answer was no JSON
        return Unavailable("Slack's answer is not one of its API", maybe_done=True)
    return Rejected(f"Slack: {code or 'refused'}")


def _key_of(message: SlackObject) -> str | None:
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("key") if metadata.get("event_type") == EVENT else None
    return None if key is None else str(key)
