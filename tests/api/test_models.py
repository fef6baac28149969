from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage.repositories.models import add_model, find_trained, next_version, promote
from storage.scoring_tables import ScoringModel
from storage.session import Database, Session
from storage.tables import METADATA
from tests.api.conftest import Caller
from tests.database import TENANT

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 25, tzinfo=UTC)


async def trained(session: Session, target: str, training: str, **particulars: Any) -> int:
    given = {"algorithm": "logistic", "feature_set": "f", "file": b"x", "sha256": "s", "card": "# card\n"}
    version = await next_version(session, target)
    await add_model(session, ScoringModel(target=target, version=version, training=training, **(given | particulars)))
    return version


async def promoted(database: Database, target: str, *trainings: str) -> None:
    for training in trainings:
        async with database.begin(TENANT) as session:
            known = await find_trained(session, target, training)
            version = known.version if known else await trained(session, target, training)
            await promote(session, target, version, NOW)


def back(api: Caller, target: str = "churn") -> tuple[int, str]:
    answer = api.post(f"/v1/models/{target}/rollback", {"because": "alarms in support"})
    return answer["version"], answer["status"]


async def test_going_back_goes_to_who_scored_before_and_twice_goes_back_two(database: Database, api: Caller) -> None:
    async with database.begin(TENANT) as session:
        await session.execute(METADATA.tables["scoring_model"].delete())
    await promoted(database, "churn", "a", "b", "c")
    twice = [back(api), back(api)]
    await promoted(database, "churn", "d")
    past_the_bad_ones = back(api)
    await promoted(database, "churn", "d", "b")
    after_a_hand = back(api)

    assert twice == [(2, "champion"), (1, "champion")]
    assert past_the_bad_ones == (1, "champion")
    assert after_a_hand == (4, "champion")
    assert [row["status"] for row in api.get("/v1/models/churn")["items"]].count("champion") == 1


async def test_before_the_first_model_there_was_the_scorecard(database: Database, api: Caller) -> None:
    async with database.begin(TENANT) as session:
        await session.execute(METADATA.tables["scoring_model"].delete())
    await promoted(database, "churn", "first")

    assert back(api) == (1, "retired")
    assert api.post("/v1/models/churn/rollback", {"because": "once more"}, status=404)["code"] == "ML002"


async def test_a_training_makes_one_model(database: Database) -> None:
    async with database.begin(TENANT) as session:
        version = await trained(session, "expansion", "run-1")
    async with database.begin(TENANT) as session:
        found = await find_trained(session, "expansion", "run-1")

    assert found is not None
    assert found.version == version
    with pytest.raises(IntegrityError):
        async with database.begin(TENANT) as session:
            await trained(session, "expansion", "run-1")


async def test_a_rejected_model_cannot_be_promoted_and_says_why(database: Database, api: Caller) -> None:
    gate = {"name": "leak", "passed": False, "why": "overdue_days alone has an AUC of 0.97.", "feature": "overdue_days", "blocks": "reject"}
    async with database.begin(TENANT) as session:
        version = await trained(session, "expansion", "run-2", status="rejected", gates=[gate])

    refused = api.post(f"/v1/models/expansion/{version}/promote", {"because": "looks good to me"}, status=409)
    unknown = api.post(f"/v1/models/expansion/{version}/clear", {"feature": "plan", "because": "no idea"}, status=422)
    cleared = api.post(f"/v1/models/expansion/{version}/clear", {"feature": "overdue_days", "because": "known before"})

    assert (refused["code"], gate["why"] in refused["detail"]) == ("ML003", True)
    assert "under suspicion: overdue_days" in unknown["detail"]
    assert cleared["cleared"] == ["overdue_days"]
    assert api.post(f"/v1/models/expansion/{version}/promote", {"because": "cleared"})["status"] == "champion"


def test_wrong_requests_say_what_is_wrong(api: Caller) -> None:
    assert api.get("/v1/models/churn/999999", status=404)["code"] == "ML002"
    assert api.get("/v1/models/weather", status=422)["code"] == "DATA001"
    assert api.post("/v1/models/churn/1/promote", {"because": ""}, status=422)["errors"][0]["pointer"] == "#/because"
    assert api.get("/v1/scoring/jobs/play:acme:x:y:e1", status=404)["code"] == "ML005"
