from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from typer.testing import CliRunner

from storage.scoring_tables import ObservationRow
from storage.session import Database
from tests.api.conftest import Caller, Served
from tests.database import TENANT

pytestmark = pytest.mark.servers

NOW = datetime.now(UTC)
JsonTree = Any


def event(account: str, id: str = "e1", days_ago: float = 1, **more: JsonTree) -> dict[str, JsonTree]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"id": id, "account": account, "occurred_at": at, "values": {"logins": 3}, **more}


def tell(api: Caller, *events: JsonTree, **more: JsonTree) -> tuple[int, int, int]:
    answer = api.post("/v1/usage-events", {"events": list(events), **more})
    return answer["taken"], answer["known"], answer["refused"]


def test_a_batch_is_taken_once(api: Caller, account: str) -> None:
    batch = [event(account, str(number), number / 10) for number in range(300)]

    assert tell(api, *batch) == (300, 0, 0)
    assert tell(api, *batch) == (0, 300, 0)
    assert tell(api, *batch[:10], event(account, "more")) == (1, 10, 0)


def test_every_kind_is_taken(api: Caller, account: str) -> None:
    told: list[dict[str, JsonTree]] = [
        {"kind": "usage", "values": {"user": "eva", "features": {"reports": 2}}},
        {"kind": "ticket", "subject": "T-1", "values": {"status": "open", "severity": 2}},
        {"kind": "invoice", "subject": "I-1", "values": {"status": "open", "amount": 99.5, "due": "2026-12-01", "paid": None}},
        {"kind": "meeting", "values": {"with": "executive", "held": True}},
        {"kind": "email", "values": {"direction": "in"}},
        {"kind": "survey", "values": {"nps": 9}},
        {"kind": "contact", "subject": "eva", "values": {"role": "champion", "left": False}},
        {"kind": "contract", "subject": "C-1", "values": {"status": "active", "start": "2025-01-01", "mrr": 500, "plan": "pro"}},
    ]

    assert tell(api, *(event(account, str(number), **each) for number, each in enumerate(told))) == (8, 0, 0)


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"account": "nobody-1"}, "/account", 'there is no account "nobody-1"'),
        ({"account": "../etc"}, "/account", "must be the account's id"),
        ({"id": ""}, "/id", "must be a text of 1 to 200 characters"),
        ({"id": "x" * 300}, "/id", "must be a text of 1 to 200 characters"),
        ({"occurred_at": "2026-11-25T10:00:00"}, "/occurred_at", "must be a moment with its zone"),
        ({"occurred_at": "yesterday"}, "/occurred_at", "must be a moment with its zone"),
        ({"occurred_at": (NOW + timedelta(days=2)).isoformat()}, "/occurred_at", "at most a day ahead"),
        ({"occurred_at": "1999-01-01T00:00:00Z"}, "/occurred_at", "at most ten years ago"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at", "must be a moment"),
        ({"ingested_at": "2026-11-25T10:00:00Z"}, "/ingested_at", "only with as_known"),
        ({"kind": "churn_reason"}, "/kind", "must be one of contact, contract"),
        ({"values": [1]}, "/values", "must be an object"),
        ({"values": {"logins": -1}}, "/values/logins", "must be a number from 0"),
        ({"values": {"logins": True}}, "/values/logins", "must be a number from 0"),
        ({"values": {"logins": 1e300}}, "/values/logins", "must be a number from 0"),
        ({"values": {"logns": 1}}, "/values/logns", 'did you mean "logins"?'),
        ({"values": {f"k{number}": 1 for number in range(10_000)}}, "/values/k0", "is no value of usage"),
        ({"values": {"features": {f"k{number}": 1 for number in range(10_000)}}}, "/values/features", "at most 200 features"),
        ({"values": {"features": {"reports": "many"}}}, "/values/features", 'look at "reports"'),
        ({"kind": "invoice", "values": {"due": "2026-02-30"}}, "/values/due", "in the calendar"),
        ({"kind": "survey", "values": {"nps": 11}}, "/values/nps", "from 0 to 10"),
        ({"csm": "maria"}, "/csm", "is unknown"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_keeps_nothing_else_out(
    api: Caller, account: str, changes: dict[str, JsonTree], pointer: str, words: str
) -> None:
    answer = api.post("/v1/usage-events", {"events": [event(account), event(account, "bad") | changes, event(account, "e2")]})

    assert (answer["taken"], answer["refused"]) == (2, 1)
    assert answer["problems"][0]["pointer"] == f"#/events/1{pointer}"
    assert words in answer["problems"][0]["detail"]
    assert len(answer["problems"]) <= 5


@pytest.mark.parametrize("sent", [None, 3, "x", [], [[]], {}])
def test_an_event_that_is_none_is_refused(api: Caller, account: str, sent: JsonTree) -> None:
    assert tell(api, sent, event(account)) == (1, 0, 1)


def test_another_observation_under_the_same_id_is_refused_and_not_lost_without_a_word(api: Caller, account: str) -> None:
    tell(api, event(account))

    answer = api.post("/v1/usage-events", {"events": [event(account, values={"logins": 4})]})

    assert [(problem["pointer"], problem["code"]) for problem in answer["problems"]] == [("#/events/0/id", "id_taken")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"events": [{"values": {"logins": NaN}}]}', 400),
        ('{"events": [{"id": "a\\u0000b"}]}', 400),
        ('{"events": [{"values": {"logins": 1e999}}]}', 400),
        ('{"events": [{"values": {"logins": 1' + "0" * 5000 + "}}]}", 400),
        ('{"events": []}', 422),
        ('{"events": [' + ",".join(["1"] * 5001) + "]}", 422),
        ('{"events": ["' + "x" * 5 * 1024 * 1024 + '"]}', 413),
        ('{"events": [1], "tenant": "other"}', 422),
    ],
    ids=["NaN", "NUL", "infinite", "5000 digits", "none", "5001", "more than 5 MB", "unknown field"],
)
def test_a_body_that_nothing_can_keep_is_refused_whole(api: Caller, body: str, status: int) -> None:
    answer = api.http.post("/v1/usage-events", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status
    assert answer.json()["code"].startswith("DATA")


def test_an_import_of_history_says_when_it_was_known(api: Caller, account: str) -> None:
    history = [event(account, "h1", 400), event(account, "h2", 300, ingested_at=(NOW - timedelta(days=290)).isoformat())]

    assert tell(api, *history, as_known=True) == (2, 0, 0)


async def test_an_event_of_an_account_is_an_observation_too(api: Caller, account: str, database: Database) -> None:
    fields = {"invoice_id": "in_1", "total": {"$money": ["120.50", "EUR"]}}
    for _ in range(2):
        api.post(
            "/v1/events",
            {"id": f"evt-{account}", "source": "billing", "type": "invoice.payment_failed", "account": account, "data": fields},
        )

    async with database.begin(TENANT) as session:
        kept = (await session.execute(select(ObservationRow).where(col(ObservationRow.account) == account))).scalars().all()
    assert [(row.kind, row.subject, row.values) for row in kept] == [("invoice", "in_1", {"status": "failed", "amount": 120.5})]


def test_a_file_is_sent_by_the_command(served: Served, api: Caller, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    lines = [json.dumps(event(account, f"f{number}")) for number in range(20)]
    lines += ["{not json", '{"id": "nan", "values": {"logins": NaN}}', json.dumps(event("nobody")), "", json.dumps(event(account, "f20"))]
    path = tmp_path / "usage.ndjson.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))

    said = run("usage", str(path), "--as", "maria")

    assert said[0] == "21 taken, 0 known before, 3 refused"
    assert [line.split(":")[0].strip() for line in said[1:]] == ["line 21", "line 22", "line 23, account"]


def test_a_table_is_sent_by_the_command(served: Served, api: Caller, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    path = tmp_path / "usage.csv"
    at = (NOW - timedelta(days=3)).isoformat()
    path.write_text(
        "id,account,kind,occurred_at,logins,features.reports,plan,auto_renew\n"
        f"1,{account},usage,{at},5,2,,\n2,{account},contract,{at},,,2024,true\n3,{account},usage,{at},many,,,\n",
        encoding="utf-8",
    )

    said = run("usage", str(path), "--as", "maria")

    assert said == ["2 taken, 0 known before, 1 refused", "  line 4, values/logins: must be a number from 0 to 1e+12"]


def run(*arguments: str) -> list[str]:
    from cli.main import build_app

    return CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False).stdout.splitlines()
