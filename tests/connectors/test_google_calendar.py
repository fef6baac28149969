from __future__ import annotations

import pytest

from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from connectors.google_calendar.webhooks import read_events
from connectors.incoming import Delivered, Forged, Malformed
from connectors.sandbox.serving import serving

HEADERS = {
    "x-goog-channel-id": "c1",
    "x-goog-channel-token": "sandbox-channel",
    "x-goog-message-number": "7",
    "x-goog-resource-state": "exists",
}
CREDENTIALS = GOOGLE_CALENDAR.read_credentials(dict(GOOGLE_CALENDAR.sandbox))


def push(**changed: str) -> Delivered:
    headers = {**HEADERS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return Delivered({name: value for name, value in headers.items() if value}, b"", "https://example.com/v1/hooks/google_calendar")


def test_a_push_says_that_something_changed() -> None:
    [event] = read_events(push(), CREDENTIALS)

    assert (event.id, event.name) == ("c1:7", "calendar.changed")


def test_the_first_message_of_a_channel_says_nothing() -> None:
    assert read_events(push(x_goog_resource_state="sync"), CREDENTIALS) == []


@pytest.mark.parametrize("token", ["", "other", "sandbox-channel "])
def test_a_push_with_another_token_is_forged(token: str) -> None:
    with pytest.raises(Forged):
        read_events(push(x_goog_channel_token=token), CREDENTIALS)


@pytest.mark.parametrize("header", ["x_goog_channel_id", "x_goog_message_number", "x_goog_resource_state"])
def test_a_push_without_its_headers_is_malformed(header: str) -> None:
    with pytest.raises(Malformed):
        read_events(push(**{header: ""}), CREDENTIALS)


async def test_changes_are_read_from_where_the_last_listing_ended() -> None:
    fake = FakeGoogleCalendar()
    for number in range(5):
        fake._touch(fake.events.setdefault(f"e{number}", {"id": f"e{number}", "status": "confirmed"}))
    with serving(fake) as url:
        client = GOOGLE_CALENDAR.connect(dict(GOOGLE_CALENDAR.sandbox), url)
        first = await client.changed("event", None, 3)
        rest = await client.changed("event", first.cursor, 3)
        fake._touch(fake.events["e1"], status="cancelled")
        news = await client.changed("event", rest.cursor, 3)
        anew = await client.changed("event", "sync:too-old", 100)
        await client.close()

    assert ([each.external_id for each in first.records], first.more) == (["e0", "e1", "e2"], True)
    assert ([each.external_id for each in rest.records], rest.more) == (["e3", "e4"], False)
    assert [(each.external_id, each.deleted) for each in news.records] == [("e1", True)]
    assert len(anew.records) == 5
