"""Approvals in Slack, through everything: a play asks, the stand-in gets the message, and a signed press of a button decides."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import pytest

from api.limits import MAX_HOOK_BYTES
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.slack.fake import FakeSlack
from connectors.slack.questions import APPROVE, REJECT
from settings import Settings
from tests.api.conftest import Caller, JsonTree, Served
from tests.api.test_bad_input import assert_problem

pytestmark = pytest.mark.servers

T = TypeVar("T")

HOOK = "/v1/hooks/slack"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SECRET = "canary-signing-secret"
CREDENTIALS = {"bot_token": "xoxb-sandbox-canary", "signing_secret": SECRET}
ONE = """
playbook: one
title: Save the account
steps:
  - id: agree
    approve: {by: csm, question: "Give {{ account.name }} 20 % & a <call>?"}
"""
BOTH = """
playbook: both
title: Two must agree
steps:
  - id: agree
    approve: {by: [csm, csm.manager], need: 2, question: Shall we?}
"""


@pytest.fixture(scope="module")
def slack() -> FakeSlack:
    fake = FakeSlack()
    for email in ("maria@example.com", "tom@example.com", "eve@example.com"):
        fake.add_user(email)
    return fake


@pytest.fixture(scope="module")
def settings(settings: Settings, slack: FakeSlack) -> Iterator[Settings]:
    with serving(slack) as url:
        yield settings.model_copy(update={"vendor_sandbox_url": url})


@pytest.fixture(scope="module")
def team(api: Caller) -> Caller:
    """The API of a team that is connected to Slack."""
    api.put("/v1/connectors/slack", {"credentials": CREDENTIALS})
    api.publish(ONE)
    api.publish(BOTH)
    return api


MARIA, TOM, EVE = "U00000000", "U00000001", "U00000002"


def until(holds: Callable[[], T], timeout_s: float = 20) -> T:
    """Give what the function gives as soon as it gives something."""
    deadline = time.monotonic() + timeout_s
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.05)
    return found


def asked(slack: FakeSlack, item: str) -> tuple[str, JsonTree] | None:
    """The message with the buttons of an item, and its conversation."""
    for channel, messages in slack.messages.items():
        for message in messages:
            if any(element.get("value") == item for block in message.get("blocks", []) for element in block.get("elements", [])):
                return channel, message
    return None


def presses(team: Caller, item: str) -> list[JsonTree]:
    return [each for each in team.get("/v1/events", params={"limit": 200})["items"] if each["fields"].get("item") == item]


def message_with(slack: FakeSlack, item: str) -> tuple[str, JsonTree]:
    """The same, as soon as it is there."""
    until(lambda: asked(slack, item) is not None)
    found = asked(slack, item)
    assert found is not None
    return found


def said(slack: FakeSlack, ts: str) -> JsonTree:
    return next(message for message in slack.all_messages() if message["ts"] == ts)


def press(channel: str, message: JsonTree, item: str, user: str, action: str = APPROVE, *, at: str | None = None) -> bytes:
    moment = at or f"{time.time():.6f}"
    told = {
        "type": "block_actions",
        "user": {"id": user},
        "actions": [{"type": "button", "action_id": action, "value": item, "action_ts": moment}],
        "container": {"type": "message", "channel_id": channel, "message_ts": message["ts"]},
    }
    return urlencode({"payload": json.dumps(told)}).encode()


def deliver(
    api: Caller, body: bytes, *, secret: str = SECRET, age_s: int = 0, kind: str = "application/x-www-form-urlencoded"
) -> httpx.Response:
    at = str(int(time.time()) - age_s)
    signature = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={signature}", "content-type": kind}
    return api.http.post(HOOK, content=body, headers=headers)


def question_of(
    team: Caller, slack: FakeSlack, playbook: str, account: str, owner: str = "maria"
) -> tuple[JsonTree, JsonTree, str, JsonTree]:
    """Start a play, and give it with its item and the message in Slack."""
    run = team.start(playbook, account)
    team.step_when(run["id"], "agree", "waiting")
    items = team.get("/v1/tasks", params={"run": run["id"], "owner": "maria"})["items"]
    channel, message = message_with(slack, items[0]["id"])
    return run, items[0], channel, message


def test_a_press_of_the_owner_makes_the_play_go_on(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    shown = json.dumps(message["blocks"])

    answer = deliver(team, press(channel, message, item["id"], MARIA))
    ended = team.closed(run["id"])
    until(lambda: "blocks" not in said(slack, message["ts"]))
    closed = team.get(f"/v1/tasks/{item['id']}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert channel == f"D{MARIA[1:]}"
    assert "Give ACME 20 % &amp; a &lt;call&gt;?" in shown
    assert "waits for it" in shown
    assert account in shown
    assert (ended["outcome"], ended["steps"][0]["detail"]) == ("completed", "approved")
    assert (closed["status"], closed["closed_by"], closed["answers"]) == ("done", "maria", {"approved": True})
    assert said(slack, message["ts"])["text"].endswith("\nApproved by Maria Keller.")


def test_a_rejection_is_one(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)

    deliver(team, press(channel, message, item["id"], MARIA, REJECT))
    ended = team.closed(run["id"])
    until(lambda: "blocks" not in said(slack, message["ts"]))

    assert ended["steps"][0]["detail"] == "rejected"
    assert said(slack, message["ts"])["text"].endswith("\nRejected by Maria Keller.")


def test_somebody_else_decides_nothing_and_is_told_so(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    before = len(slack.whispers)

    deliver(team, press(channel, message, item["id"], EVE))
    deliver(team, press(channel, message, item["id"], TOM))
    until(lambda: len(slack.whispers) == before + 2)

    assert {each["user"] for each in slack.whispers[before:]} == {EVE, TOM}
    assert all("for Maria Keller to decide, and nothing was changed" in each["text"] for each in slack.whispers[before:])
    assert team.get(f"/v1/tasks/{item['id']}")["status"] == "open"
    assert "blocks" in said(slack, message["ts"])
    team.post(f"/v1/runs/{run['id']}/cancel", {})


@pytest.mark.parametrize("mark", ["is_bot", "deleted", "is_stranger"])
def test_an_address_that_is_not_vouched_for_decides_nothing(team: Caller, slack: FakeSlack, account: str, mark: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    impostor = slack.add_user("maria@example.com", **{mark: True})
    before = len(slack.whispers)

    deliver(team, press(channel, message, item["id"], impostor))
    until(lambda: len(slack.whispers) > before)
    del slack.users[impostor]

    assert team.get(f"/v1/tasks/{item['id']}")["status"] == "open"
    team.post(f"/v1/runs/{run['id']}/cancel", {})


def test_a_replayed_press_decides_once_and_a_late_one_is_told_what_was_decided(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    body = press(channel, message, item["id"], MARIA)
    before = len(slack.whispers)

    answers = [deliver(team, body) for _ in range(3)]
    team.closed(run["id"])
    until(lambda: "blocks" not in said(slack, message["ts"]))
    deliver(team, press(channel, message, item["id"], MARIA, REJECT))
    until(lambda: len(slack.whispers) > before)
    until(lambda: all(each["account"] for each in presses(team, item["id"])))
    events = presses(team, item["id"])

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(events) == 2
    assert {each["account"] for each in events} == {account}
    assert [each["text"] for each in slack.whispers[before:]] == ["Nothing was changed. It is closed already. Approved by Maria Keller."]
    assert team.get(f"/v1/tasks/{item['id']}")["answers"] == {"approved": True}


def test_the_answer_that_was_given_in_the_inbox_meanwhile_needs_no_reproach(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    before = len(slack.whispers)

    team.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": True}})
    team.closed(run["id"])
    deliver(team, press(channel, message, item["id"], MARIA))
    until(lambda: all(each["account"] for each in presses(team, item["id"])))

    assert len(slack.whispers) == before
    assert said(slack, message["ts"])["text"].endswith("Approved by Maria Keller.")


def test_a_scope_that_is_missing_is_named_to_who_pressed(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    before = len(slack.whispers)
    refusal = {"ok": False, "error": "missing_scope", "needed": "users:read"}
    slack.faults.append(Fault("status", 200, {}, json.dumps(refusal), path="users.info"))

    deliver(team, press(channel, message, item["id"], MARIA))
    until(lambda: len(slack.whispers) > before)

    assert '"users:read"' in slack.whispers[-1]["text"]
    assert slack.whispers[-1]["text"].endswith("save its new token. Please answer in Playkeeper's inbox.")
    assert team.get(f"/v1/tasks/{item['id']}")["status"] == "open"
    team.post(f"/v1/runs/{run['id']}/cancel", {})


def test_two_people_must_both_press(team: Caller, slack: FakeSlack, account: str) -> None:
    run, first, channel, message = question_of(team, slack, "both", account)
    second = team.get("/v1/tasks", params={"run": run["id"], "owner": "tom"})["items"][0]
    toms_channel, toms = message_with(slack, second["id"])

    deliver(team, press(channel, message, first["id"], MARIA))
    until(lambda: "blocks" not in said(slack, message["ts"]))
    waiting = team.get(f"/v1/runs/{run['id']}")["steps"][0]["status"]
    deliver(team, press(channel, toms, second["id"], MARIA))
    deliver(team, press(toms_channel, toms, second["id"], MARIA))
    time.sleep(0.5)
    still = team.get(f"/v1/tasks/{second['id']}")["status"]
    deliver(team, press(toms_channel, toms, second["id"], TOM))
    ended = team.closed(run["id"])

    assert (waiting, still) == ("waiting", "open")
    assert ended["steps"][0]["detail"] == "approved"


def test_what_is_decided_in_the_inbox_shows_in_slack(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, _, message = question_of(team, slack, "one", account)

    team.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": False}})
    team.closed(run["id"])
    until(lambda: "blocks" not in said(slack, message["ts"]))

    assert said(slack, message["ts"])["text"].endswith("\nRejected by Maria Keller.")


@pytest.mark.parametrize("trouble", [{"secret": "another-secret"}, {"age_s": 301}, {"age_s": -900}])
def test_a_press_that_is_forged_or_old_is_refused(team: Caller, slack: FakeSlack, account: str, trouble: dict[str, JsonTree]) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)

    assert_problem(deliver(team, press(channel, message, item["id"], MARIA), **trouble), 401, "AUTH003")
    assert team.get(f"/v1/tasks/{item['id']}")["status"] == "open"
    team.post(f"/v1/runs/{run['id']}/cancel", {})


def test_what_is_too_large_or_only_looked_at_changes_nothing(team: Caller) -> None:
    assert_problem(deliver(team, b"payload=" + b"x" * MAX_HOOK_BYTES), 413, "DATA003")
    for method in ("GET", "HEAD", "PUT"):
        assert team.http.request(method, HOOK, params={"payload": "x"}).status_code == 405


def test_a_button_on_another_message_than_the_one_that_asked_decides_nothing(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)

    answer = deliver(team, press(channel, {**message, "ts": "1763999999.000100"}, item["id"], MARIA))
    time.sleep(1)

    assert answer.status_code == 200
    assert team.get(f"/v1/tasks/{item['id']}")["status"] == "open"
    team.post(f"/v1/runs/{run['id']}/cancel", {})


def test_slacks_challenge_is_answered(team: Caller) -> None:
    answer = deliver(team, json.dumps({"type": "url_verification", "challenge": "3eZb"}).encode(), kind=JSON)

    assert (answer.status_code, answer.text) == (200, "3eZb")


def test_a_press_waits_while_slack_does_not_say_who_it_was(team: Caller, slack: FakeSlack, account: str) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    slack.faults.append(Fault("status", 503, {}, "", path="users.info"))

    deliver(team, press(channel, message, item["id"], MARIA))

    assert team.closed(run["id"])["steps"][0]["detail"] == "approved"


def test_a_question_slack_cannot_take_stays_in_the_inbox(team: Caller, slack: FakeSlack, account: str) -> None:
    slack.faults.append(
        Fault("status", 200, {}, json.dumps({"ok": False, "error": "missing_scope", "needed": "chat:write"}), path="chat.postMessage")
    )
    run = team.start("one", account)
    item = team.open_item(run["id"], "approval")
    until(lambda: not slack.faults)
    team.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": True}})

    assert team.closed(run["id"])["steps"][0]["detail"] == "approved"
    assert asked(slack, item["id"]) is None


def test_a_reply_to_a_message_is_told_to_the_account_it_was_about(team: Caller, slack: FakeSlack, account: str) -> None:
    team.publish(TELL)
    run = team.start("tell", account)
    team.step_when(run["id"], "answered", "waiting")
    posted = slack.messages["C00000001"][-1]
    event = {"type": "message", "channel": "C00000001", "user": TOM, "text": "On it", "ts": f"{time.time():.6f}", "thread_ts": posted["ts"]}
    body = json.dumps({"type": "event_callback", "event_id": f"Ev{uuid.uuid4().hex}", "event": event}).encode()

    answers = [deliver(team, body, kind=JSON) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert team.closed(run["id"])["outcome"] == "completed"


TELL = """
playbook: tell
title: Tell the team
steps:
  - id: post
    slack.post: {channel: "#renewals", text: "{{ account.name }} is silent"}
  - id: answered
    wait_until:
      any:
        replied: {event: slack.replied, if: arrived.text == "On it"}
        seen: {if: steps.post.status == "replied"}
      up_to: 2 days
"""


def test_neither_secrets_nor_texts_are_logged(team: Caller, slack: FakeSlack, account: str, capfd: pytest.CaptureFixture[str]) -> None:
    run, item, channel, message = question_of(team, slack, "one", account)
    deliver(team, press(channel, message, item["id"], EVE))
    deliver(team, press(channel, message, item["id"], MARIA))
    team.closed(run["id"])

    logged = "".join(capfd.readouterr())
    assert "canary" not in logged
    assert "20 %" not in logged
    assert "@example.com" not in logged


def test_without_slack_nothing_is_different(team: Caller, served: Served, slack: FakeSlack, account: str) -> None:
    team.call("DELETE", "/v1/connectors/slack", status=204)
    try:
        before = len(slack.received)
        run = team.start("one", account)
        item = team.open_item(run["id"], "approval")
        time.sleep(1.5)
        team.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": True}})

        assert team.closed(run["id"])["steps"][0]["detail"] == "approved"
        assert len(slack.received) == before
    finally:
        team.put("/v1/connectors/slack", {"credentials": CREDENTIALS})
