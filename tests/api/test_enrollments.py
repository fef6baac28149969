"""Enrollments, exemptions and why, by the API and from the terminal."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from settings import Settings
from tests.api.conftest import Caller, Served

pytestmark = pytest.mark.servers

JsonTree = Any
STEPS = "steps:\n  - id: call\n    task.create: {title: Call, owner: csm, due: 3 days, wait: true}\n"


@pytest.fixture(scope="module", autouse=True)
def playbooks(api: Caller) -> None:
    api.publish(f"playbook: one-seat\ntitle: One seat\nenroll: {{limits: {{at_once: 1}}}}\n{STEPS}")
    api.publish(f"playbook: paused-later\ntitle: Later\nenroll:\n  suppress: [{{if: account.status == 'paused', then: delay}}]\n{STEPS}")


def account(api: Caller, **fields: JsonTree) -> str:
    name = f"E-{time.monotonic_ns()}"
    api.put(f"/v1/accounts/{name}", {"name": "ACME", "csm": "maria", **fields})
    return name


def launched(api: Caller, playbook: str, *accounts: str) -> JsonTree:
    return api.post("/v1/launches", {"playbook": playbook, "accounts": list(accounts)})


def enrollment(api: Caller, account: str, **which: JsonTree) -> JsonTree:
    (found,) = api.get("/v1/enrollments", params={"account": account, **which})["items"]
    return found


def playkeeper(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{arguments}: {result.exit_code} {result.output} {result.exception!r}"
    return result.output


@pytest.fixture
def terminal(served: Served, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    monkeypatch.setenv("PLAYKEEPER_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("PLAYKEEPER_ACTOR", "maria")


def test_one_that_is_delayed_is_listed_told_and_withdrawn(api: Caller) -> None:
    waiting = account(api, status="paused")
    launch = launched(api, "paused-later", waiting)
    row = enrollment(api, waiting, playbook="paused-later", state="suppressed", launch=launch["id"])
    told = api.get(f"/v1/playbooks/paused-later/why/{waiting}")
    first = api.post(f"/v1/enrollments/{row['id']}/withdraw", {"reason": "They signed"})
    again = api.post(f"/v1/enrollments/{row['id']}/withdraw")

    assert row["reason"] == "delayed"
    assert told["enrollments"][0]["id"] == row["id"]
    assert told["summary"][0].startswith("ACME is delayed since ")
    assert (first["state"], first["reason"], first["detail"]) == ("left", "withdrawn", "maria took it back: They signed")
    assert again["left_at"] == first["left_at"]
    assert api.get(f"/v1/playbooks/paused-later/why/{waiting}")["summary"][0].endswith("before it began (maria took it back: They signed).")


def test_a_play_under_way_is_not_withdrawn(api: Caller) -> None:
    name = account(api)
    run = api.start("paused-later", name)
    row = enrollment(api, name)
    refused = api.post(f"/v1/enrollments/{row['id']}/withdraw", status=409)

    assert row["run"] == run["id"]
    assert refused["code"] == "PLAY016"
    assert run["id"] in refused["detail"]
    assert api.post("/v1/enrollments/nobody/withdraw", status=404)["code"] == "PLAY022"


def test_enrollments_come_in_pages(api: Caller) -> None:
    names = [account(api, status="paused") for _ in range(5)]
    launch = launched(api, "paused-later", *names)["id"]
    seen: list[str] = []
    after = None
    while True:
        page = api.get("/v1/enrollments", params={"launch": launch, "limit": 2, **({"after": after} if after else {})})
        seen += [row["account"] for row in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert seen == names[::-1]


def test_an_account_that_is_taken_out_does_not_enter_until_it_is_back(api: Caller) -> None:
    name = account(api)
    body = {"account": name, "playbook": "paused-later", "because": "Their lawyers asked"}
    made = api.post("/v1/exemptions", body, status=201)
    refused = api.post("/v1/runs", {"playbook": "paused-later", "account": name}, status=409)
    listed = api.get("/v1/exemptions", params={"account": name, "playbook": "paused-later"})["items"]
    api.call("DELETE", f"/v1/exemptions/{made['id']}", status=204)

    assert (refused["code"], refused["reason"]) == ("PLAY014", "excluded")
    assert "Their lawyers asked" in refused["detail"]
    assert listed == [made]
    assert made | {"id": "", "created_at": ""} == {
        **{"id": "", "account": name, "segment": None, "playbook": "paused-later", "from": "playbook"},
        **{"because": "Their lawyers asked", "by": "maria", "until": None, "created_at": ""},
    }
    assert api.call("DELETE", f"/v1/exemptions/{made['id']}", status=404)["code"] == "PLAY017"
    assert api.start("paused-later", name)["account"] == name


def test_a_segment_is_taken_out_of_everything_or_of_a_holdout(api: Caller) -> None:
    segment = f"s-{time.monotonic_ns()}"
    name = account(api, segment=segment)
    api.post("/v1/exemptions", {"segment": segment, "from": "holdout", "playbook": "one-seat", "because": "Named"}, status=201)
    before = api.get(f"/v1/playbooks/one-seat/why/{name}")["would"]
    api.post("/v1/exemptions", {"segment": segment, "because": "Tender"}, status=201)

    assert before["state"] == "queued"
    assert api.get(f"/v1/playbooks/one-seat/why/{name}")["would"]["reason"] == "excluded"
    assert {one["from"] for one in api.get("/v1/exemptions", params={"segment": segment})["items"]} == {"holdout", "playbook"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"because": "x"}, 422, "DATA001"),
        ({"account": "A-1", "segment": "s", "because": "x"}, 422, "DATA001"),
        ({"segment": "s", "because": "  "}, 422, "DATA001"),
        ({"segment": "s", "because": "x", "until": "2020-01-01T00:00:00Z"}, 422, "DATA001"),
        ({"segment": "s", "because": "x", "until": "2030-01-01T00:00:00"}, 422, "DATA001"),
        ({"segment": "s", "because": "x", "from": "school"}, 422, "DATA001"),
        ({"account": "nobody", "because": "x"}, 404, "DATA006"),
        ({"segment": "s", "because": "x", "playbook": "nothing"}, 404, "PLAY005"),
    ],
)
def test_a_wrong_exemption_is_refused(api: Caller, body: JsonTree, status: int, code: str) -> None:
    assert api.post("/v1/exemptions", body, status=status)["code"] == code


def test_why_says_who_is_not_there(api: Caller) -> None:
    assert api.get("/v1/playbooks/one-seat/why/nobody", status=404)["code"] == "DATA006"
    assert api.get(f"/v1/playbooks/nothing/why/{account(api)}", status=404)["code"] == "PLAY005"


def test_from_the_terminal(api: Caller, terminal: None) -> None:
    first, second = account(api), account(api)
    launched(api, "one-seat", first, second)
    deadline = time.monotonic() + 20
    while enrollment(api, first)["state"] != "active":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    told = playkeeper("why", second, "one-seat")
    waiting = enrollment(api, second)
    listed = json.loads(playkeeper("enrollments", "--playbook", "one-seat", "--state", "queued", "--json"))

    assert "It waits for room: 1 of 1 plays are under way." in told
    assert "✗ Is it free to enter now? no: is queued" in told
    assert [row["id"] for row in listed] == [waiting["id"]]
    assert "no longer in one-seat: withdrawn" in playkeeper("withdraw", waiting["id"], "--reason", "Not now")

    made = playkeeper("exempt", "--account", second, "--playbook", "one-seat", "--because", "Not them", "--until", "2099-01-31")
    assert f"{second} is out of one-seat until 2099-01-31" in made
    assert "Not them" in playkeeper("exemptions", "--account", second)
    assert json.loads(playkeeper("why", second, "one-seat", "--json"))["would"]["reason"] == "excluded"
    assert "The exemption is over." in playkeeper("unexempt", made.split()[0])
    playkeeper("exempt", "--because", "Nobody named", code=2)
    playkeeper("exempt", "--account", second, "--because", "x", "--until", "soon", code=2)
