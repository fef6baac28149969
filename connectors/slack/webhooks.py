"""What Slack tells: buttons that were pressed, and replies to messages."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from connectors.incoming import Delivered, Forged, Malformed, Reply, VendorEvent
from connectors.slack.questions import ANSWERS
from connectors.slack.vendor import SlackCredentials
from connectors.vendor import Credentials

Told: TypeAlias = Mapping[str, Any]
"""What Slack sends, or a part of it."""

_FORM: Final = "application/x-www-form-urlencoded"


def read_events(delivered: Delivered, credentials: Credentials) -> Sequence[VendorEvent] | Reply:
    """Check the signature over time and body, and give what it says.

    Raises:
        Forged: the signature is not Slack's or older than five minutes, or no signing secret is kept to tell.
        Malformed: it has not the form of Slack's interactions and events.
    """
    given = SlackCredentials.model_validate(credentials)
    if given.signing_secret is None or not _is_signed(given.signing_secret.get_secret_value(), delivered):
        raise Forged("the signature is not Slack's or too old, or the connector slack has no signing_secret to tell")
    told = _told(delivered)
    match told.get("type"):
        case "url_verification":
            return Reply(body=_text(told, "challenge"))
        case "block_actions":
            return [event for action in _list(told, "actions") if (event := _pressed(told, action)) is not None]
        case "event_callback":
            return _replied(told)
        case _:
            return []


def _is_signed(secret: str, delivered: Delivered) -> bool:
    from slack_sdk.signature import SignatureVerifier  # the SDK takes a while to import

    try:
        return bool(SignatureVerifier(secret).is_valid_request(delivered.body, dict(delivered.headers)))
    except (ValueError, TypeError):  # a time that is no number, a body that is no text, a signature with letters from elsewhere
        return False


def _told(delivered: Delivered) -> Told:
    try:
        text = delivered.body.decode()
        if delivered.headers.get("content-type", "").startswith(_FORM):
            text = parse_qs(text, strict_parsing=True)["payload"][0]
        told = json.loads(text)
    except (ValueError, KeyError) as error:
        raise Malformed("Slack sends JSON, or a form with JSON as its payload") from error
    if not isinstance(told, dict):
        raise Malformed("Slack sends an object")
    return told


def _pressed(told: Told, action: Told) -> VendorEvent | None:
    """Give the press of a button. One of ours names an item of the inbox; others belong to blocks that a playbook's author wrote."""
    container = told.get("container")
    if not isinstance(container, dict) or container.get("type") != "message":
        return None
    channel, ts, at = _text(container, "channel_id"), _text(container, "message_ts"), _text(action, "action_ts")
    user, pressed = _text(_part(told, "user"), "id"), _text(action, "action_id")
    fields = {"message_id": f"{channel}/{ts}", "user": user, "action": pressed, "value": action.get("value")}
    if pressed in ANSWERS:
        fields |= {"item": _text(action, "value"), "answer": ANSWERS[pressed]}
    return VendorEvent(f"action:{channel}:{ts}:{at}:{user}", "slack.action", _moment(at), fields)


def _replied(told: Told) -> list[VendorEvent]:
    """Give a person's reply, in a thread or in the conversation with the app; whatever else is said in a channel is nobody's business."""
    event = _part(told, "event")
    is_persons = event.get("type") == "message" and not event.get("subtype") and not event.get("bot_id")
    thread = event.get("thread_ts")
    if not is_persons or not (thread or event.get("channel_type") == "im"):
        return []
    channel, at = _text(event, "channel"), _text(event, "ts")
    fields = {
        "message_id": f"{channel}/{thread}" if isinstance(thread, str) else None,
        "user": _text(event, "user"),
        "channel": channel,
        "text": event.get("text") or "",
    }
    return [VendorEvent(_text(told, "event_id"), "slack.replied", _moment(at), fields)]


def _moment(ts: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("a timestamp of Slack is not a time") from error


def _part(told: Told, name: str) -> Told:
    part = told.get(name)
    if not isinstance(part, dict):
        raise Malformed(f'"{name}" is missing')
    return part


def _list(told: Told, name: str) -> list[Told]:
    found = told.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Malformed(f'"{name}" is missing')
    return found


def _text(told: Told, name: str) -> str:
    text = told.get(name)
    if not isinstance(text, str) or not text:
        raise Malformed(f'"{name}" is missing')
    return text
