"""What Slack refuses with: mostly status 200 and a code."""

import re
from collections.abc import Mapping
from typing import Any, Final

from slack_sdk.web import SlackResponse

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, pause_of

_NO_ACCESS: Final = frozenset(
    {
        "not_authed",
        "invalid_auth",
        "access_denied",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "no_permission",
        "not_allowed_token_type",
        "missing_scope",
        "org_login_required",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "team_access_not_granted",
        "two_factor_setup_required",
    }
)
_LIMITS: Final = frozenset({"ratelimited", "rate_limited"})
# Slack says of these two that "some aspect of the operation" may have succeeded.
_IN_DOUBT: Final = frozenset({"internal_error", "fatal_error"})
# The request came in pieces, the workspace is being moved, the service takes no requests: nothing was done.
_AWAY: Final = frozenset({"request_timeout", "team_added_to_org", "service_unavailable"})
_HINTS: Final[Mapping[str, str]] = {
    "users_not_found": "nobody in the workspace has this e-mail address",
    "channel_not_found": "there is no such channel, or it is private and the app is not in it: invite the app",
    "not_in_channel": "the app is not in the channel: invite it",
    "is_archived": "the channel is archived",
    "msg_too_long": "the message is too long",
    "cant_delete_message": "the app may not delete this message",
    "token_revoked": "the token was revoked: install the app again and save its new token",
    "account_inactive": "the app was removed from the workspace: install it again and save its new token",
    "invalid_auth": "the token is not valid: copy the bot token again",
}
_CODE: Final = re.compile(r"[a-z0-9_]{2,80}")
_SCOPES: Final = re.compile(r"[a-z0-9_.:,-]{2,200}")


class Refused(ConnectorError):
    """A refusal that knows Slack's code for it."""

    code: str = ""


class RefusedRequest(Rejected, Refused):
    """Slack will never take this request."""


class RefusedAccess(NotAuthorized, Refused):
    """The app may not do this."""


def refusal_of(response: object) -> ConnectorError:
    """Give the error that an answer with `ok: false` stands for."""
    data = response.data if isinstance(response, SlackResponse) else None
    code = data.get("error") if isinstance(data, dict) else None
    if not isinstance(response, SlackResponse) or not isinstance(data, dict) or not isinstance(code, str) or not _CODE.fullmatch(code):
        return Unavailable("Slack's answer is not one of its API", maybe_done=True)
    said = f"Slack: {_said(code, data)}"
    if code in _LIMITS:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return RateLimited(said, pause_of(headers.get("retry-after")))
    if code in _AWAY or code in _IN_DOUBT:
        return Unavailable(said, maybe_done=code in _IN_DOUBT)
    refused: RefusedAccess | RefusedRequest = RefusedAccess(said) if code in _NO_ACCESS else RefusedRequest(said)
    refused.code = code
    return refused


def _said(code: str, data: Mapping[str, Any]) -> str:
    needed = data.get("needed")
    if code == "missing_scope" and isinstance(needed, str) and _SCOPES.fullmatch(needed):
        return f'the app lacks the scope "{needed}" (missing_scope): add it, install the app again, and save its new token'
    hint = _HINTS.get(code)
    return f"{hint} ({code})" if hint else code
