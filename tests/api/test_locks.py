"""A lock of an account across plays of several playbooks: one at a time, the more important first, and never lost."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from temporalio.client import Client

from api.plays import Plays
from api.services.locks import free_locks
from settings import Settings
from storage.session import Database
from tests.api.conftest import Caller, JsonTree
from tests.database import TENANT

pytestmark = pytest.mark.servers


def playbook(slug: str, *, priority: int = 0, hold: str = "wait: 1 second", finally_: str = "") -> str:
    return f"""
playbook: {slug}
title: Mend the bill
enroll: {{priority: {priority}}}
steps:
  - id: billing
    lock:
      name: account.billing
      steps:
        - {{id: begin, note.add: {{text: begin}}}}
        - {{id: work, {hold}}}
        - {{id: end, note.add: {{text: end}}}}
{finally_}
"""


LATE = """
finally:
  - {id: late, wait: 6 seconds}
"""
FAILS = """
playbook: fails
title: Mend the bill
steps:
  - id: billing
    lock:
      name: account.billing
      steps:
        - {id: begin, note.add: {text: begin}}
        - {id: work, wait: 1 second}
        - id: end
          http.request: {method: GET, url: "http://127.0.0.1:9/nobody"}
          retry: {attempts: 1}
          undo: {none: true, because: it asks only}
"""


@pytest.fixture(scope="module", autouse=True)
def ready(api: Caller) -> None:
    api.publish(playbook("low", priority=-10))
    api.publish(playbook("middle"))
    api.publish(playbook("high", priority=10))
    api.publish(playbook("long", hold="wait: 50 minutes"))
    api.publish(playbook("ends-late", finally_=LATE))
    api.publish(FAILS)


def holds(run: JsonTree) -> bool:
    return any(step["key"] == "work" for step in run["steps"])


def queued(run: JsonTree) -> bool:
    return "another play holds account.billing" in run["progress"]


def held(run: JsonTree) -> tuple[datetime, datetime]:
    """When a play held the lock, by its first and its last step inside."""
    steps = {step["key"]: step for step in run["steps"]}
    return datetime.fromisoformat(steps["begin"]["started_at"]), datetime.fromisoformat(steps["end"]["ended_at"])


def start_behind(api: Caller, account: str, *slugs: str) -> list[str]:
    """Start plays one after the other, each of which waits for the lock."""
    found = []
    for number, slug in enumerate(slugs):
        run = api.start(slug, account, key=f"k{number}")
        api.run_when(run["id"], queued)
        found.append(run["id"])
    return found


def test_plays_of_several_playbooks_hold_it_one_at_a_time_by_priority_and_then_by_age(api: Caller, account: str) -> None:
    first = api.start("long", account)["id"]
    api.run_when(first, holds)
    low, middle, later, high = start_behind(api, account, "low", "middle", "middle", "high")
    api.post(f"/v1/runs/{first}/cancel", {})
    spans = [held(api.closed(run)) for run in (high, middle, later, low)]

    assert spans == sorted(spans)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


@pytest.mark.parametrize(("slug", "how"), [("long", {"undo": True}), ("fails", None)])
def test_a_play_that_is_undone_or_fails_gives_it_back(api: Caller, account: str, slug: str, how: JsonTree) -> None:
    first = api.start(slug, account)["id"]
    api.run_when(first, holds)
    (second,) = start_behind(api, account, "middle")
    if how is not None:
        api.post(f"/v1/runs/{first}/cancel", how)

    assert api.closed(first)["outcome"] == "undone"
    assert api.closed(second)["outcome"] == "completed"


def test_a_play_that_is_cancelled_while_it_waits_leaves_the_queue_at_once(api: Caller, account: str) -> None:
    first = api.start("middle", account)["id"]
    api.run_when(first, holds)
    leaves, stays = start_behind(api, account, "ends-late", "low")
    api.post(f"/v1/runs/{leaves}/cancel", {})
    stayed = api.closed(stays)
    left = api.closed(leaves)

    assert (left["outcome"], stayed["outcome"]) == ("cancelled", "completed")
    # It did not have to wait for the end of the one that left.
    assert datetime.fromisoformat(stayed["ended_at"]) < datetime.fromisoformat(left["ended_at"])


async def test_a_play_that_was_ended_by_force_loses_it(api: Caller, account: str, settings: Settings, database: Database) -> None:
    first = api.start("long", account)["id"]
    running = api.run_when(first, holds)
    (second,) = start_behind(api, account, "middle")
    client = await Client.connect(settings.temporal_address)
    plays = Plays(lambda: Client.connect(settings.temporal_address), "", "default")
    left_alone = await free_locks(database, plays, TENANT, patience=timedelta(0))
    await client.get_workflow_handle(running["temporal_url"].rpartition("/")[2]).terminate("by force")
    freed = await free_locks(database, plays, TENANT, patience=timedelta(0))
    done = await asyncio.to_thread(api.closed, second)

    assert (left_alone, freed) == (0, 1)
    assert done["outcome"] == "completed"
