"""Reads CloudEvents: one in the body (structured), one in headers and body (binary), or many in the body (a batch)."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks import Webhook, WebhookVerificationError

from connectors.cloudevents.vendor import CloudEventsCredentials
from connectors.incoming import Delivered, Forged, Malformed, Ref, VendorEvent
from connectors.vendor import Credentials

Tree: TypeAlias = Any
"""JSON as it came."""

_STRUCTURED: Final = "application/cloudevents+json"
_BATCH: Final = "application/cloudevents-batch+json"
_JSON: Final = re.compile(r"(application|text)/([a-z0-9.-]+\+)?json")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_LONGEST: Final = 100
_MOST_EVENTS: Final = 1_000
# What the SDK raises on attributes of the wrong type or form.
_WRONG: Final = (BaseCloudEventException, ValueError, TypeError, AttributeError, KeyError)


def read_events(delivered: Delivered, credentials: Credentials) -> list[VendorEvent]:
    """Verify the signature and give the events.

    Raises:
        Forged, Malformed: see there.
    """
    _verify(delivered, CloudEventsCredentials.model_validate(credentials))
    kind = delivered.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _STRUCTURED:
        return [_event(_structured(_tree(delivered.body)))]
    if kind == _BATCH:
        several = _tree(delivered.body)
        if not isinstance(several, list) or len(several) > _MOST_EVENTS:
            raise Malformed(f"A batch is a list of at most {_MOST_EVENTS} events")
        return [_event(_structured(one)) for one in several]
    if "ce-specversion" in delivered.headers and (_JSON.fullmatch(kind) or not delivered.body):
        return [_event(_binary(delivered))]
    raise Malformed(f"Send {_STRUCTURED}, {_BATCH}, or JSON with the headers ce-id, ce-source, ce-type and ce-specversion")


def _verify(delivered: Delivered, credentials: CloudEventsCredentials) -> None:
    for secret in (credentials.secret, credentials.previous_secret):
        if secret is None:
            continue
        try:
            Webhook(secret.get_secret_value()).verify(delivered.body, dict(delivered.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: a signature that is no base64, a body that is no text
            continue
        return
    raise Forged("the signature of the Standard Webhooks rules is missing, wrong or too old")


def _tree(body: bytes) -> Tree:
    try:
        return json.loads(body)
    except ValueError:
        raise Malformed("The body is no JSON") from None


def _structured(tree: Tree) -> CloudEvent:
    if not isinstance(tree, Mapping) or not tree.get("id"):  # the SDK would make an id up, and the event could come twice
        raise Malformed("An event is a JSON object with an id")
    try:
        read = JSONFormat().read(CloudEvent, json.dumps(tree))
    except _WRONG as error:
        raise Malformed(_said(error)) from None
    return _known(read)


def _binary(delivered: Delivered) -> CloudEvent:
    # Headers are not signed, but for the id of the message: it ties them to the first delivery, and a second one is not looked at.
    if delivered.headers.get("ce-id", "") != delivered.headers.get("webhook-id"):
        raise Malformed("With the event in headers, ce-id and webhook-id are the same")
    try:
        read = from_binary(HTTPMessage(dict(delivered.headers), delivered.body), JSONFormat(), CloudEvent)
    except _WRONG as error:
        raise Malformed(_said(error)) from None
    return _known(read)


def _known(read: object) -> CloudEvent:
    if not isinstance(read, CloudEvent):
        raise Malformed("Only version 1.0 of CloudEvents is read")
    return read


def _said(error: Exception) -> str:
    """Say what the SDK found wrong, by attribute and without values."""
    wrong: Mapping[str, object] = getattr(error, "errors", {})
    return f"The event's attributes are not right: {', '.join(sorted(wrong))}" if wrong else "The event cannot be read as a CloudEvent"


def _event(event: CloudEvent) -> VendorEvent:
    source, name, subject = event.get_source(), _name(event.get_type()), event.get_subject()
    account = event.get_extension("account")
    if any(character.isspace() for character in source) or (account is not None and not isinstance(account, str)):
        raise Malformed("The source is a URI without spaces, and the extension account a text")
    address = subject if subject and "@" in subject else None
    named = None if address else subject
    return VendorEvent(
        # Unique are the two together.
        id=f"{source} {event.get_id()}",
        name=name,
        occurred_at=event.get_time() or datetime.now(UTC),
        fields=_fields(event.get_data()),
        refs=(Ref("subject", named),) if named else (),
        address=address,
        account=account or named,
    )


def _name(kind: str) -> str:
    name = re.sub("[^a-z0-9_.]", "_", kind.lower())
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise Malformed(f"The type is a name such as invoice.payment_failed, at most {_LONGEST} letters long")
    return name


def _fields(data: Tree) -> dict[str, Tree]:
    """Give what playbooks read: the data's own fields, or `data` where it is no object."""
    if isinstance(data, dict):
        return data
    return {} if data is None or isinstance(data, bytes) else {"data": data}
