"""Plays that start plays, through everything: what is undone with its parent, whatever life parent and sub-play are in."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller, JsonTree

pytestmark = pytest.mark.servers

SUB = """
playbook: sub
title: Remember, and sometimes wait
inputs:
  lasts: {type: bool, default: false}
steps:
  - id: remember
    note.add: {text: From the sub-play}
  - id: linger
    if: inputs.lasts
    wait: 30 days
"""
# What the parent does besides: its own effect, or none; a sub-play it waits for, or one that goes on by itself.
PARENT = """
playbook: NAME
title: Start another play
steps:
  - id: look
    set: {seen: "1"}
OWN
  - id: other
    play: {playbook: sub, with: {lasts: LASTS}, wait: WAIT}
  - id: hold_on
    wait: 30 days
"""
OWN = "  - {id: mark, note.add: {text: From the parent}}"


def parent(name: str, *, own: bool = True, lasts: bool = False) -> str:
    text = PARENT.replace("NAME", name).replace("OWN", OWN if own else "").replace("LASTS", str(lasts).lower())
    return text.replace("WAIT", str(not lasts).lower())


def sub_of(api: Caller, run: JsonTree) -> JsonTree:
    found = api.get("/v1/runs", params={"account": run["account"], "playbook": "sub"})["items"]
    return next(each for each in found if each["parent"] == run["id"])


@pytest.fixture(scope="module", autouse=True)
def published(api: Caller) -> None:
    for source in (SUB, parent("waits"), parent("only-starts", own=False), parent("lets-go", lasts=True)):
        api.publish(source)


def test_a_sub_play_that_has_ended_is_undone_with_its_parent_under_way(api: Caller, account: str) -> None:
    run = api.start("waits", account)
    api.step_when(run["id"], "hold_on", "waiting")
    api.post(f"/v1/runs/{run['id']}/undo")
    ended = api.closed(run["id"])

    assert (ended["outcome"], sub_of(api, run)["outcome"]) == ("undone", "undone")
    assert [effect["status"] for effect in ended["effects"]] == ["undone"]


@pytest.mark.parametrize("playbook", ["waits", "only-starts", "lets-go"])
def test_sub_plays_are_undone_with_a_parent_that_has_ended(api: Caller, account: str, playbook: str) -> None:
    run = api.start(playbook, account)
    api.step_when(run["id"], "hold_on", "waiting")
    api.step_when(sub_of(api, run)["id"], "remember", "done")
    api.post(f"/v1/runs/{run['id']}/steps/hold_on/skip")
    api.closed(run["id"])

    undone = api.post(f"/v1/runs/{run['id']}/undo")
    ended = api.run_when(run["id"], lambda found: found["state"] == "closed" and found["outcome"] == "undone")
    again = api.post(f"/v1/runs/{run['id']}/undo")

    assert (undone["changed"], again["changed"]) == (True, False)
    assert (ended["outcome"], sub_of(api, run)["outcome"]) == ("undone", "undone")
