from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time

import httpx
import pytest

from cli.dev.server import free_port
from settings import Settings
from tests.api.conftest import KEYS, Caller, JsonTree
from tests.launches.conftest import Book

pytestmark = pytest.mark.servers

MARK = """
playbook: mark
title: Mark and write
steps:
  - id: stage
    account.update: {set: {stage: at_risk}}
  - id: flag
    cta.open: {type: risk, priority: high, owner: csm, because: Health dropped}
  - id: tell
    event.emit: {name: account.marked, fields: {}}
  - id: answer
    wait: 10 days
"""


@pytest.fixture(scope="module", autouse=True)
def published(api: Caller) -> None:
    api.publish(MARK)


def outcomes(report: JsonTree) -> dict[tuple[str, str], str]:
    return {(one["account"][-3:], one["step"]): one["outcome"] for one in report["items"]}


def test_an_undo_is_looked_at_first_and_leaves_a_receipt(api: Caller, book: Book) -> None:
    accounts = book.accounts(2)
    launch = api.post("/v1/launches", {"playbook": "mark", "accounts": accounts}, status=202)["id"]
    book.launch_when(launch, lambda found: found["states"] == {"waiting": 2})
    api.patch(f"/v1/accounts/{accounts[0]}", {"stage": "closing"})

    ahead = api.get(f"/v1/launches/{launch}/undo")
    untouched = api.get(f"/v1/accounts/{accounts[1]}")["stage"]
    undone = api.post(f"/v1/launches/{launch}/undo", {"reason": "wrong list"}, status=202)
    book.job_done(undone["job"]["id"])
    receipt = api.get(f"/v1/launches/{launch}/undo")
    table = list(csv.DictReader(io.StringIO(api.http.get(f"/v1/launches/{launch}/undo", params={"as": "csv"}).text)))
    stages = [api.get(f"/v1/accounts/{account}")["stage"] for account in accounts]

    expected = {
        ("000", "stage"): "conflict",
        ("000", "flag"): "open",
        ("000", "tell"): "impossible",
        ("001", "stage"): "open",
        ("001", "flag"): "open",
        ("001", "tell"): "impossible",
    }
    assert (ahead["dry_run"], outcomes(ahead)) == (True, expected)
    conflict = next(one for one in ahead["items"] if one["outcome"] == "conflict")
    assert (conflict["field"], conflict["ours"], conflict["now"]) == ("stage", "at_risk", "closing")
    assert untouched == "at_risk"
    assert (undone["undoing"], undone["nothing"], undone["refused"]) == (2, 0, [])
    assert receipt["dry_run"] is False
    assert outcomes(receipt) == {key: "undone" if outcome == "open" else outcome for key, outcome in expected.items()}
    assert receipt["counts"] == {"conflict": 1, "impossible": 2, "undone": 3}
    assert [row["outcome"] for row in table] == [one["outcome"] for one in receipt["items"]]
    assert stages == ["closing", "new"]

    forced = api.post(f"/v1/launches/{launch}/undo", {"force": True}, status=202)
    book.job_done(forced["job"]["id"])

    assert (forced["undoing"], forced["nothing"]) == (1, 1)
    assert api.get(f"/v1/accounts/{accounts[0]}")["stage"] == "new"
    assert api.get(f"/v1/launches/{launch}/undo")["counts"] == {"impossible": 2, "undone": 4}


def test_an_undo_of_a_version_is_looked_at_first_too(api: Caller, book: Book) -> None:
    api.publish(MARK.replace("playbook: mark", "playbook: mark-again"))
    launch = api.post("/v1/launches", {"playbook": "mark-again", "accounts": book.accounts(2)}, status=202)["id"]
    book.launch_when(launch, lambda found: found["states"] == {"waiting": 2})

    ahead = api.get("/v1/runs/bulk/undo", params={"playbook": "mark-again", "version": 1})
    command: JsonTree = {"filter": {"playbook": "mark-again", "version": 1}, "do": "undo"}
    token = api.post("/v1/runs/bulk", command)["token"]
    done = api.post("/v1/runs/bulk", {**command, "dry_run": False, "token": token})
    book.job_done(done["job"]["id"])
    receipt = api.get(f"/v1/bulk/{done['job']['id']}/receipt")

    assert ahead["counts"] == {"impossible": 2, "open": 4}
    assert receipt["counts"] == {"impossible": 2, "undone": 4}


def test_an_undo_goes_on_when_the_api_dies_half_way(settings: Settings, api: Caller, book: Book) -> None:
    launch = api.post("/v1/launches", {"playbook": "mark", "accounts": book.accounts(6)}, status=202)["id"]
    book.launch_when(launch, lambda found: found["states"] == {"waiting": 6})

    with pytest.raises(httpx.TransportError):
        undo_and_die(settings, launch)
    report = api.get(f"/v1/launches/{launch}/undo")
    done = book.job_done(report["job"]["id"])

    assert report["job"]["status"] == "running"
    assert report["job"]["progress"]["open"] > 0
    assert done["progress"] == {"told": 6, "ended": 6}
    assert api.get(f"/v1/launches/{launch}/undo")["counts"] == {"impossible": 6, "undone": 12}


def undo_and_die(settings: Settings, launch: str) -> None:
    """Ask an API of its own for the undo; it dies before it can answer."""
    port = free_port()
    given = {
        "TENANT": settings.tenant,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.require_database_url(),
        "ENCRYPTION_KEYS": KEYS,
        "TEMPORAL_ADDRESS": settings.temporal_address or "",
        "API_PORT": str(port),
    }
    environment = os.environ | {f"PLAYKEEPER_{name}": value for name, value in given.items()}
    process = subprocess.Popen([sys.executable, "-m", "tests.launches.dying_api"], env=environment)
    try:
        other = Caller(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 40
        while True:
            try:
                other.http.get("/v1/launches")
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        other.post(f"/v1/launches/{launch}/undo")
    finally:
        code = process.wait(30)
    assert code == 9
