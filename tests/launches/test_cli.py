from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import Caller
from tests.cli.test_commands import answered, at_this_api, playkeeper
from tests.launches.conftest import Book

__all__ = ["at_this_api"]
pytestmark = pytest.mark.servers

GIFT = """
playbook: gift
title: Send a gift
inputs:
  worth: {type: integer, default: 10, min: 1, max: 30}
steps:
  - id: stage
    account.update: {set: {stage: gifted}}
  - id: answer
    wait: 10 days
"""


def test_a_file_is_looked_at_started_and_taken_back_from_the_terminal(api: Caller, book: Book, tmp_path: Path) -> None:
    api.publish(GIFT)
    accounts = book.accounts(3)
    table, seen_table, receipt_table = tmp_path / "list.csv", tmp_path / "seen.csv", tmp_path / "receipt.csv"
    table.write_text(
        "account,worth\n" + "".join(f"{account},{20 + 10 * number}\n" for number, account in enumerate(accounts)) + "nobody,5\n"
    )

    seen = playkeeper("start", "gift", "--csv", str(table), "--preview", "--out", str(seen_table)).stdout
    audience = playkeeper("start", "gift", "--preview").stdout
    launch = answered("start", "gift", "--csv", str(table))
    book.launch_when(launch["id"], lambda found: found["states"] == {"waiting": 2})
    paused = playkeeper("pause", "--launch", launch["id"], "--reason", "lunch").stdout
    resumed = playkeeper("resume", "--launch", launch["id"]).stdout
    shown = playkeeper("launch", launch["id"], "--accounts").stdout
    listed = playkeeper("launches").stdout
    ahead = playkeeper("undo", "--launch", launch["id"], "--dry-run").stdout
    undone = playkeeper("undo", "--launch", launch["id"]).stdout
    book.launch_when(launch["id"], lambda found: found["states"] == {"undone": 2})
    receipt = playkeeper("receipt", "--launch", launch["id"], "--csv", str(receipt_table)).stdout

    assert "gift v1: 4 accounts; 2 would enter" in seen
    assert 'line 4, worth: "40" must be at most 30, and is 40; write a whole number such as 10' in seen
    assert 'line 5, account: "nobody" there is no such account; write import the account first, or correct the id' in seen
    assert seen_table.read_text().splitlines()[1] == f"{accounts[0]},active,entered,enters,"
    assert "would enter" in audience
    assert [run["account"] for run in launch["started"]] == accounts[:2]
    assert (paused.splitlines()[0], paused.splitlines()[1]) == (
        f"launch {launch['id']}: paused (paused by maria: lunch)",
        "2 plays are told: pause",
    )
    assert resumed.startswith(f"launch {launch['id']}: done")
    assert f"{accounts[1]}  active: entered  enters" in shown
    assert launch["id"] in listed
    assert ahead.startswith("2 open (nothing is undone yet)")
    assert undone.startswith("2 plays are undone, 0 had nothing left to take back")
    assert receipt.startswith("2 undone")
    assert [line.split(",")[6] for line in receipt_table.read_text().splitlines()] == ["outcome", "undone", "undone"]
    assert "name a play, or a launch with --launch" in playkeeper("undo", code=2).output


def test_every_play_of_a_version_is_ended_from_the_terminal(api: Caller, book: Book) -> None:
    api.publish(GIFT.replace("playbook: gift", "playbook: gift-two"))
    launch = api.post("/v1/launches", {"playbook": "gift-two", "accounts": book.accounts(2)}, status=202)["id"]
    book.launch_when(launch, lambda found: found["states"] == {"waiting": 2})

    told = playkeeper("cancel", "--playbook", "gift-two", "--version", "1", "--yes").stdout

    assert told.startswith("2 plays are told: cancel")
    book.launch_when(launch, lambda found: found["states"] == {"cancelled": 2})
