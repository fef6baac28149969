"""What Twilio tells: what became of messages, and what people answered."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict

from connectors.incoming import Delivered, Forged, Malformed, VendorEvent
from connectors.twilio.vendor import TwilioCredentials
from connectors.vendor import Credentials

_STATUSES: Final = {"delivered": "sms.delivered", "undelivered": "sms.failed", "failed": "sms.failed"}
_STOP: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_START: Final = frozenset({"START", "YES", "UNSTOP"})


def read_events(delivered: Delivered, credentials: Credentials) -> list[VendorEvent]:
    """Check the signature over address and form, and give what it says.

    Raises:
        Forged: the signature is not Twilio's.
        Malformed: it is no form, or names no message.
    """
    from twilio.request_validator import RequestValidator  # the SDK takes half a second to import

    given = TwilioCredentials.model_validate(credentials)
    try:
        # With all the values of a name that comes several times, because all of them are signed.
        pairs = parse_qsl(delivered.body.decode(), keep_blank_values=True, strict_parsing=True) if delivered.body else []
        form = ImmutableMultiDict(pairs)
    except ValueError as error:
        raise Malformed("Twilio sends a form") from error
    validator = RequestValidator(given.auth_token.get_secret_value())
    if not validator.validate(delivered.url, form, delivered.headers.get("x-twilio-signature", "")):
        raise Forged("the signature is not Twilio's")
    if form.get("AccountSid") not in (None, given.account_sid):
        raise Forged("the message is of another account")
    sid = form.get("MessageSid") or form.get("SmsSid")
    if not sid:
        raise Malformed("a message of Twilio has a MessageSid")
    return _status(form, sid) if "MessageStatus" in form else _answer(form, sid)


def _status(form: Mapping[str, str], sid: str) -> list[VendorEvent]:
    status = form["MessageStatus"]
    name = _STATUSES.get(status)
    if name is None:
        return []
    fields = {"message_id": sid, "status": status, "error_code": form.get("ErrorCode")}
    return [VendorEvent(f"{sid}:{status}", name, datetime.now(UTC), fields, address=form.get("To"))]


def _answer(form: Mapping[str, str], sid: str) -> list[VendorEvent]:
    text = form.get("Body", "")
    word = text.strip().upper()
    name = "sms.stopped" if word in _STOP else "sms.started" if word in _START else "sms.replied"
    return [VendorEvent(sid, name, datetime.now(UTC), {"message_id": sid, "text": text}, address=form.get("From"))]
