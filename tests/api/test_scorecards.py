"""Scorecards over HTTP, the health of an account, and overrides whose end is a timer of the real Temporal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from cli.dev.temporal import Temporal
from storage.ids import new_id
from storage.repositories.health import add_override
from storage.scoring_tables import ScoreOverride
from storage.session import Database
from tests.api.conftest import Caller, JsonTree
from tests.database import TENANT
from workflows.client import Address, connect
from workflows.messages import override_workflow_id

pytestmark = pytest.mark.servers

CARD = """
scorecard: %s
groups:
  usage:
    weight: 3
    measures:
      logins: {measure: usage.logins.change_30d, ramp: {low: -100, high: 0}}
  support:
    measures:
      urgent: {measure: support.open_sev1, ramp: {low: 2, high: 0}}
"""
YAML = {"Content-Type": "application/yaml"}


def publish(api: Caller, source: str = CARD % "default", *, status: int | None = None) -> JsonTree:
    return api.call("POST", "/v1/scorecards?publish=true", content=source, headers=YAML, status=status)


def account(api: Caller, logins: int = -20) -> str:
    name = f"H-{time.monotonic_ns()}"
    facts = {"usage": {"logins": {"change_30d": logins}}, "support": {"open_sev1": 0}}
    api.put(f"/v1/accounts/{name}", {"name": name, "currency": "EUR", "facts": facts})
    return name


def fact(api: Caller, name: str) -> JsonTree:
    return api.get(f"/v1/accounts/{name}")["facts"].get("health", {})


def when(look: Callable[[], JsonTree], holds: Callable[[JsonTree], bool], timeout_s: float = 30) -> JsonTree:
    deadline = time.monotonic() + timeout_s
    while not holds(found := look()):
        assert time.monotonic() < deadline, f"it did not come so far: {found}"
        time.sleep(0.05)
    return found


def override(api: Caller, name: str, score: float, seconds: float) -> JsonTree:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    return api.put(f"/v1/accounts/{name}/health/override", {"score": score, "reason": "Their CEO said so", "until": until})


def timer(own_temporal: Temporal, override_id: str) -> WorkflowExecutionStatus | None:
    """Give how the timer of an override stands; None when there is none."""

    async def look() -> WorkflowExecutionStatus | None:
        client = await _client(own_temporal)
        try:
            return (await client.get_workflow_handle(override_workflow_id(TENANT, override_id)).describe()).status
        except RPCError:
            return None

    return asyncio.run(look())


async def _client(own_temporal: Temporal) -> Client:
    return await connect(Address(own_temporal.address), cipher=None, wait_s=10, say=lambda line: None)


def test_a_card_is_checked_kept_published_and_taken_back(api: Caller) -> None:
    bad = api.call("POST", "/v1/scorecards/check", content=(CARD % "default").replace("logins.", "login."), headers=YAML)
    refused = publish(api, (CARD % "default").replace("high: 0", "high: -100"), status=422)
    first = publish(api)
    same = publish(api, status=200)
    draft = api.call("POST", "/v1/scorecards", content=CARD % "default" + "bands: {green: 80, yellow: 50}\n", headers=YAML)
    second = api.post(f"/v1/scorecards/default/versions/{draft['version']}/publish")
    versions = api.get("/v1/scorecards/default/versions")["items"]
    back = api.post(f"/v1/scorecards/default/versions/{first['version']}/publish")

    assert (bad["ok"], bad["diagnostics"][0]["code"], bad["diagnostics"][0]["line"]) == (False, "PB202", 7)
    assert (refused["code"], refused["diagnostics"][0]["code"]) == ("CARD001", "PB123")
    assert (first["status"], same["version"], draft["status"]) == ("published", first["version"], "draft")
    assert second["version"] == first["version"] + 1
    assert [one["status"] for one in versions[:2]] == ["published", "archived"]
    assert api.get("/v1/scorecards/default")["version"] == back["version"]
    assert [(one["name"], one["status"]) for one in api.get("/v1/scorecards")["items"]] == [("default", "published")]
    assert api.get("/v1/scorecards/nothing", status=404)["code"] == "CARD002"


def test_the_health_of_an_account_shows_every_measure(api: Caller) -> None:
    publish(api)
    name = account(api, -40)
    found = api.get(f"/v1/accounts/{name}/health")

    assert (found["score"], found["band"], found["computed"], found["coverage"]) == (70, "green", 70, 1)
    assert found["words"] == "70 of 100, green. Logins (-40 %) takes 30 points away."
    assert [(group["id"], group["weight"], group["points"]) for group in found["groups"]] == [("usage", 0.75, 60), ("support", 0.25, 100)]
    measure = found["groups"][0]["measures"][0]
    assert (measure["id"], measure["value"], measure["lost"], measure["missing"]) == ("usage.logins", -40, 30, False)
    assert found["override"] is None
    assert api.get("/v1/accounts/nobody/health", status=404)["code"] == "DATA006"


SAVE = """
playbook: %s
enroll:
  when:
    - {score: health, drops_below: 40}
steps:
  - id: call
    task.create: {title: Call them, owner: csm}
"""


def test_lint_judges_the_card_and_not_what_another_one_left(api: Caller) -> None:
    publish(api)
    names = [account(api, -number) for number in range(25)]
    for name in names:
        override(api, name, 20, 3600)  # a health is kept by the card of now, without the measure that comes next
    later = CARD % "default" + "      renews: {measure: contract.auto_renew, points: {true: 100, false: 0}, missing: neutral}\n"
    for name in names:
        api.call("PATCH", f"/v1/accounts/{name}", {"facts": {"contract": {"auto_renew": True}}})
    found = api.call("POST", "/v1/scorecards/lint", content=later, headers=YAML)

    assert found["accounts"] >= 25
    assert [one for one in found["remarks"] if one["kind"] == "missing"] == []


def test_whoever_publishes_is_told_whose_band_changes_and_which_playbooks_see_it(api: Caller) -> None:
    publish(api)
    name = account(api, -20)
    api.call("PATCH", f"/v1/accounts/{name}", {"facts": {"health": {"score": 85, "band": "green"}}})
    api.call("POST", "/v1/playbooks?publish=true", content=SAVE % "save-by-health", headers=YAML)
    before = api.get("/v1/scorecards/default/lint")["effect"]
    strict = (CARD % "default").replace("low: -100", "low: -30")
    drafted = api.call("POST", "/v1/scorecards", content=strict, headers=YAML)
    after = api.post(f"/v1/scorecards/default/versions/{drafted['version']}/publish")["effect"]
    linted = api.get("/v1/scorecards/default/lint")

    # Accounts of other tests are there as well.
    assert after["changes"]["green to yellow"] > before["changes"].get("green to yellow", 0)
    assert "save-by-health" in after["playbooks"]
    assert "playbooks that are entered by health see that: " in after["words"]
    assert drafted["effect"] == after
    assert [one["words"] for one in linted["remarks"] if one["kind"] == "change"] == [after["words"]]


def test_an_override_ends_by_itself_when_its_time_comes(api: Caller, own_temporal: Temporal) -> None:
    publish(api)
    name = account(api)
    made = override(api, name, 20, 2.5)
    shown, health = fact(api, name), api.get(f"/v1/accounts/{name}/health")
    status = timer(own_temporal, made["id"])
    after = when(lambda: fact(api, name), lambda facts: facts["score"] == 85)

    assert (shown["score"], shown["band"]) == (20, "red")
    assert (health["score"], health["computed"], health["override"]["by"], health["override"]["reason"]) == (
        20,
        85,
        "maria",
        "Their CEO said so",
    )
    assert status == WorkflowExecutionStatus.RUNNING
    assert (after["band"], after["previous"]) == ("green", 20)
    assert api.get(f"/v1/accounts/{name}/health")["override"] is None
    when(lambda: timer(own_temporal, made["id"]), lambda status: status == WorkflowExecutionStatus.COMPLETED)


def test_a_person_ends_an_override_early(api: Caller, own_temporal: Temporal) -> None:
    publish(api)
    name = account(api)
    made = override(api, name, 20, 3600)
    ended = api.call("DELETE", f"/v1/accounts/{name}/health/override")
    again = api.call("DELETE", f"/v1/accounts/{name}/health/override", status=404)

    assert (ended["id"], ended["ended_by"]) == (made["id"], "maria")
    assert again["code"] == "CARD004"
    assert fact(api, name)["score"] == 85
    when(lambda: timer(own_temporal, made["id"]), lambda status: status == WorkflowExecutionStatus.COMPLETED)


def test_a_newer_override_takes_the_place_of_the_one_before(api: Caller, own_temporal: Temporal) -> None:
    publish(api)
    name = account(api)
    first = override(api, name, 20, 2)
    second = override(api, name, 45, 3600)
    when(lambda: timer(own_temporal, first["id"]), lambda status: status == WorkflowExecutionStatus.COMPLETED)
    time.sleep(2.5)

    assert fact(api, name)["score"] == 45
    assert api.get(f"/v1/accounts/{name}/health")["override"]["id"] == second["id"]
    assert timer(own_temporal, second["id"]) == WorkflowExecutionStatus.RUNNING


def test_cancelling_the_timer_in_temporal_ends_the_override(api: Caller, own_temporal: Temporal) -> None:
    publish(api)
    name = account(api)
    made = override(api, name, 20, 3600)

    async def cancel() -> None:
        client = await _client(own_temporal)
        await client.get_workflow_handle(override_workflow_id(TENANT, made["id"])).cancel()

    asyncio.run(cancel())
    when(lambda: fact(api, name), lambda facts: facts["score"] == 85)


def test_a_timer_that_nobody_started_or_somebody_killed_is_started_by_the_relay(api: Caller, own_temporal: Temporal) -> None:
    publish(api)
    name = account(api)
    made = override(api, name, 20, 4)

    async def kill() -> None:
        client = await _client(own_temporal)
        await client.get_workflow_handle(override_workflow_id(TENANT, made["id"])).terminate("for the test")

    asyncio.run(kill())
    when(lambda: api.get(f"/v1/accounts/{name}")["facts"]["health"]["score"], lambda score: score == 85)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"score": 101, "reason": "because", "until": "2999-01-01T00:00:00Z"}, "#/score"),
        ({"score": 50, "reason": " ", "until": "2999-01-01T00:00:00Z"}, "#/reason"),
        ({"score": 50, "reason": "because", "until": "2020-01-01T00:00:00Z"}, "#/until"),
        ({"score": 50, "reason": "because", "until": "2999-01-01T00:00:00Z"}, "#/until"),
        ({"score": 50, "reason": "because", "until": "2026-12-24T00:00:00"}, "#/until"),
    ],
)
def test_an_override_that_cannot_be_is_refused(api: Caller, body: JsonTree, pointer: str) -> None:
    publish(api)
    refused = api.call("PUT", f"/v1/accounts/{account(api)}/health/override", body, status=422)

    assert pointer in [error["pointer"] for error in refused["errors"]]


async def test_an_override_whose_writer_died_before_its_timer_began_ends_all_the_same(api: Caller, database: Database) -> None:
    publish(api)
    name = account(api)
    now = datetime.now(UTC)
    async with database.begin(TENANT) as session:
        until = now + timedelta(seconds=1)
        row = ScoreOverride(
            id=new_id(), account=name, score=20, reason="x", by="maria", created_at=now - timedelta(seconds=20), until=until
        )
        await add_override(session, row, now)

    async def ended() -> str | None:
        async with database.begin(TENANT) as session:
            return (await session.get_one(ScoreOverride, (TENANT, row.id))).ended_by

    deadline = time.monotonic() + 30
    while await ended() is None:
        assert time.monotonic() < deadline, "nobody ended it"
        await asyncio.sleep(0.1)

    assert await ended() == "expired"
