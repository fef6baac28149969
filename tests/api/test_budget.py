"""A budget of messages over several plays, as people meet it: plays wait, say why, go on, and end while they wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import pytest

from tests.api.conftest import Caller, JsonTree

pytestmark = pytest.mark.servers


def playbook(slug: str, budget: str, *, priority: int = 0, more: str = "") -> str:
    return f"""
playbook: {slug}
title: Say hello
enroll:
  budget: {{email: {budget}}}
  priority: {priority}
{more}
steps:
  - id: mail
    email.send: {{to: champion, subject: Hello, body: How are you?}}
  - id: remember
    note.add: {{text: Written to}}
"""


ENDS = """
exit:
  - {if: health.score >= 65, as: recovered}
"""
STOPS = """
deadline: {after: 3 seconds, then: stop}
"""
SILENT = """
playbook: silent
title: Say hello
steps:
  - id: mail
    email.send: {to: champion, subject: Hello, body: How are you?}
"""


@pytest.fixture(scope="module", autouse=True)
def ready(api: Caller) -> None:
    api.publish(playbook("short-window", "1 per 4 seconds"))
    api.publish(playbook("urgent-one", "1 per 4 seconds", priority=50))
    api.publish(playbook("long-window", "1 per 14 days"))
    api.publish(playbook("long-and-exits", "1 per 14 days", more=ENDS))
    api.publish(playbook("long-and-stops", "1 per 14 days", more=STOPS))
    api.publish(SILENT)


@pytest.fixture
def no_default(api: Caller) -> Iterator[None]:
    yield
    api.put("/v1/budget", {})


def waits(run: JsonTree) -> bool:
    return bool(run["state"] == "waiting")


def mailed_at(run: JsonTree) -> datetime:
    return datetime.fromisoformat(next(effect["intended_at"] for effect in run["effects"] if effect["action"] == "email.send"))


def test_a_play_waits_until_its_contact_may_be_written_to_and_says_why(api: Caller, account: str) -> None:
    first = api.closed(api.start("short-window", account)["id"])
    second = api.run_when(api.start("short-window", account, key="second")["id"], waits)
    shown = api.get(f"/v1/accounts/{account}/budget", params={"playbook": "short-window"})
    waiting_again = api.get(f"/v1/runs/{second['id']}")
    done = api.closed(second["id"])
    later = api.get(f"/v1/accounts/{account}/budget", params={"playbook": "short-window"})

    assert (first["outcome"], done["outcome"]) == ("completed", "completed")
    assert "Ada Meyer has had 1 e-mail in 4 seconds" in second["progress"]
    assert second["progress"].startswith("waiting: mail (waits until ")
    assert waiting_again["effects"] == []
    assert (mailed_at(done) - mailed_at(first)).total_seconds() >= 4
    (ada,) = shown["contacts"]
    assert (ada["name"], ada["channels"][0]["had"], ada["channels"][0]["left"]) == ("Ada Meyer", 1, 0)
    assert ada["channels"][0]["frees_at"] is not None
    assert [(row["run"], row["step"], row["contact"]) for row in shown["waiting"]] == [(second["id"], "mail", ada["contact"])]
    assert later["waiting"] == []


def test_the_higher_priority_goes_first_and_then_the_older(api: Caller, account: str) -> None:
    api.closed(api.start("short-window", account)["id"])
    runs = [api.start("short-window", account, key=f"k{number}") for number in (1, 2)]
    for run in runs:
        api.run_when(run["id"], waits)
    urgent = api.start("urgent-one", account)
    done = [api.closed(run["id"]) for run in (urgent, *runs)]
    times = [mailed_at(run) for run in done]

    assert times == sorted(times)
    assert all((later - earlier).total_seconds() >= 4 for earlier, later in pairwise(times))


def test_an_exit_a_cancel_and_a_deadline_end_the_wait(api: Caller, account: str) -> None:
    api.closed(api.start("silent", account)["id"])
    exits, stops, cancelled = (api.start(slug, account) for slug in ("long-and-exits", "long-and-stops", "long-window"))
    for run in (exits, cancelled):
        api.run_when(run["id"], waits)
    api.post(f"/v1/runs/{cancelled['id']}/cancel", {})
    api.patch(f"/v1/accounts/{account}", {"facts": {"health": {"score": 90}}})
    ended = [api.closed(run["id"]) for run in (exits, stops, cancelled)]
    deadline = time.monotonic() + 10
    while (left := api.get(f"/v1/accounts/{account}/budget")["waiting"]) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert [run["outcome"] for run in ended] == ["exit:recovered", "exit:deadline", "cancelled"]
    assert [effect["action"] for run in ended for effect in run["effects"]] == []
    assert left == []


def test_a_step_that_waits_can_be_skipped(api: Caller, account: str) -> None:
    api.closed(api.start("silent", account)["id"])
    run = api.run_when(api.start("long-window", account)["id"], waits)
    api.post(f"/v1/runs/{run['id']}/steps/mail/skip", {})
    done = api.closed(run["id"])

    assert done["outcome"] == "completed"
    assert [(step["key"], step["status"]) for step in done["steps"]] == [("mail", "skipped"), ("remember", "done")]


@pytest.mark.usefixtures("no_default")
def test_the_default_holds_for_playbooks_that_say_nothing(api: Caller, account: str) -> None:
    saved = api.put("/v1/budget", {"email": "1 per week", "per": "account"})
    api.closed(api.start("silent", account)["id"])
    second = api.run_when(api.start("silent", account, key="second")["id"], waits)
    shown = api.get(f"/v1/accounts/{account}/budget")

    assert saved == {"email": "1 per 1 week", "sms": None, "per": "account"}
    assert api.get("/v1/budget") == saved
    assert "the account has had 1 e-mail in 1 week" in second["progress"]
    assert [(row["channel"], row["had"], row["left"]) for row in shown["together"]] == [("email", 1, 0), ("sms", 0, None)]
    assert shown["contacts"][0]["channels"][0]["left"] is None
    assert shown["waiting"][0]["contact"] is None
    api.post(f"/v1/runs/{second['id']}/cancel", {})


def test_a_default_that_cannot_be_read_is_refused_with_what_to_write(api: Caller) -> None:
    problem = api.call("PUT", "/v1/budget", {"email": "often"}, status=422)

    assert problem["errors"][0]["pointer"] == "#/email"
    assert "write 3 per week" in problem["errors"][0]["detail"]
    assert api.call("GET", "/v1/accounts/nobody/budget", status=404)["code"] == "DATA006"
