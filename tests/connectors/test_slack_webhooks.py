from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

import pytest

from connectors.incoming import Delivered, Forged, Malformed, Reply, VendorEvent
from connectors.slack.questions import APPROVE, REJECT, Asked, question
from connectors.slack.vendor import SLACK
from connectors.slack.webhooks import read_events

Loose: TypeAlias = Any
"""Whatever a field of Slack's may hold."""

URL = "https://example.com/v1/hooks/slack"
CREDENTIALS = SLACK.read_credentials(dict(SLACK.sandbox))
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def signed(body: bytes, kind: str = JSON, *, secret: str = SLACK.sandbox["signing_secret"], age_s: int = 0) -> Delivered:
    """Signed by hand, not with the SDK that verifies."""
    at = str(int(time.time()) - age_s)
    signature = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return Delivered({"x-slack-request-timestamp": at, "x-slack-signature": f"v0={signature}", "content-type": kind}, body, URL)


def interaction(action_id: str = APPROVE, value: str | None = "item-1", **changes: Loose) -> bytes:
    action = {"type": "button", "action_id": action_id, "block_id": "b", "value": value, "action_ts": "1764000000.500000"}
    container = {"type": "message", "channel_id": "D00000001", "message_ts": "1763999999.000100"}
    told = {"type": "block_actions", "user": {"id": "U00000001", "team_id": "T1"}, "actions": [action], "container": container} | changes
    return urlencode({"payload": json.dumps(told)}).encode()


def message(**changes: Loose) -> bytes:
    event = {"type": "message", "channel": "C00000001", "user": "U00000001", "text": "On it", "ts": "1764000001.000100"}
    event |= {"thread_ts": "1763999999.000100"} | changes
    return json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()


def read(body: bytes, kind: str = JSON) -> list[VendorEvent]:
    events = read_events(signed(body, kind), CREDENTIALS)
    assert isinstance(events, list)
    return events


@pytest.mark.parametrize(("action_id", "answer"), [(APPROVE, "approve"), (REJECT, "reject")])
def test_a_pressed_button_says_what_is_decided_and_by_whom(action_id: str, answer: str) -> None:
    [event] = read(interaction(action_id), FORM)

    assert (event.name, event.fields["item"], event.fields["answer"], event.fields["user"]) == (
        "slack.action",
        "item-1",
        answer,
        "U00000001",
    )
    assert event.fields["message_id"] == "D00000001/1763999999.000100"
    assert event.occurred_at.isoformat() == "2025-11-24T16:00:00.500000+00:00"


def test_the_same_press_is_the_same_event_and_another_ones_is_another() -> None:
    first, again = read(interaction(), FORM)[0].id, read(interaction(), FORM)[0].id
    other = read(interaction(user={"id": "U00000002"}), FORM)[0].id

    assert first == again != other


def test_a_button_of_an_authors_own_blocks_decides_nothing() -> None:
    [event] = read(interaction("escalate", "high"), FORM)

    assert (event.fields["action"], event.fields["value"]) == ("escalate", "high")
    assert "item" not in event.fields
    assert "answer" not in event.fields


def test_the_buttons_carry_the_item_and_a_value_calls_nobody() -> None:
    asked = Asked("Give <!channel> 20 %?", "R&D asks", "ACME", datetime(2026, 11, 27, 10, tzinfo=UTC))
    section, context, actions = question("item-1", asked)

    assert [button["value"] for button in actions["elements"]] == ["item-1", "item-1"]
    assert section["text"]["text"] == "Give &lt;!channel&gt; 20 %?"
    assert [each["text"] for each in context["elements"]] == [
        "ACME",
        "R&amp;D asks",
        "Until <!date^1795773600^{date_short_pretty} {time}|2026-11-27 10:00 UTC>",
    ]


def test_a_question_of_any_length_fits_in_slacks_blocks() -> None:
    blocks = question("item-1", Asked("&" * 5_000, "<" * 5_000))

    assert len(blocks[0]["text"]["text"]) <= 3_000
    assert all(len(each["text"]) <= 3_000 for each in blocks[1]["elements"])
    assert blocks[0]["text"]["text"].endswith("&amp;…")


def test_slacks_challenge_is_answered() -> None:
    assert read_events(signed(json.dumps({"type": "url_verification", "challenge": "c1"}).encode()), CREDENTIALS) == Reply(body="c1")


def test_a_reply_names_the_message_it_answers() -> None:
    [event] = read(message())

    assert (event.id, event.name, event.fields["message_id"], event.fields["text"]) == (
        "Ev1",
        "slack.replied",
        "C00000001/1763999999.000100",
        "On it",
    )


@pytest.mark.parametrize("changes", [{"bot_id": "B1"}, {"subtype": "message_changed"}, {"thread_ts": None}, {"type": "reaction_added"}])
def test_what_is_no_persons_reply_is_no_event(changes: dict[str, Any]) -> None:
    assert read(message(**changes)) == []


def test_what_is_written_to_the_app_itself_needs_no_thread() -> None:
    [event] = read(message(thread_ts=None, channel_type="im"))

    assert event.fields["message_id"] is None


@pytest.mark.parametrize(
    "delivered",
    [
        signed(interaction(), FORM, secret="another-secret"),
        signed(interaction(), FORM, age_s=301),
        signed(interaction(), FORM, age_s=-86_400),  # the suite may come to this half an hour after it was collected
        Delivered({**signed(interaction(), FORM).headers, "x-slack-request-timestamp": "soon"}, interaction(), URL),
        Delivered({**signed(interaction(), FORM).headers, "x-slack-signature": "v0=ü"}, interaction(), URL),
        Delivered(signed(interaction(), FORM).headers, interaction(REJECT), URL),
        Delivered(signed(b"\xff").headers, b"\xff", URL),
        Delivered({}, interaction(), URL),
    ],
)
def test_what_is_signed_otherwise_or_old_is_forged(delivered: Delivered) -> None:
    with pytest.raises(Forged):
        read_events(delivered, CREDENTIALS)


def test_without_a_signing_secret_nobody_is_believed() -> None:
    with pytest.raises(Forged):
        read_events(signed(interaction(), FORM), SLACK.read_credentials({"bot_token": "xoxb-sandbox"}))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"no JSON", JSON),
        (b"[]", JSON),
        (b"other=1", FORM),
        (b"payload=no", FORM),
        (interaction(user=None), FORM),
        (interaction(actions=["x"]), FORM),
        (interaction(value=None), FORM),
        (message(ts="soon"), JSON),
        (message(user=None), JSON),
        (json.dumps({"type": "event_callback"}).encode(), JSON),
        (json.dumps({"type": "url_verification"}).encode(), JSON),
    ],
)
def test_what_has_another_form_is_malformed(body: bytes, kind: str) -> None:
    with pytest.raises(Malformed):
        read_events(signed(body, kind), CREDENTIALS)
