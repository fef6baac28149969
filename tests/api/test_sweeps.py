"""Sweeps and schedules through the API, with a worker and a real Temporal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from settings import Settings
from tests.api.conftest import Caller, JsonTree
from workflows.client import Address, connect
from workflows.messages import sweep_schedule_id

pytestmark = pytest.mark.servers

PLAYBOOK = """
playbook: {slug}
enroll:
  when: [{{id: daily, schedule: {{{schedule}}}}}]
  audience: "'{slug}' in account.tags"
  {rules}
steps:
  - {{id: hello, note.add: {{text: Hello}}}}
"""


def publish(api: Caller, slug: str, schedule: str, rules: str = "again: {after: 30 days}") -> None:
    api.publish(PLAYBOOK.format(slug=slug, schedule=schedule, rules=rules), status=201)


def accounts(api: Caller, slug: str, count: int) -> list[str]:
    ids = [f"{slug}-{number}" for number in range(count)]
    for account in ids:
        api.put(f"/v1/accounts/{account}", {"name": account, "tags": [slug]})
    return ids


def when(look: Callable[[], JsonTree], holds: Callable[[JsonTree], object], timeout_s: float = 30) -> JsonTree:
    deadline = time.monotonic() + timeout_s
    while not holds(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def ended(api: Caller, launch: str) -> JsonTree:
    """The launch as soon as it and its plays have ended."""
    return when(
        lambda: api.get(f"/v1/launches/{launch}"),
        lambda one: one["ended_at"] is not None and sum(one["states"].values()) == one["states"].get("completed", 0),
    )


def schedule_of(api: Caller, slug: str) -> JsonTree:
    """The schedule as soon as a worker has made it."""
    return when(lambda: [one for one in api.get("/v1/schedules") if one["playbook"] == slug], lambda found: found and found[0]["next"])[0]


def test_a_sweep_starts_one_play_for_each_account_of_the_audience(api: Caller) -> None:
    publish(api, "swept", 'cron: "0 7 * * 1"')
    ids = accounts(api, "swept", 7)
    dry = api.post("/v1/playbooks/swept/sweep", {"dry_run": True}, status=202)
    seen = ended(api, dry["launch"])
    assert (seen["kind"], seen["counts"], seen["states"]) == ("dry_run", {"entered": 7}, {})

    first = ended(api, api.post("/v1/playbooks/swept/sweep", {}, status=202)["launch"])
    assert (first["status"], first["expected"], first["counts"], first["states"]) == ("done", 7, {"entered": 7}, {"completed": 7})
    runs = api.get("/v1/runs", params={"launch": first["id"]})["items"]
    assert sorted(run["account"] for run in runs) == sorted(ids)
    assert {(run["trigger"], run["started_by"]) for run in runs} == {("schedule", "maria")}

    second = ended(api, api.post("/v1/playbooks/swept/sweep", {}, status=202)["launch"])
    assert second["counts"] == {"too_soon": 7}


async def come(settings: Settings, slug: str) -> None:
    """Let the schedule come now; a minute is long."""
    client = await connect(Address(settings.temporal_address), cipher=None, wait_s=10, say=lambda line: None)
    await client.get_schedule_handle(sweep_schedule_id(settings.tenant, slug, "daily")).trigger()


def test_a_schedule_comes_by_itself_and_is_changed_in_place(api: Caller, settings: Settings) -> None:
    accounts(api, "minutely", 2)
    publish(api, "minutely", "every: 1 minute")
    made = schedule_of(api, "minutely")
    assert (made["paused"], made["trigger"]) == (False, "daily")
    asyncio.run(come(settings, "minutely"))
    launches = when(lambda: api.get("/v1/launches", params={"limit": 200})["items"], lambda found: _of(found, "minutely"))
    (first, *_) = _of(launches, "minutely")
    assert ended(api, first["id"])["counts"] == {"entered": 2}
    assert first["started_by"] == "schedule"

    api.post("/v1/schedules/minutely/daily/pause", {"note": "the price list is old"})
    publish(api, "minutely", 'cron: "30 6 * * *", timezone: Europe/Berlin')
    changed = when(lambda: schedule_of(api, "minutely"), lambda one: one["next"][0].endswith(("04:30:00Z", "05:30:00Z")))
    assert (changed["paused"], changed["note"], changed["turns"] >= 1) == (True, "the price list is old", True)

    assert api.post("/v1/schedules/minutely/daily/resume", {})["paused"] is False
    api.post("/v1/playbooks/minutely/archive")
    when(lambda: api.http.get("/v1/schedules/minutely/daily").status_code, lambda status: status == 404)


def _of(launches: list[JsonTree], slug: str) -> list[JsonTree]:
    return [one for one in launches if one["playbook"] == slug]


def test_missed_turns_are_named_and_made_up_for_by_one_sweep(api: Caller) -> None:
    accounts(api, "missed", 3)
    publish(api, "missed", "calendar: {weekdays: [monday, thursday], at: 07:00}")
    schedule_of(api, "missed")
    path = "/v1/schedules/missed/daily/backfill"
    week = {"since": "2026-11-09T00:00:00Z", "until": "2026-11-16T00:00:00Z"}
    dry = api.post(path, week, status=202)
    assert dry["missed"] == ["2026-11-09T07:00:00Z", "2026-11-12T07:00:00Z"]
    assert dry["dry_run"] is True
    assert ended(api, dry["launch"])["states"] == {}
    done = api.post(path, {**week, "dry_run": False}, status=202)
    assert ended(api, done["launch"])["states"] == {"completed": 3}
    nothing = api.post(path, {"since": "2026-11-10T00:00:00Z", "until": "2026-11-11T00:00:00Z"}, status=202)
    assert (nothing["missed"], nothing["launch"]) == ([], None)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("calendar: {days: [30], months: [february], at: 07:00}", "never comes"),
        ('cron: "0 7 * * *", timezone: Mars/Olympus', "is not a time zone"),
        ("every: 1 month", "no fixed length"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_its_place(api: Caller, schedule: str, said: str) -> None:
    refused = api.publish(PLAYBOOK.format(slug="wrong", schedule=schedule, rules=""), status=422)
    (finding,) = refused["diagnostics"]
    assert (finding["code"], finding["line"]) == ("PB505", 4)
    assert said in finding["message"]


def test_what_is_not_there_is_said(api: Caller) -> None:
    assert api.post("/v1/playbooks/nobody/sweep", {}, status=404)["code"] == "PLAY005"
    publish(api, "here", 'cron: "0 7 * * 1"')
    assert api.post("/v1/playbooks/here/sweep", {"trigger": "weekly"}, status=404)["code"] == "PLAY015"
    assert api.post("/v1/schedules/here/weekly/pause", {}, status=404)["code"] == "PLAY015"


def test_a_sweep_waits_for_its_approval_and_then_lets_its_accounts_in(api: Caller) -> None:
    publish(api, "agreed", 'cron: "0 7 * * 1"', "launch: {approve: {by: vp_cs}}")
    accounts(api, "agreed", 4)
    launch = api.post("/v1/playbooks/agreed/sweep", {}, status=202)["launch"]
    asked = when(lambda: api.get(f"/v1/launches/{launch}"), lambda one: one["task"] is not None)
    assert (asked["status"], asked["counts"], asked["states"], asked["waiting"]) == ("waiting", {"waits_for_approval": 4}, {}, 4)

    api.post(f"/v1/tasks/{asked['task']}/answer", {"answers": {"approved": True}})
    done = when(lambda: api.get(f"/v1/launches/{launch}"), lambda one: one["states"] == {"completed": 4})
    assert (done["status"], done["waiting"]) == ("done", 0)
