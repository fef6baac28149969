from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from settings import Settings
from storage.encryption import KeyRing
from storage.enrollment.launching import Listed, Wanted, write_down
from storage.enrollment_tables import Launch
from storage.ids import new_id
from storage.session import Database
from tests.api.conftest import KEYS, Caller, JsonTree
from tests.launches.conftest import Book

pytestmark = pytest.mark.servers

OFFER = """
playbook: offer
title: Offer a discount
inputs:
  percent: {type: integer, default: 10, min: 1, max: 30}
  sponsor: {type: person, required: false}
enroll:
  audience: account.tier == "growth"
  holdout: {share: 30%, measure: renewed}
steps:
  - id: flag
    cta.open: {type: risk, priority: high, owner: csm, because: "{{ inputs.percent }} %"}
  - id: word
    wait: 10 days
"""


@pytest.fixture(scope="module", autouse=True)
def published(api: Caller) -> None:
    api.publish(OFFER)


def send_csv(api: Caller, path: str, text: str, *, status: int | None = None, **query: JsonTree) -> JsonTree:
    headers = {"Content-Type": "text/csv"}
    return api.call("POST", path, content=text.encode(), headers=headers, params={"playbook": "offer", **query}, status=status)


def test_a_file_starts_its_good_rows_and_names_the_bad_ones(api: Caller, book: Book) -> None:
    one, two, three, four = book.accounts(4)
    text = f"Account;percent;sponsor;colour\n{one};12;;red\nnobody;5;;\n{two};99;;\n{one};12;;\n{three};;ghost;\n{four};;tom;\n"

    launched = send_csv(api, "/v1/launches/csv", text, ignore=["holdout"], status=202)

    assert [run["account"] for run in launched["started"]] == [one, four]
    assert [(row["line"], row["problems"][0]["column"], row["problems"][0]["wrong"]) for row in launched["problems"]] == [
        (3, "Account", "there is no such account"),
        (4, "percent", "must be at most 30, and is 99"),
        (5, "Account", "line 2 has the same account"),
        (6, "sponsor", 'names a person that does not exist: "ghost"'),
    ]
    assert launched["notes"] == ["columns left out, because the playbook has no inputs of these names: colour"]
    assert api.get(f"/v1/runs/{launched['started'][0]['id']}")["inputs"] == {"percent": 12, "sponsor": None}
    assert api.get(f"/v1/runs/{launched['started'][1]['id']}")["inputs"] == {"percent": 10, "sponsor": "tom"}
    shown = book.launch_when(launched["id"], lambda launch: launch["status"] == "done")
    assert (shown["accounts"], shown["counts"]) == (6, {"entered": 2, "unknown_account": 1, "bad_inputs": 2, "repeated": 1})


def test_a_file_without_a_good_row_starts_nothing(api: Caller) -> None:
    refused = send_csv(api, "/v1/launches/csv", "account\nnobody\n", status=422)

    assert refused["code"] == "DATA011"
    assert [(one["pointer"], one["detail"]) for one in refused["errors"]] == [("line 2, column account", "there is no such account")]


def test_a_long_list_is_worked_off_after_the_answer(api: Caller, book: Book) -> None:
    # Most are refused, so that the test does not begin 230 plays.
    refused = book.accounts(225, tier="free")
    entering = [f"{one}-x" for one in refused[:5]]
    for account in entering:
        api.put(f"/v1/accounts/{account}", {"name": account, "csm": "maria", "tier": "growth"})
    accounts = refused + entering

    launched = api.post("/v1/launches", {"playbook": "offer", "accounts": accounts, "ignore": ["holdout"]}, status=202)

    assert (launched["status"], launched["expected"], launched["started"]) == ("running", 230, [])
    shown = book.launch_when(launched["id"], lambda launch: launch["status"] == "done")
    assert (shown["accounts"], shown["counts"]) == (230, {"not_in_audience": 225, "entered": 5})
    listed = api.get(f"/v1/launches/{launched['id']}/accounts", params={"reason": "entered"})
    assert [row["account"] for row in listed["items"]] == entering


def test_a_list_that_was_only_written_down_is_worked_off_by_whoever_lives(settings: Settings, api: Caller, book: Book) -> None:
    accounts = book.accounts(3)
    launch = Launch(id=new_id(), playbook="offer", version=1, started_by="maria", expected=3, started_at=datetime.now(UTC))

    asyncio.run(written_down(settings, launch, accounts))
    shown = book.launch_when(launch.id, lambda found: found["states"] == {"waiting": 3})

    assert (shown["status"], shown["counts"]) == ("done", {"entered": 3})
    runs = api.get("/v1/runs", params={"launch": launch.id})["items"]
    assert {api.get(f"/v1/runs/{run['id']}")["inputs"]["percent"] for run in runs} == {7, 8}


async def written_down(settings: Settings, launch: Launch, accounts: list[str]) -> None:
    """Do what a request does before it dies."""
    database = Database(settings.require_database_url(), KeyRing.parse(KEYS), pooled=False)
    wanted = Wanted(inputs={"percent": 7, "sponsor": None}, ignore=frozenset({"holdout"}))
    own = Listed(accounts[0], {"percent": 8, "sponsor": None})
    async with database.begin(settings.tenant) as session:
        await write_down(session, launch, wanted, [own, *(Listed(account) for account in accounts[1:])])
    await database.close()


TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' "
    "AND table_name <> 'alembic_version' ORDER BY 1"
)


async def everything(url: str) -> dict[str, Any]:
    """Give every row of every table of the database, by table, as the superuser sees it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET row_security = off")
        return {
            name: await connection.fetchval(f"SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM \"{name}\" t")  # noqa: S608  # names of our own tables
            for (name,) in await connection.fetch(TABLES)
        }
    finally:
        await connection.close()


def test_a_preview_says_who_enters_and_writes_nothing(api: Caller, book: Book, owner_url: str) -> None:
    accounts = book.accounts(40)
    api.patch(f"/v1/accounts/{accounts[0]}", {"tier": "free"})
    there = api.post("/v1/launches", {"playbook": "offer", "accounts": accounts[1:2], "ignore": ["holdout"]}, status=202)
    book.launch_when(there["id"], lambda launch: launch["states"] == {"waiting": 1})
    before = asyncio.run(everything(owner_url))

    listed = api.post("/v1/launches/preview", {"playbook": "offer", "accounts": [*accounts, "nobody"]}, headers={"Idempotency-Key": "x"})
    of_file = send_csv(api, "/v1/launches/preview/csv", "account\n" + "\n".join([*accounts, "nobody"]))
    as_csv = api.http.post("/v1/launches/preview", json={"playbook": "offer", "accounts": accounts}, params={"as": "csv"}).text

    assert {name for name, rows in asyncio.run(everything(owner_url)).items() if rows != before[name]} == set()
    counts = {one["reason"]: one["count"] for one in listed["reasons"]}
    assert counts.pop("held_out") + counts.pop("entered") == 38
    assert counts == {"already_active": 1, "not_in_audience": 1, "unknown_account": 1}
    assert (listed["accounts"], listed["looked_at"], listed["refused"]) == (41, 41, 3)
    assert listed["enters"] + listed["held_out"] == 38
    assert 0 < listed["held_out"] < 30
    assert {one["reason"]: one["count"] for one in of_file["reasons"]} == {one["reason"]: one["count"] for one in listed["reasons"]}
    assert of_file["problems"][0]["line"] == 42
    lines = as_csv.splitlines()
    assert (lines[0], len(lines)) == ("account,state,reason,detail,wave", 41)
    assert lines[1].startswith(f"{accounts[0]},refused,not_in_audience,")
    launched = api.post("/v1/launches", {"playbook": "offer", "accounts": accounts}, status=202)
    assert (len(launched["started"]), launched["held_out"]) == (listed["enters"], listed["held_out"])


def test_a_preview_of_the_audience_counts_it(api: Caller, book: Book) -> None:
    book.accounts(3, tier="audience-of-none")
    api.publish(OFFER.replace("playbook: offer", "playbook: offer-three").replace('"growth"', '"audience-of-none"'))

    seen = api.post("/v1/launches/preview", {"playbook": "offer-three", "ignore": ["holdout"]})

    assert (seen["accounts"], seen["looked_at"], seen["enters"]) == (3, 3, 3)
    assert [one["detail"] for one in seen["reasons"][0]["sample"]] == ["enters"] * 3
