"""`playkeeper scorecard` against the API as it is served, with a simulated past in the database."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from activities.scoring.snapshots import stored_form
from cli.main import app
from scoring.features.compute import snapshot_at
from scoring.features.definitions import FEATURE_SET
from scoring.features.history import histories_of
from scoring.simulate.book import simulate
from scoring.simulate.options import Options
from settings import Settings
from storage.repositories.observations import Seen, add_observations, make_months
from storage.repositories.snapshots import save_snapshots
from storage.session import Database
from storage.tables import Account
from tests.api.conftest import (  # noqa: F401  # fixtures of the served API
    Caller,
    Served,
    api,
    own_temporal,
    served,
    settings,
)
from tests.database import TENANT

pytestmark = pytest.mark.servers

CARD = """
scorecard: %s
groups:
  usage:
    measures:
      seats: {measure: usage.seat_share, ramp: {low: 0.2, high: 0.8}}
      logins: {measure: usage.logins.change_30d, ramp: {low: -60, high: 10}}
"""


@pytest.fixture(autouse=True)
def at_this_api(served: Served, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811  # it is the fixture imported above
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    monkeypatch.setenv("PLAYKEEPER_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("PLAYKEEPER_ACTOR", "maria")


def playkeeper(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["scorecard", *arguments])
    assert result.exit_code == code, f"{arguments}: {result.exit_code} {result.output} {result.exception!r}"
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("default", "large"):
        head = 'for: account.segment == "large"\n' if name == "large" else ""
        (tmp_path / f"{name}.yaml").write_text(CARD % name + head)
    return tmp_path


async def fill(database: Database) -> None:
    """Write a simulated book into the database: accounts, what was seen of their contracts, and a snapshot a month."""
    book = simulate(Options(accounts=250, months=14, seed=5, base_rate=0.1))
    shift = datetime.now(UTC) - datetime(book.end.year, book.end.month, book.end.day, tzinfo=UTC)
    found = list(book.observations())
    histories = histories_of(found)
    contracts = [
        Seen(each.account, each.occurred_at + shift, each.id, each.kind, each.subject, dict(each.values), each.ingested_at + shift)
        for each in found
        if each.kind == "contract"
    ]
    async with database.begin(TENANT) as session:
        for number, account in enumerate(sorted(histories)):
            segment = "large" if number % 3 == 0 else None
            session.add(Account(tenant=TENANT, id=account, name=account, currency="EUR", segment=segment))
        await make_months(session, "observation", [each.occurred_at.date() for each in contracts])
        await add_observations(session, contracts)
    for months in range(4, 10):
        at = datetime.now(UTC) - timedelta(days=30.5 * months)
        snapshots = [stored_form(account, snapshot_at(history, at - shift)) for account, history in histories.items()]
        async with database.begin(TENANT) as session:
            await make_months(session, "account_feature_snapshot", [at.date()])
            await save_snapshots(session, at, FEATURE_SET, snapshots)


def test_files_are_checked_without_a_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_API_URL", "http://127.0.0.1:1")
    wrong = folder / "wrong.yaml"
    wrong.write_text((CARD % "wrong").replace("high: 10", "high: -60"))
    good = playkeeper("check", str(folder / "default.yaml"), str(folder / "large.yaml"))
    bad = playkeeper("check", str(wrong), code=1)
    as_json = json.loads(playkeeper("check", "--json", str(wrong), code=1).output)

    assert good.output.count("ok, 2 measures in 1 groups") == 2
    assert "a ramp from -60 to -60 has no slope [PB123]" in bad.output
    assert [(one["ok"], one["diagnostics"][-1]["code"]) for one in as_json] == [(False, "PB123")]
    assert "no such file" in playkeeper("check", str(folder / "none.yaml"), code=2).output.lower()


async def test_a_card_is_published_tried_on_the_past_and_looked_at(database: Database, folder: Path, api: Caller) -> None:  # noqa: F811  # the fixture
    await fill(database)
    assert playkeeper("publish", str(folder / "large.yaml")).output == "large: version 1 is published\n"
    large = json.loads(playkeeper("backtest", "large", "--json").output)
    default = json.loads(playkeeper("backtest", str(folder / "default.yaml"), "--months", "24", "--json").output)
    short = json.loads(playkeeper("backtest", str(folder / "default.yaml"), "--months", "2", "--json").output)
    shown = playkeeper("backtest", "large").output

    assert 0 < large["accounts"] <= 84
    assert 84 < default["accounts"] <= 166  # the others are those of the card for large customers
    assert short["rows"] < default["rows"]
    assert default["churned"] > 20
    assert 0.55 < default["auc"]["low"] < default["auc"]["value"] < default["auc"]["high"] < 0.95
    assert sum(band["rows"] for band in default["bands"]) == default["rows"]
    assert "base rate of those with a score" in shown
    assert "AUC" in shown
    lint = playkeeper("lint", "large").output
    assert "No published playbook asks about health that is red" in lint
    assert "Everything else counts as possible" in lint


def test_what_there_is_too_little_of_the_past_for_is_said(folder: Path) -> None:
    tiny = folder / "tiny.yaml"
    tiny.write_text(CARD % "tiny" + 'for: account.segment == "nobody"\n')

    assert "There is no snapshot of an account that" in playkeeper("backtest", str(tiny), code=1).output
    assert "[CARD002]" in playkeeper("backtest", "nothing", code=1).output
    assert "there is no file" in playkeeper("backtest", str(folder / "none.yaml"), code=1).output


def test_the_health_of_an_account_is_shown_and_overridden(api: Caller, folder: Path) -> None:  # noqa: F811  # it is the fixture imported above
    playkeeper("publish", str(folder / "default.yaml"))
    facts = {"usage": {"seat_share": 0.5, "logins": {"change_30d": -60}}}
    api.put("/v1/accounts/ACME", {"name": "ACME", "currency": "EUR", "facts": facts})
    before = playkeeper("account", "ACME").output
    until = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    said = playkeeper("override", "ACME", "80", "--because", "A new sponsor is there", "--until", until).output
    after = playkeeper("account", "ACME").output
    ended = playkeeper("end-override", "ACME").output

    assert "ACME: 25 of 100, red. Logins (-60 %) takes 50 points away; Seats (50 %) takes 25 points away." in before
    assert re.search(r"Seats +50 % ", before)
    assert said == f"The health of ACME is 80 until {until}, says maria.\n"
    assert "maria says 80 until" in after
    assert ended == "The computed health of ACME counts again.\n"
    assert "default" in playkeeper("list").output
    assert "measure: usage.seat_share" in playkeeper("show", "default").output
