from __future__ import annotations

import pytest

from tests.api.conftest import Caller

pytestmark = pytest.mark.servers

HELLO = """
playbook: hello
title: Say hello
labels: [greeting]
inputs:
  name: {type: text, default: you}
steps:
  - id: note
    note.add: {text: "Hello {{ inputs.name }}"}
"""


def test_a_playbook_goes_from_draft_to_published_to_archived(api: Caller) -> None:
    draft = api.post("/v1/playbooks", {"source": HELLO, "path": "hello.yaml"}, status=201)
    changed = api.post("/v1/playbooks", {"source": HELLO.replace("Say hello", "Greet")}, status=201)
    published = api.post("/v1/playbooks/hello/versions/1/publish")
    same = api.publish(HELLO.replace("Say hello", "Greet"), status=200)
    second = api.publish(HELLO, status=201)
    back = api.post("/v1/playbooks/hello/versions/1/publish")
    versions = api.get("/v1/playbooks/hello/versions")["items"]
    archived = api.post("/v1/playbooks/hello/archive")
    listed = {playbook["slug"]: playbook for playbook in api.get("/v1/playbooks")["items"]}

    assert (draft["version"], draft["status"]) == (1, "draft")
    assert (changed["version"], changed["digest"]) == (1, published["digest"])
    assert (same["version"], second["version"], back["status"]) == (1, 2, "published")
    assert [(one["version"], one["status"]) for one in versions] == [(2, "archived"), (1, "published")]
    assert archived["published"] is None
    assert listed["hello"]["published"] is None


def test_a_version_shows_its_text_its_plan_and_its_form(api: Caller) -> None:
    api.publish(HELLO.replace("hello", "hello-shown"))

    found = api.get("/v1/playbooks/hello-shown")

    assert found["source"] == HELLO.replace("hello", "hello-shown")
    assert found["plan"]["playbook"] == "hello-shown"
    assert [(field["name"], field["type"], field["default"]) for field in found["inputs"]] == [("name", "text", "you")]


def test_a_check_gives_every_error_and_the_undo_coverage(api: Caller) -> None:
    fine = api.post("/v1/playbooks/check", {"source": HELLO})
    wrong = api.post("/v1/playbooks/check", {"source": HELLO.replace("inputs.name }}", "inputs.nmae }}").replace("note.add", "note.ad")})

    assert fine["ok"]
    assert fine["undo_coverage"] == "1 of 1 effect"
    assert not wrong["ok"]
    assert {one["line"] for one in wrong["diagnostics"]} == {9}
    assert len(wrong["diagnostics"]) >= 1


def test_a_running_play_keeps_its_version(api: Caller, account: str) -> None:
    source = HELLO.replace("hello", "hello-kept").replace("steps:", "steps:\n  - id: pause\n    wait: 3 hours")
    api.publish(source)
    run = api.start("hello-kept", account)
    api.publish(source.replace("3 hours", "4 hours"))

    shown = api.step_when(run["id"], "pause", "waiting")

    assert shown["version"] == 1
    assert api.get("/v1/playbooks/hello-kept")["version"] == 2


def test_templates_are_kept_and_listed(api: Caller) -> None:
    api.put("/v1/templates/kept", {"channel": "email", "subject": "One", "body": "First"})
    api.put("/v1/templates/kept", {"channel": "email", "subject": "Two", "body": "Second"})

    assert api.get("/v1/templates/kept")["body"] == "Second"
    assert "kept" in [template["name"] for template in api.get("/v1/templates")]
