"""The commands against the API as it is served, with a worker, real PostgreSQL and real Temporal."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from settings import Settings
from tests.api.conftest import (  # noqa: F401  # fixtures of the served API
    Caller,
    Served,
    account,
    api,
    own_temporal,
    served,
    settings,
)

pytestmark = pytest.mark.servers

JsonTree = Any

PLAYBOOK = """
playbook: from-terminal
title: Played from the terminal
inputs:
  days: {type: integer, default: 3, min: 1, max: 9}
steps:
  - id: flag
    cta.open: {type: risk, priority: high, owner: csm, because: Health dropped}
  - id: call
    task.create: {title: "Call {{ account.name }}", owner: csm, due: 3 business days, wait: true}
  - id: letter
    email.send: {template: terminal-hello, to: [champion]}
    urgent: Nobody waits for office hours in a test
    undo: {none: true, because: A letter cannot be called back}
  - id: agreed
    approve: {by: csm, question: Agreed?}
"""
TEMPLATE = "---\nchannel: email\nsubject: Hello {{ contact.name }}\n---\nHow are you?\n"


@pytest.fixture(autouse=True)
def at_this_api(served: Served, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811  # it is the fixture imported above
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    monkeypatch.setenv("PLAYKEEPER_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("PLAYKEEPER_ACTOR", "maria")


def playkeeper(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{arguments}: {result.exit_code} {result.output} {result.exception!r}"
    return result


def answered(*arguments: str) -> JsonTree:
    return json.loads(playkeeper(*arguments, "--json").stdout)


def item_of(run: str, kind: str) -> JsonTree:
    deadline = time.monotonic() + 30
    while True:
        for item in answered("inbox", "--play", run):
            if item["kind"] == kind:
                return item
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/terminal-hello.md.j2").write_text(TEMPLATE)
    (tmp_path / "from-terminal.yaml").write_text(PLAYBOOK)
    return tmp_path / "from-terminal.yaml"


def test_a_playbook_is_published_played_and_undone_from_the_terminal(api: Caller, account: str, playbook: Path) -> None:  # noqa: F811  # it is the fixture imported above
    assert "version 1 is published" in playkeeper("publish", str(playbook)).stdout
    run = answered("start", "from-terminal", "--account", account, "--input", "days=5")
    playkeeper("complete", item_of(run["id"], "task")["id"], "--outcome", "They stay")
    approval = item_of(run["id"], "approval")["id"]
    assert playkeeper("pause", run["id"], "--reason", "lunch").stdout.startswith("paused")
    assert "paused" in playkeeper("runs", "--account", account).stdout
    playkeeper("resume", run["id"])
    playkeeper("approve", approval, "--comment", "fine")
    ended = api.closed(run["id"])
    assert ended["outcome"] == "completed"
    assert ended["inputs"] == {"days": 5}

    playkeeper("undo", run["id"])
    api.run_when(run["id"], lambda found: found["outcome"] == "undone")
    shown = playkeeper("run", run["id"]).stdout

    assert re.search(r"undone +flag \(cta.open\)", shown)
    assert re.search(r"stays done +letter \(email.send\)", shown)
    assert run["temporal_url"] in shown
    assert "cta.open" in playkeeper("effects", "--account", account).stdout
    mails = answered("mail")
    assert mails[0]["subject"] == "Hello Ada Meyer"
    assert "How are you?" in playkeeper("mail", mails[0]["message_id"]).stdout


def test_a_launch_is_started_from_a_file_and_undone(api: Caller, account: str, playbook: Path, tmp_path: Path) -> None:  # noqa: F811  # it is the fixture imported above
    playkeeper("publish", str(playbook))
    listed = tmp_path / "accounts.csv"
    listed.write_text(f"{account}\nnobody\n")

    launched = answered("start", "from-terminal", "--accounts", str(listed))
    item_of(launched["started"][0]["id"], "task")
    undone = playkeeper("undo", "--launch", launched["id"]).stdout

    assert [one["account"] for one in launched["refused"]] == ["nobody"]
    assert undone.startswith("1 plays are undone")
    assert api.closed(launched["started"][0]["id"])["outcome"] == "undone"


def test_accounts_are_imported_listed_and_shown(api: Caller, tmp_path: Path) -> None:  # noqa: F811  # it is the fixture imported above
    book = tmp_path / "book.csv"
    book.write_text("id,name,mrr\nCLI-1,Birch,500\nCLI-2,Beech,abc\n")

    imported = playkeeper("accounts", "import", str(book)).stdout

    assert "2 rows: 1 new, 0 brought up to date, 1 refused" in imported
    assert 'line 3, mrr "abc"' in imported
    assert "Birch" in playkeeper("accounts", "list", "--search", "CLI-").stdout
    assert "500.00" in playkeeper("accounts", "show", "CLI-1").stdout


def test_an_event_says_who_heard_it(api: Caller, account: str) -> None:  # noqa: F811  # it is the fixture imported above
    assert "is in no play now" in playkeeper("event", "meeting.booked", "--account", account, "--field", "with=Ada").stdout


def test_a_refusal_is_a_sentence_with_its_code(api: Caller, account: str, tmp_path: Path) -> None:  # noqa: F811  # it is the fixture imported above
    broken = tmp_path / "broken.yaml"
    broken.write_text("playbook: broken\ntitle: x\nsteps:\n  - id: a\n    note.ad: {text: hi}\n")

    refused = playkeeper("publish", str(broken), code=1)
    unknown = playkeeper("run", "not-there", code=1)
    as_json = CliRunner().invoke(app, ["run", "not-there", "--json"])

    assert "broken.yaml:5" in refused.stderr
    assert 'did you mean "note.add"?' in refused.stderr
    assert unknown.stderr == 'playkeeper: There is no play "not-there"; GET /v1/runs lists them. [PLAY002]\n'
    assert json.loads(as_json.stdout)["code"] == "PLAY002"
    assert "Traceback" not in refused.output + unknown.output


@pytest.mark.parametrize(
    "arguments", [["start", "from-terminal"], ["undo"], ["start", "x", "-a", "A", "-i", "nonsense"], ["runs", "--limit", "0"]]
)
def test_a_command_without_what_it_needs_ends_with_2(arguments: list[str]) -> None:
    playkeeper(*arguments, code=2)


def test_a_score_that_nobody_can_give_says_who_failed(api: Caller, account: str) -> None:  # noqa: F811  # it is the fixture imported above
    said = playkeeper("score", account, code=1).output

    assert "[PRED001]" in said
    assert "  scorecard failed: the account has no health score [ML001]" in said
    assert "[PRED001]" not in playkeeper("score", "../x", code=1).output


def test_an_api_that_is_away_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_API_URL", "http://127.0.0.1:1")

    away = playkeeper("runs", code=1)

    assert "does not answer" in away.stderr
    assert "Traceback" not in away.output
