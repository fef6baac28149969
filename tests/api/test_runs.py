from __future__ import annotations

import uuid

import pytest

from tests.api.conftest import Caller, JsonTree

pytestmark = pytest.mark.servers

WAITING = """
playbook: waiting
title: Wait for a word
inputs:
  days: {type: integer, default: 3, min: 1, max: 30}
  cause: {one_of: [price, people], default: price}
exit:
  - if: health.score >= 65
    as: recovered
steps:
  - id: flag
    cta.open: {type: risk, priority: high, owner: csm, because: Health dropped}
  - id: word
    wait_until:
      any:
        replied: {event: email.replied}
      up_to: 10 business days
  - id: remember
    note.add: {text: They answered}
"""
FAILING = """
playbook: failing
title: Fail at the last step
steps:
  - id: flag
    cta.open: {type: risk, priority: high, owner: csm, because: Health dropped}
  - id: mark
    account.update: {set: {stage: at_risk}}
  - id: tell
    http.request: {method: GET, url: "http://127.0.0.1:9/nobody"}
    on_error: ON_ERROR
"""


@pytest.fixture(scope="module", autouse=True)
def published(api: Caller) -> None:
    api.publish(WAITING)
    api.publish(FAILING.replace("failing", "failing-undone").replace("ON_ERROR", "undo"))
    api.publish(FAILING.replace("failing", "failing-held").replace("ON_ERROR", "hold"))


def effects_of(run: JsonTree) -> list[tuple[str, str]]:
    return [(effect["step"], effect["status"]) for effect in run["effects"]]


def test_a_play_is_started_looked_at_and_undone(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")

    told = api.post(f"/v1/runs/{run['id']}/cancel", {"undo": True, "reason": "wrong account"})
    ended = api.closed(run["id"])

    assert told["changed"]
    assert ended["outcome"] == "undone"
    assert effects_of(ended) == [("flag", "undone")]
    assert ended["undo"] == {"done": 1, "open": 0, "impossible": 0, "conflicts": 0, "failed": 0}
    assert f"/workflows/play:acme:waiting:{account}:e1" in ended["temporal_url"]


def test_the_same_enrollment_twice_is_the_same_play(api: Caller, account: str) -> None:
    first = api.start("waiting", account)

    again = api.post("/v1/runs", {"playbook": "waiting", "account": account}, status=200)

    assert again["id"] == first["id"]
    assert len(api.get("/v1/runs", params={"account": account})["items"]) == 1


def test_the_same_key_is_the_same_play_even_after_its_end(api: Caller, account: str) -> None:
    first = api.start("waiting", account, key="inv-1")
    api.post(f"/v1/runs/{first['id']}/cancel")
    api.closed(first["id"])

    again = api.post("/v1/runs", {"playbook": "waiting", "account": account, "key": "inv-1"}, status=200)
    other = api.start("waiting", account, key="inv-2")

    assert again["id"] == first["id"]
    assert other["id"] != first["id"]


def test_a_new_play_can_start_when_the_last_one_has_ended(api: Caller, account: str) -> None:
    first = api.start("waiting", account)
    api.post(f"/v1/runs/{first['id']}/cancel")
    api.closed(first["id"])

    second = api.start("waiting", account)

    assert second["temporal_url"].endswith(":e2")


def test_news_of_facts_reach_a_play_in_the_middle_of_a_wait(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")

    changed = api.patch(f"/v1/accounts/{account}", {"facts": {"health": {"score": 71}}})
    ended = api.closed(run["id"])

    assert changed["told"] == 1
    assert ended["outcome"] == "exit:recovered"


def test_an_event_reaches_the_play_that_waits_for_it_once(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")
    event = {"id": str(uuid.uuid4()), "type": "email.replied", "account": account, "data": {"text": "yes"}}

    delivered = api.post("/v1/events", event, status=202)
    again = api.post("/v1/events", event, status=200)
    ended = api.closed(run["id"])

    assert (delivered["delivered"], delivered["repeated"]) == (1, False)
    assert (again["delivered"], again["repeated"]) == (0, True)
    assert ended["outcome"] == "completed"
    assert effects_of(ended) == [("flag", "done"), ("remember", "done")]


def test_a_play_is_paused_and_resumed(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")

    paused = api.post(f"/v1/runs/{run['id']}/pause")
    again = api.post(f"/v1/runs/{run['id']}/pause")
    shown = api.run_when(run["id"], lambda found: found["state"] == "paused")
    resumed = api.post(f"/v1/runs/{run['id']}/resume")

    assert (paused["changed"], again["changed"], resumed["changed"]) == (True, False, True)
    assert shown["state"] == "paused"


def test_a_command_with_the_same_key_is_carried_out_once(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")
    key = {"Idempotency-Key": str(uuid.uuid4())}

    first = api.http.post(f"/v1/runs/{run['id']}/pause", headers=key)
    second = api.http.post(f"/v1/runs/{run['id']}/pause", headers=key)
    other = api.http.post(f"/v1/runs/{run['id']}/resume", headers=key)

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replay"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "DATA010")


def test_a_step_is_skipped(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")

    api.post(f"/v1/runs/{run['id']}/steps/word/skip")
    ended = api.closed(run["id"])

    assert ended["outcome"] == "completed"
    assert {step["key"]: step["status"] for step in ended["steps"]}["word"] == "skipped"


def test_a_play_that_fails_takes_back_what_it_did(api: Caller, account: str) -> None:
    run = api.start("failing-undone", account)
    ended = api.closed(run["id"])

    assert ended["outcome"] == "undone"
    assert ended["error"]["code"] == "Rejected"
    assert effects_of(ended)[:2] == [("flag", "undone"), ("mark", "undone")]
    assert api.get(f"/v1/accounts/{account}")["stage"] is None


def test_a_held_step_is_decided_in_the_inbox(api: Caller, account: str) -> None:
    run = api.start("failing-held", account)
    item = api.open_item(run["id"], "hold")

    refused = api.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"decision": "perhaps"}}, status=422)
    api.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"decision": "skip"}})
    ended = api.closed(run["id"])

    assert refused["errors"][0]["pointer"] == "#/answers/decision"
    assert item["owner"] == "maria"
    assert ended["outcome"] == "completed"


def test_a_held_step_is_retried_and_edited(api: Caller, account: str) -> None:
    run = api.start("failing-held", account)
    api.step_when(run["id"], "tell", "held")

    retried = api.post(f"/v1/runs/{run['id']}/steps/tell/retry")
    api.open_item(run["id"], "hold")
    edited = api.post(f"/v1/runs/{run['id']}/steps/tell/edit", {"inputs": {"url": "http://127.0.0.1:9/other"}})
    api.open_item(run["id"], "hold")
    undone = api.post(f"/v1/runs/{run['id']}/undo")
    ended = api.closed(run["id"])

    assert (retried["changed"], edited["changed"], undone["changed"]) == (True, True, True)
    assert ended["outcome"] == "undone"


def test_an_edit_names_inputs_that_the_action_has(api: Caller, account: str) -> None:
    run = api.start("failing-held", account)
    api.step_when(run["id"], "tell", "held")

    problem = api.post(f"/v1/runs/{run['id']}/steps/tell/edit", {"inputs": {"uri": "http://127.0.0.1:9/other"}}, status=422)

    assert problem["code"] == "PLAY007"
    assert problem["errors"] == [
        {"pointer": "#/inputs/uri", "detail": '"http.request" has no input of this name; did you mean "url"?', "code": "unknown_input"}
    ]


def test_a_finished_play_is_undone_once(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")
    api.post(f"/v1/runs/{run['id']}/steps/word/skip")
    api.closed(run["id"])

    undone = api.post(f"/v1/runs/{run['id']}/undo", {"reason": "by mistake"})
    ended = api.run_when(run["id"], lambda found: found["state"] == "closed" and found["outcome"] == "undone")
    again = api.post(f"/v1/runs/{run['id']}/undo")

    assert (undone["changed"], again["changed"]) == (True, False)
    assert effects_of(ended) == [("flag", "undone"), ("remember", "undone")]


def test_a_finished_play_goes_on_from_a_step(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")
    api.post(f"/v1/runs/{run['id']}/cancel")
    api.closed(run["id"])

    api.post(f"/v1/runs/{run['id']}/retry", {"from": "word"})
    api.step_when(run["id"], "word", "waiting")
    api.post(f"/v1/runs/{run['id']}/steps/word/skip")
    ended = api.closed(run["id"])

    assert ended["outcome"] == "completed"
    assert effects_of(ended) == [("flag", "done"), ("remember", "done")]


def test_a_launch_starts_reports_and_undoes_many(api: Caller, account: str) -> None:
    accounts = [f"{account}-{number}" for number in range(5)]
    for one in accounts:
        api.put(f"/v1/accounts/{one}", {"name": one, "csm": "maria"})
    there = api.start("waiting", accounts[0])

    launch = api.post("/v1/launches", {"playbook": "waiting", "accounts": [*accounts, "nobody", accounts[1]]}, status=202)
    for run in launch["started"]:
        api.step_when(run["id"], "word", "waiting")
    looked_at = api.get(f"/v1/launches/{launch['id']}")
    undone = api.post(f"/v1/launches/{launch['id']}/undo", status=202)
    ended = [api.closed(run["id"]) for run in launch["started"]]

    assert [run["account"] for run in launch["started"]] == accounts[1:]
    assert [run["id"] for run in launch["existing"]] == [there["id"]]
    assert [(one["account"], one["code"]) for one in launch["refused"]] == [("nobody", "DATA006")]
    assert looked_at["states"] == {"waiting": 4}
    assert (undone["undoing"], undone["nothing"], undone["refused"], undone["job"]["total"]) == (4, 0, [], 4)
    assert {run["outcome"] for run in ended} == {"undone"}
    assert len(api.get("/v1/runs", params={"launch": launch["id"]})["items"]) == 4


def test_lists_come_in_pages(api: Caller, account: str) -> None:
    started = [api.start("waiting", account, key=f"page-{number}")["id"] for number in range(5)]
    found: list[str] = []
    after = None
    for _ in range(3):
        page = api.get("/v1/runs", params={"account": account, "limit": 2, "after": after} if after else {"account": account, "limit": 2})
        found += [run["id"] for run in page["items"]]
        after = page["next"]

    assert found == started[::-1]
    assert after is None


def test_a_play_tells_what_it_knows_of_itself(api: Caller, account: str) -> None:
    run = api.start("waiting", account)
    api.step_when(run["id"], "word", "waiting")

    live = api.get(f"/v1/runs/{run['id']}/live")

    assert live["state"] == "waiting"
    assert [entry["key"] for entry in live["undo"]] == ["flag"]


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"days": "three"}, "#/inputs/days"),
        ({"days": 31}, "#/inputs/days"),
        ({"days": True}, "#/inputs/days"),
        ({"cause": "weather"}, "#/inputs/cause"),
        ({"colour": "red"}, "#/inputs/colour"),
    ],
)
def test_inputs_that_do_not_fit_are_named(api: Caller, account: str, inputs: JsonTree, pointer: str) -> None:
    problem = api.post("/v1/runs", {"playbook": "waiting", "account": account, "inputs": inputs}, status=422)

    assert problem["code"] == "PLAY007"
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert api.get("/v1/runs", params={"account": account})["items"] == []
