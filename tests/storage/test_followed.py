"""What a step's output becomes when something is heard of what it made, in whatever order it is heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import get_args

import pytest

from activities.definitions.email import EmailOutput
from activities.definitions.meetings import MeetingOutput
from playbook_dsl.values import Json
from storage.followed import _KINDS, fields_now, followed_of

START = datetime(2026, 11, 20, tzinfo=UTC)
MOVED: dict[str, Json] = {"meeting_id": "m", "start": {"$datetime": "2026-11-25T09:00:00+00:00"}, "end": "not marked"}


def heard_in_order(names: tuple[tuple[str, int], ...]) -> dict[str, object]:
    """Let events be heard one after the other; each happened at the minute beside its name."""
    output: dict[str, object] = {}
    heard: list[tuple[str, datetime]] = []
    for name, minute in names:
        at = START + timedelta(minutes=minute)
        heard.append((name, at))
        output |= fields_now(name, at, {"n": minute}, heard)
    return output


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((("email.delivered", 1), ("email.opened", 2), ("email.clicked", 3)), "opened"),
        ((("email.delivered", 1), ("email.replied", 3), ("email.opened", 4)), "replied"),
        ((("email.delivered", 1), ("email.bounced", 2)), "bounced"),
        ((("meeting.booked", 1), ("meeting.moved", 2), ("meeting.cancelled", 3)), "cancelled"),
        ((("meeting.cancelled", 1), ("meeting.booked", 2)), "confirmed"),
    ],
)
def test_the_output_is_the_same_in_every_order(events: tuple[tuple[str, int], ...], status: str) -> None:
    assert {str(heard_in_order(order)["status"]) for order in permutations(events)} == {status}


def test_statuses_are_those_that_the_outputs_have() -> None:
    for kind, output in (("email", EmailOutput), ("meeting", MeetingOutput)):
        allowed = get_args(output.model_fields["status"].annotation)
        assert set(_KINDS[kind].statuses.values()) <= set(allowed)


def test_a_meeting_that_was_moved_carries_its_times_when_they_are_times() -> None:
    assert fields_now("meeting.moved", START, MOVED, [("meeting.moved", START)]) == {"status": "confirmed", "start": MOVED["start"]}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("invoice.paid", {"message_id": "x"}),
        ("email.opened", {}),
        ("email.opened", {"message_id": ""}),
        ("email.opened", {"message_id": 5}),
        ("email.unsubscribed", {"message_id": "x"}),
    ],
)
def test_what_no_play_made_is_not_followed(name: str, fields: dict[str, object]) -> None:
    assert followed_of(name, fields) is None  # type: ignore[arg-type]  # odd on purpose
