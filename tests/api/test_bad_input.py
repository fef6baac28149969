"""Bad input gets a clear answer and loses nothing: every answer is a problem with a code, never a 500."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.api.conftest import Caller, JsonTree

pytestmark = pytest.mark.servers

ASKING = """
playbook: asking
title: Ask for leave
steps:
  - id: may_we
    approve: {by: csm, question: May we?}
  - id: note
    note.add: {text: Done}
"""


def assert_problem(answer: httpx.Response, status: int, code: str) -> JsonTree:
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert problem["detail"]
    assert problem["title"]
    assert problem["status"] == status
    return problem


def yaml_check(api: Caller, content: bytes) -> JsonTree:
    answer = api.http.post("/v1/playbooks/check", content=content, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02 not yaml",
        b"a: [1, 2",
        b"\xff\xfe\xfa playbook: x",
        "playbook: größe\ntitle: x".encode("latin-1"),
        b"[" * 50_000,
        b"a: " + b"{b: " * 20_000,
        b"just a text",
        b"",
        b"&a [*a]",
        b"playbook: x\n" * 3,
    ],
    ids=["nul bytes", "not yaml", "utf-16", "latin-1", "deep list", "deep map", "a text", "empty", "alias", "twice"],
)
def test_a_file_that_is_no_playbook_is_explained(api: Caller, content: bytes) -> None:
    checked = yaml_check(api, content)
    refused = api.http.post("/v1/playbooks?publish=true", content=content, headers={"Content-Type": "application/yaml"})

    problem = assert_problem(refused, 422, "PLAY001")
    assert not checked["ok"]
    assert all(one["code"].startswith("PB") and one["line"] >= 1 and one["message"] for one in checked["diagnostics"])
    assert [one["code"] for one in problem["diagnostics"]] == [one["code"] for one in checked["diagnostics"]]


def test_a_file_of_ten_megabytes_is_refused_cleanly(api: Caller) -> None:
    large = b"# " + b"x" * (10 * 1024 * 1024)

    answer = api.http.post("/v1/playbooks/check", content=large, headers={"Content-Type": "application/yaml"})
    in_pieces = api.http.post("/v1/playbooks/check", content=iter([large]), headers={"Content-Type": "application/yaml"})

    assert "10 MB" in assert_problem(answer, 413, "DATA003")["detail"]
    assert_problem(in_pieces, 413, "DATA003")


def test_a_plan_over_the_size_limit_is_refused_with_a_place(api: Caller) -> None:
    steps = "\n".join(f"  - id: s{number}\n    note.add: {{text: {'x' * 300}}}" for number in range(300))

    answer = api.http.post(
        "/v1/playbooks?publish=true",
        content=f"playbook: large\ntitle: Large\nsteps:\n{steps}\n",
        headers={"Content-Type": "application/yaml"},
    )

    problem = assert_problem(answer, 422, "PLAY001")
    assert [one["code"] for one in problem["diagnostics"]] == ["PB118"]


def test_an_account_that_does_not_exist_is_said_so(api: Caller) -> None:
    api.publish(ASKING)

    started = api.http.post("/v1/runs", json={"playbook": "asking", "account": "nobody"})
    looked_at = api.http.get("/v1/accounts/nobody")

    assert '"nobody"' in assert_problem(started, 404, "DATA006")["detail"]
    assert_problem(looked_at, 404, "DATA006")


def test_a_closed_approval_cannot_be_answered(api: Caller, account: str) -> None:
    api.publish(ASKING)
    run = api.start("asking", account)
    item = api.open_item(run["id"], "approval")
    nonsense = api.http.post(f"/v1/tasks/{item['id']}/answer", json={"answers": {"approved": "maybe"}})
    api.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": True, "comment": "yes"}})
    ended = api.closed(run["id"])

    again = api.http.post(f"/v1/tasks/{item['id']}/answer", json={"answers": {"approved": False}})
    completed = api.http.post(f"/v1/tasks/{item['id']}/complete", json={})

    assert assert_problem(nonsense, 422, "PLAY007")["errors"][0]["pointer"] == "#/answers/approved"
    assert "maria" in assert_problem(again, 409, "PLAY004")["detail"]
    assert_problem(completed, 409, "PLAY004")
    assert ended["outcome"] == "completed"
    assert [effect["status"] for effect in api.get(f"/v1/runs/{run['id']}")["effects"]] == ["done"]


@pytest.mark.parametrize(
    ("account", "word"), [(None, "names no account"), ("nobody-here", "there is no account"), ("IDLE", "is in no play")]
)
def test_an_event_for_nobody_is_kept_and_says_so(api: Caller, account: str | None, word: str) -> None:
    api.put("/v1/accounts/IDLE", {"name": "Idle"})
    event = {"id": f"for-{account}", "source": "test", "type": "meeting.booked", "account": account, "data": {"with": "Ada"}}

    answer = api.post("/v1/events", event, status=202)

    assert (answer["delivered"], answer["repeated"]) == (0, False)
    assert word in answer["message"]
    assert f"for-{account}" in [kept["vendor_id"] for kept in api.get("/v1/events")["items"]]


def test_a_template_that_fails_on_this_account_is_explained(api: Caller, account: str) -> None:
    api.put(
        "/v1/templates/renewal", {"channel": "email", "subject": "Your {{ contract.type }} contract", "body": "Dear {{ contact.name }}"}
    )

    fails = api.http.post("/v1/templates/renewal/preview", json={"account": account})
    broken = api.http.put("/v1/templates/broken", json={"channel": "email", "subject": "", "body": "{% if %}"})
    unknown = api.http.post("/v1/templates/nothing/preview", json={"account": account})
    api.patch(f"/v1/accounts/{account}", {"facts": {"contract": {"type": "yearly"}}})
    works = api.post("/v1/templates/renewal/preview", {"account": account})

    assert '"renewal"' in assert_problem(fails, 422, "DATA009")["detail"]
    assert assert_problem(broken, 422, "DATA009")["errors"][0]["pointer"] == "#/body"
    assert_problem(unknown, 404, "DATA008")
    assert (works["subject"], works["text"]) == ("Your yearly contract", "Dear Ada Meyer")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"playbook": "x', 400, "DATA002"),
        (b"\xff\xfe", 400, "DATA002"),
        (b'{"playbook": "a\\u0000b", "account": "x"}', 400, "DATA002"),
        (b'{"playbook": "a\\ud800b", "account": "x"}', 400, "DATA002"),
        (b'{"playbook": NaN, "account": "x"}', 400, "DATA002"),
        (b'{"playbook": 1e999, "account": "x"}', 400, "DATA002"),
        (b'{"inputs": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400, "DATA002"),
        (b'{"inputs": ' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}", 400, "DATA002"),
        (b'{"inputs": ' + b"9" * 5_000 + b"}", 400, "DATA002"),
        (b'{"playbook": "asking", "account": "' + b"A" * 100_000 + b'"}', 422, "DATA001"),
        (b'{"playbook": "asking", "account": "../../etc"}', 422, "DATA001"),
        (b'{"playbook": "asking", "account": "A", "more": 1}', 422, "DATA001"),
        (b'{"playbook": "asking", "account": "A", "version": 99999999999999}', 422, "DATA001"),
        (b"[]", 422, "DATA001"),
        (b"null", 422, "DATA001"),
        (b"", 422, "DATA001"),
        (b'{"playbook": "not-there", "account": "A"}', 404, "PLAY005"),
    ],
)
def test_a_hostile_body_gets_a_problem(api: Caller, body: bytes, status: int, code: str) -> None:
    answer = api.http.post("/v1/runs", content=body, headers={"Content-Type": "application/json"})

    assert_problem(answer, status, code)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/runs/" + "x" * 5_000, 422, "DATA001"),
        ("/v1/runs/%00", 422, "DATA001"),
        ("/v1/runs/not-there", 404, "PLAY002"),
        ("/v1/runs?limit=0", 422, "DATA001"),
        ("/v1/runs?limit=99999999999999999999", 422, "DATA001"),
        ("/v1/runs?after=nonsense", 422, "DATA001"),
        ("/v1/runs?after=W10", 422, "DATA001"),
        ("/v1/runs?state=sleeping", 422, "DATA001"),
        ("/v1/accounts?search=%00", 422, "DATA001"),
        ("/v1/accounts?search=%ff%fe", 200, ""),
        ("/v1/accounts?search=%25_", 200, ""),
        ("/v1/tasks/not-there", 404, "PLAY012"),
        ("/v1/launches/not-there", 404, "PLAY013"),
        ("/v1/playbooks/not-there", 404, "PLAY005"),
        ("/v1/playbooks/asking/versions/999", 404, "PLAY005"),
        ("/v1/playbooks/asking/versions/99999999999999999999", 422, "DATA001"),
        ("/v1/nothing", 404, "DATA004"),
        ("/", 404, "DATA004"),
    ],
)
def test_a_hostile_address_gets_a_problem(api: Caller, path: str, status: int, code: str) -> None:
    answer = api.http.get(path)

    if status == 200:
        assert answer.status_code == 200
    else:
        assert_problem(answer, status, code)


def test_a_body_that_does_not_say_that_it_is_json_is_refused_by_its_kind(api: Caller) -> None:
    answer = api.http.post("/v1/runs", content=b'{"playbook": "asking", "account": "A-1"}', headers={"Content-Type": "text/plain"})

    assert_problem(answer, 415, "DATA012")


def test_a_method_that_is_not_there_names_those_that_are(api: Caller) -> None:
    answer = api.http.delete("/v1/runs")

    assert_problem(answer, 405, "DATA005")
    assert "GET" in answer.headers["Allow"] or "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("actor", ["a\tb", "x" * 200, "<script>", ""])
def test_a_name_that_cannot_be_one_is_refused(api: Caller, actor: str) -> None:
    answer = api.http.get("/v1/accounts", headers={"X-Playkeeper-Actor": actor})

    if actor:
        assert_problem(answer, 401, "AUTH001")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 201, "caf\xe9"])
def test_a_key_that_cannot_be_one_is_refused(api: Caller, key: str) -> None:
    answer = api.http.post("/v1/runs", json={}, headers={b"Idempotency-Key": key.encode("latin-1")})

    assert_problem(answer, 422, "DATA001")


def test_a_body_of_another_kind_is_refused(api: Caller) -> None:
    playbook = api.http.post("/v1/playbooks/check", content=b"<xml/>", headers={"Content-Type": "application/xml"})
    accounts = api.http.post("/v1/accounts/import", content=b"{}", headers={"Content-Type": "application/json"})

    assert_problem(playbook, 415, "DATA012")
    assert_problem(accounts, 415, "DATA012")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"facts": {"helth": {"score": 1}}}, "#/facts/helth"),
        ({"facts": {"health": {"skore": 1}}}, "#/facts/health/skore"),
        ({"facts": {"health": {"score": "high"}}}, "#/facts/health/score"),
        ({"facts": {"contract": {"end_date": {"$date": "2026-99-99"}}}}, "#/facts/contract/end_date"),
        ({"facts": {"contract": {"value": {"$money": ["x", "EUR"]}}}}, "#/facts/contract/value"),
        ({"custom": {"nothing": 1}}, "#/custom/nothing"),
        ({"csm": "nobody"}, "#/csm"),
        ({"mrr": -1}, "#/mrr"),
        ({"mrr": "1" * 40}, "#/mrr"),
        ({"status": "sleeping"}, "#/status"),
        ({"renewal_date": "tomorrow"}, "#/renewal_date"),
        ({"zone": "Mars/Olympus"}, "#/zone"),
    ],
)
def test_a_wrong_field_of_an_account_is_named(api: Caller, account: str, changes: JsonTree, pointer: str) -> None:
    answer = api.http.patch(f"/v1/accounts/{account}", json=changes)

    problem = assert_problem(answer, 422, "DATA001")
    assert pointer in [error["pointer"] for error in problem["errors"]]


def test_telling_a_play_that_has_ended_is_refused(api: Caller, account: str) -> None:
    api.publish(ASKING)
    run = api.start("asking", account)
    api.open_item(run["id"], "approval")
    api.post(f"/v1/runs/{run['id']}/cancel")
    api.closed(run["id"])

    paused = api.http.post(f"/v1/runs/{run['id']}/pause")
    skipped = api.http.post(f"/v1/runs/{run['id']}/steps/may_we/skip")
    live = api.http.get(f"/v1/runs/{run['id']}/live")
    from_nowhere = api.http.post(f"/v1/runs/{run['id']}/retry", json={"from": "nowhere"})

    for answer in (paused, skipped, live):
        assert "cancelled" in assert_problem(answer, 409, "PLAY003")["detail"]
    assert_problem(from_nowhere, 404, "PLAY008")


def test_a_step_that_is_not_held_cannot_be_decided(api: Caller, account: str) -> None:
    api.publish(ASKING)
    run = api.start("asking", account)
    api.open_item(run["id"], "approval")

    held = api.http.post(f"/v1/runs/{run['id']}/steps/may_we/retry")
    unknown = api.http.post(f"/v1/runs/{run['id']}/steps/nowhere/skip")
    active = api.http.post(f"/v1/runs/{run['id']}/retry", json={"from": "may_we"})

    assert_problem(held, 409, "PLAY009")
    assert_problem(unknown, 404, "PLAY008")
    assert_problem(active, 409, "PLAY011")


def test_a_playbook_that_is_not_published_cannot_start(api: Caller, account: str) -> None:
    draft = api.http.post("/v1/playbooks", content=ASKING.replace("asking", "drafted"), headers={"Content-Type": "application/yaml"})
    assert draft.status_code == 201

    refused = api.http.post("/v1/runs", json={"playbook": "drafted", "account": account})

    assert_problem(refused, 409, "PLAY006")
    assert draft.json()["status"] == "draft"


def test_every_problem_is_explained_at_its_address(api: Caller) -> None:
    listed = api.get("/problems")

    codes = [kind["code"] for kind in listed]
    assert len(codes) == len(set(codes))
    assert all(api.get(f"/problems/{code}")["advice"] for code in codes)
    assert_problem(api.http.get("/problems/NOPE"), 404, "DATA004")


def test_a_json_problem_repeats_no_secret(api: Caller) -> None:
    answer = api.http.post("/v1/runs", content=json.dumps({"playbook": 5, "account": {"password": "canary-4711"}}))

    assert "canary-4711" not in answer.text


def test_a_form_without_its_boundary_is_told_so(api: Caller) -> None:
    answer = api.http.post("/v1/accounts/import", content=b"--x", headers={"Content-Type": "multipart/form-data"})

    assert "boundary" in assert_problem(answer, 400, "DATA002")["detail"]
