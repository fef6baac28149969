"""A simulated book from its observations to scores that people see, through the API, the worker and Temporal."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scoring.simulate.book import Book, simulate
from scoring.simulate.options import Options
from storage.session import Database
from tests.api.conftest import Caller
from tests.database import TENANT
from tests.scoring.world import fill

pytestmark = [pytest.mark.servers, pytest.mark.slow]

JsonTree = Any
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def book() -> Book:
    """400 accounts, two years that end today, with more churn than usual so that few accounts carry a model."""
    start = (NOW - timedelta(days=24 * 365.25 / 12)).date()
    return simulate(Options(accounts=400, months=24, seed=11, start=start, base_rate=0.08))


def ended(api: Caller, started: JsonTree, within_s: float = 240) -> JsonTree:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        job = api.get(f"/v1/scoring/jobs/{started['workflow_id']}")
        if job["status"] != "running":
            return job
        time.sleep(0.3)
    raise AssertionError(f"{started} does not end")


async def test_from_what_was_seen_to_what_people_see(database: Database, api: Caller, book: Book) -> None:
    await fill(database, book, NOW, tenant=TENANT)

    backfilled = ended(api, api.post("/v1/scoring/backfill", {"months": 24}))
    untrained = ended(api, api.post("/v1/models/expansion/train", {"hold": True}))
    trained = ended(api, api.post("/v1/models/churn/train", {}))
    if trained["result"]["status"] == "shadow":
        api.post("/v1/models/churn/1/promote", {"because": "the test goes on with it"})
    night = ended(api, api.post("/v1/scoring/night"))
    drift = ended(api, api.post("/v1/models/churn/drift"))

    assert [job["status"] for job in (backfilled, untrained, trained, night, drift)] == ["completed"] * 5
    assert drift["result"]["alarms"] <= 2, drift["result"]  # the book does not change, and who was lost is not compared
    assert trained["result"]["status"] in ("champion", "shadow"), trained["result"]
    model = api.get("/v1/models/churn/1")
    assert model["metrics"]["base_rate"] == pytest.approx(0.08, abs=0.05)
    assert "base rate" in model["card"]
    assert all(gate["why"] for gate in model["gates"])

    risks = api.get("/v1/risk-scores", params={"limit": 50})["items"]
    assert risks
    first = api.get(f"/v1/accounts/{risks[0]['account']}/scores")
    assert first["churn"]["factors"]
