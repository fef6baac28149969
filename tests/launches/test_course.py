from __future__ import annotations

import time

import pytest

from enrollment.launches import wave_of
from tests.api.conftest import Caller, JsonTree
from tests.database import TENANT
from tests.launches.conftest import Book

pytestmark = pytest.mark.servers

WAVES = (0.5, 1.0)
IN_WAVES = """
playbook: in-waves
title: Write to them
enroll:
  launch:
    waves: [50%, 100%]
    gate: {after: 1s, halt_if: run.failed_share > 0.2}
steps:
  - id: log
    note.add: {text: Written to}
"""
HALTING = (
    IN_WAVES.replace("in-waves", "halting")
    + """
  - id: tell
    http.request: {method: GET, url: "http://127.0.0.1:9/nobody"}
    retry: {attempts: 1}
    on_error: stop
"""
)
APPROVED = """
playbook: approved
title: Raise the price
enroll:
  launch: {approve: {by: vp_cs}}
steps:
  - id: log
    note.add: {text: Raised}
"""
ONE_AT_A_TIME = """
playbook: one-at-a-time
title: Call them
enroll:
  limits: {at_once: 1}
steps:
  - id: log
    note.add: {text: Called}
  - id: answer
    wait: 10 days
"""


@pytest.fixture(scope="module", autouse=True)
def published(api: Caller) -> None:
    for source in (IN_WAVES, HALTING, APPROVED, ONE_AT_A_TIME):
        api.publish(source)


def of_wave(playbook: str, accounts: list[str], wave: int) -> list[str]:
    return [account for account in accounts if wave_of(TENANT, playbook, account, WAVES) == wave]


def launched(api: Caller, playbook: str, accounts: list[str]) -> JsonTree:
    return api.post("/v1/launches", {"playbook": playbook, "accounts": accounts}, status=202)


def item_of(api: Caller, launch: str, kind: str) -> JsonTree:
    deadline = time.monotonic() + 30
    while True:
        for item in api.get("/v1/tasks", params={"kind": kind, "limit": 200})["items"]:
            if item["context"].get("launch") == launch:
                return item
        assert time.monotonic() < deadline, f"no {kind} came"
        time.sleep(0.1)


def test_waves_open_one_after_the_other(api: Caller, book: Book) -> None:
    accounts = book.accounts(8)

    launch = launched(api, "in-waves", accounts)
    done = book.launch_when(launch["id"], lambda found: found["states"] == {"completed": 8})

    assert [run["account"] for run in launch["started"]] == of_wave("in-waves", accounts, 1)
    assert launch["queued"] == len(of_wave("in-waves", accounts, 2))
    assert (done["status"], done["open_wave"], done["waiting"]) == ("done", 2, 0)


def test_a_gate_halts_a_launch_and_a_person_resumes_it(api: Caller, book: Book) -> None:
    accounts = book.accounts(6)
    first = of_wave("halting", accounts, 1)

    launch = launched(api, "halting", accounts)
    halted = book.launch_when(launch["id"], lambda found: found["status"] == "halted")
    notice = item_of(api, launch["id"], "notice")
    resumed = api.post(f"/v1/launches/{launch['id']}/resume", status=202)
    after = book.launch_when(launch["id"], lambda found: found["states"] == {"failed": 6})

    assert halted["states"] == {"failed": len(first)}
    assert halted["waiting"] == 6 - len(first)
    assert halted["why"].startswith("halted before wave 2 of 2: run.failed_share > 0.2 holds")
    assert (notice["owner"], notice["title"]) == ("maria", 'The launch of "Write to them" was halted')
    assert (resumed["launch"]["status"], after["status"]) == ("done", "done")


@pytest.mark.parametrize("approved", [True, False])
def test_an_approver_decides_once_for_the_whole_list(api: Caller, book: Book, approved: bool) -> None:
    accounts = book.accounts(3)

    launch = launched(api, "approved", accounts)
    item = item_of(api, launch["id"], "approval")
    waits = api.get(f"/v1/launches/{launch['id']}")
    api.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": approved, "comment": "as agreed"}})
    again = api.post(f"/v1/tasks/{item['id']}/answer", {"answers": {"approved": True}}, status=409)

    assert (launch["status"], launch["started"], launch["queued"]) == ("waiting", [], 3)
    assert (item["owner"], item["title"], item["context"]["sample"]) == ("tom", 'Start "Raise the price" on 3 accounts?', accounts)
    assert (waits["status"], waits["why"]) == ("waiting", "waits for the approval of tom")
    assert again["code"] == "PLAY004"
    if approved:
        book.launch_when(launch["id"], lambda found: found["states"] == {"completed": 3})
    else:
        called_off = api.get(f"/v1/launches/{launch['id']}")
        assert (called_off["status"], called_off["why"], called_off["waiting"]) == ("cancelled", "maria rejected it: as agreed", 0)
        assert called_off["states"] == {}


def test_a_cancel_takes_the_queue_back_and_ends_the_plays(api: Caller, book: Book) -> None:
    accounts = book.accounts(4)
    launch = launched(api, "one-at-a-time", accounts)
    book.launch_when(launch["id"], lambda found: found["states"] == {"waiting": 1})

    told = api.post(f"/v1/launches/{launch['id']}/cancel", {"reason": "wrong list"}, status=202)
    job = book.job_done(told["job"]["id"])
    after = api.get(f"/v1/launches/{launch['id']}")
    again = api.post(f"/v1/launches/{launch['id']}/cancel", status=409)

    assert (told["withdrawn"], told["job"]["total"]) == (3, 1)
    assert job["progress"] == {"told": 1, "ended": 1}
    assert (after["status"], after["why"], after["states"], after["waiting"]) == (
        "cancelled",
        "cancelled by maria: wrong list",
        {"cancelled": 1},
        0,
    )
    assert again["code"] == "PLAY018"


def test_a_paused_launch_lets_nobody_in_and_resumes_only_what_it_paused(api: Caller, book: Book) -> None:
    accounts = book.accounts(3)
    api.publish(ONE_AT_A_TIME.replace("one-at-a-time", "two-at-a-time").replace("at_once: 1", "at_once: 2"))
    launch = launched(api, "two-at-a-time", accounts)
    book.launch_when(launch["id"], lambda found: found["states"] == {"waiting": 2})
    one, other = api.get("/v1/runs", params={"launch": launch["id"]})["items"]
    api.post(f"/v1/runs/{one['id']}/pause")

    paused = api.post(f"/v1/launches/{launch['id']}/pause", status=202)
    book.job_done(paused["job"]["id"])
    api.run_when(other["id"], lambda run: run["state"] == "paused")
    api.post(f"/v1/runs/{one['id']}/cancel")
    api.closed(one["id"])
    time.sleep(2.5)
    held = api.get(f"/v1/launches/{launch['id']}")
    resumed = api.post(f"/v1/launches/{launch['id']}/resume", status=202)
    book.job_done(resumed["job"]["id"])

    assert (held["status"], held["waiting"], held["states"]) == ("paused", 1, {"cancelled": 1, "paused": 1})
    book.launch_when(launch["id"], lambda found: found["states"] == {"cancelled": 1, "waiting": 2})


def test_many_plays_are_told_only_after_a_dry_run(api: Caller, book: Book) -> None:
    api.publish(ONE_AT_A_TIME.replace("one-at-a-time", "by-query").replace("at_once: 1", "at_once: 5"))
    launch = launched(api, "by-query", book.accounts(2))
    book.launch_when(launch["id"], lambda found: found["states"] == {"waiting": 2})
    command: JsonTree = {"filter": {"playbook": "by-query", "version": 1}, "do": "cancel"}

    shown = api.post("/v1/runs/bulk", command)
    blind = api.post("/v1/runs/bulk", {**command, "dry_run": False}, status=409)
    other = api.post("/v1/runs/bulk", {**command, "do": "undo", "dry_run": False, "token": shown["token"]}, status=409)
    everything = api.post("/v1/runs/bulk", {"filter": {}, "do": "cancel"}, status=422)
    done = api.post("/v1/runs/bulk", {**command, "dry_run": False, "token": shown["token"]})
    book.job_done(done["job"]["id"])

    assert (shown["total"], shown["states"], shown["job"]) == (2, {"waiting": 2}, None)
    assert (blind["code"], other["code"], everything["code"]) == ("PLAY019", "PLAY019", "DATA001")
    assert api.get(f"/v1/launches/{launch['id']}")["states"] == {"cancelled": 2}
