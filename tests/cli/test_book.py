"""The simulated book against the API as it is served, with real PostgreSQL and real Temporal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.demo.book import Wanted, is_loaded
from cli.main import app
from settings import Settings
from tests.api.conftest import Caller, Served, api, own_temporal, served, settings  # noqa: F401  # fixtures of the served API

pytestmark = pytest.mark.servers

JsonTree = Any


@pytest.fixture(autouse=True)
def at_this_api(served: Served, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811  # it is the fixture imported above
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    monkeypatch.setenv("PLAYKEEPER_DATA_DIR", str(settings.data_dir))


def playkeeper(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{arguments}: {result.exit_code} {result.output} {result.exception!r}"
    return result


def bring_in(*more: str, code: int = 0) -> Result:
    return playkeeper("book", "--accounts", "12", "--months", "6", *more, code=code)


def test_a_simulated_book_is_brought_in_once(api: Caller) -> None:  # noqa: F811  # it is the fixture imported above
    from cli.client import Api

    first: JsonTree = json.loads(bring_in("--prefix", "S-", "--json").output)
    again: JsonTree = json.loads(bring_in("--prefix", "S-", "--json").output)

    assert first["accounts"] == 12
    # Some of it comes twice, as in real life, and is kept once.
    assert 0.9 * first["observations"] < first["new"] < first["observations"]
    assert again == {**first, "new": 0}
    listed = json.loads(playkeeper("accounts", "list", "--search", "S-00", "--json").output)
    assert sorted(each["id"] for each in listed) == [f"S-{number:04d}" for number in range(1, 13)]
    assert sum(each["status"] == "churned" for each in listed) == first["churned"]
    shown = json.loads(playkeeper("accounts", "show", "S-0003", "--json").output)
    assert {role for contact in shown["contacts"] for role in contact["roles"]} >= {"primary_contact", "executive"}
    assert shown["custom"]["simulated_book"].startswith("seed 7, 12 accounts, 6 months, base rate 0.03 from ")
    assert shown["facts"]["contract"]["end_date"] == {"$date": shown["renewal_date"]}
    assert is_loaded(Api(), Wanted(12, 6, 7, "S-"))
    assert not is_loaded(Api(), Wanted(13, 6, 7, "S-"))


def test_another_book_does_not_overwrite_accounts_that_are_there(api: Caller) -> None:  # noqa: F811  # as above
    bring_in("--prefix", "R-")
    refused = bring_in("--prefix", "R-", "--seed", "8", code=1)

    assert "choose other ids with --prefix" in refused.stderr
