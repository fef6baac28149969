"""Google's push notifications. They carry no news, only that there is some: the sync then asks what changed."""

import hmac
from datetime import UTC, datetime

from connectors.google_calendar.vendor import GoogleCalendarCredentials
from connectors.incoming import Delivered, Forged, Malformed, VendorEvent
from connectors.vendor import Credentials


def read_events(delivered: Delivered, credentials: Credentials) -> list[VendorEvent]:
    """Check the channel's token, and say that the calendar changed; the first message of a channel says nothing.

    Raises:
        Forged: the token is not ours.
        Malformed: a header that Google always sends is missing.
    """
    secret = GoogleCalendarCredentials.model_validate(credentials).channel_token
    given = delivered.headers.get("x-goog-channel-token", "")
    if secret is None or not hmac.compare_digest(given.encode(), secret.get_secret_value().encode()):
        raise Forged("the channel's token is not the one that was agreed")
    channel, number = delivered.headers.get("x-goog-channel-id"), delivered.headers.get("x-goog-message-number", "")
    state = delivered.headers.get("x-goog-resource-state")
    if not channel or not number.isdigit() or not state:
        raise Malformed("a push notification has a channel, a number and a state in its headers")
    if state == "sync":
        return []
    return [VendorEvent(id=f"{channel}:{number}", name="calendar.changed", occurred_at=datetime.now(UTC), fields={"state": state})]
