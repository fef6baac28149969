"""What SendGrid tells: what became of mails, and who wants no more."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from sendgrid.helpers.eventwebhook import EventWebhook

from connectors.incoming import Delivered, Forged, Malformed, VendorEvent
from connectors.sendgrid.vendor import SendGridCredentials
from connectors.vendor import Credentials

Told: TypeAlias = Mapping[str, Any]
"""One event as SendGrid has it."""

_NAMES: Final = {
    "delivered": "email.delivered",
    "open": "email.opened",
    "click": "email.clicked",
    "bounce": "email.bounced",
    "dropped": "email.bounced",
    "spamreport": "email.complained",
    "unsubscribe": "email.unsubscribed",
    "group_unsubscribe": "email.unsubscribed",
}
_STATUSES: Final = {"email.delivered": "delivered", "email.opened": "opened", "email.clicked": "opened", "email.bounced": "bounced"}
_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"


def read_events(delivered: Delivered, credentials: Credentials) -> list[VendorEvent]:
    """Check the signature over time and body, and give what it says.

    Raises:
        Forged: the signature is not SendGrid's, or no verification key is kept to tell.
        Malformed: it is not a list of events.
    """
    given = SendGridCredentials.model_validate(credentials)
    verifier = verifier_of(given.webhook_key.get_secret_value()) if given.webhook_key is not None else None
    if verifier is None or not _is_signed(verifier, delivered):
        raise Forged("the signature is not SendGrid's, or the connector sendgrid has no webhook_key to tell")
    try:
        told = json.loads(delivered.body)
    except ValueError as error:
        raise Malformed("SendGrid sends JSON") from error
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise Malformed("SendGrid sends a list of events")
    return [event for each in told if (event := _event(each)) is not None]


def verifier_of(key: str) -> EventWebhook | None:
    """Give what verifies signatures by this key, None when it is none."""
    try:
        return EventWebhook(key)
    except ValueError:
        return None


def _is_signed(verifier: EventWebhook, delivered: Delivered) -> bool:
    signature, timestamp = delivered.headers.get(_SIGNATURE, ""), delivered.headers.get(_TIMESTAMP, "")
    try:
        return bool(signature and timestamp and verifier.verify_signature(delivered.body.decode(), signature, timestamp))
    except ValueError:  # neither text nor base64
        return False


def _event(told: Told) -> VendorEvent | None:
    name = _NAMES.get(str(told.get("event")))
    # An open by a machine (a mail program that loads pictures ahead) is nobody's.
    if name is None or told.get("sg_machine_open") is True:
        return None
    event_id, timestamp, address = told.get("sg_event_id"), told.get("timestamp"), told.get("email")
    if not isinstance(event_id, str) or not isinstance(timestamp, int) or not isinstance(address, str):
        raise Malformed("an event of SendGrid has sg_event_id, timestamp and email")
    try:
        at = datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("the timestamp of an event is not a time") from error
    fields = {"message_id": told.get("message_id"), "status": _STATUSES.get(name), **_more(name, told)}
    return VendorEvent(event_id, name, at, {key: value for key, value in fields.items() if value is not None}, address=address)


def _more(name: str, told: Told) -> dict[str, object]:
    if name == "email.bounced":
        # `blocked` is a server's momentary refusal. A mail is dropped for many reasons, of which one says the address is no good.
        is_hard = told.get("type") == "bounce" if told.get("event") == "bounce" else told.get("reason") == "Bounced Address"
        return {"hard": is_hard, "reason": told.get("reason")}
    return {"url": told.get("url")} if name == "email.clicked" else {"group": told.get("asm_group_id")}
