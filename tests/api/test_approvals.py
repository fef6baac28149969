"""Approvals by several people, through everything."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller

pytestmark = pytest.mark.servers

BOTH = """
playbook: both
title: Two must agree
steps:
  - id: agree
    approve: {by: [csm, csm.manager], need: 2, question: Shall we?}
"""


def test_one_person_cannot_use_up_the_questions_of_the_others(api: Caller, account: str) -> None:
    api.publish(BOTH)
    run = api.start("both", account)
    api.step_when(run["id"], "agree", "waiting")
    first, second = [item["id"] for item in api.get("/v1/tasks", params={"run": run["id"]})["items"]]
    yes = {"answers": {"approved": True}}
    api.post(f"/v1/tasks/{first}/answer", yes)
    refused = api.post(f"/v1/tasks/{second}/answer", yes, status=409)
    item = api.get(f"/v1/tasks/{second}")
    api.post(f"/v1/tasks/{second}/answer", yes, headers={"X-Playkeeper-Actor": "tom"})
    ended = api.closed(run["id"])

    assert "maria already" in refused["detail"]
    assert item["status"] == "open"
    assert (ended["outcome"], ended["steps"][0]["detail"]) == ("completed", "approved")
