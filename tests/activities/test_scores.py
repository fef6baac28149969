from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from temporalio.exceptions import ApplicationError

from activities.failures import NoScore, NotFound, as_activity_failure
from playbook_dsl.values import to_json
from storage.repositories.accounts import set_facts
from storage.repositories.health import HealthRow, write_health
from storage.session import Database
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of, undo_of
from tests.scoring.serving_world import LoginsModel, no_champion, put_champion, put_features, serving_of

pytestmark = pytest.mark.servers
Loose: TypeAlias = Any


async def performed(database: Database, account: str, action: str, model: LoginsModel | None = None, **inputs: Loose) -> dict[str, Loose]:
    serving = serving_of(database, model=model)
    try:
        return (await ledger_of(database, scoring=serving).perform(call_of(run_of(account), action, inputs=inputs))).output
    finally:
        serving.close()


async def give_health(database: Database, account: str, **facts: Loose) -> None:
    async with database.begin(TENANT) as session:
        await set_facts(session, account, "health", facts)


async def test_a_step_reads_the_score_with_everything_it_rests_on(database: Database) -> None:
    await put_champion(database)
    account = await make_account(database)
    as_of = await put_features(database, account, logins_trend=-0.5)
    output = await performed(database, account, "score.churn")
    await no_champion(database)

    assert output == {
        "score": 80,
        "probability": 0.2,
        "level": "high",
        "top_factors": ["logins fell"],
        "source": "champion",
        "model_version": "churn-1",
        "as_of": to_json(as_of),
        "stale": False,
        "coverage": 0.9,
    }


async def test_a_step_says_which_scores_it_takes(database: Database) -> None:
    await put_champion(database)
    account = await make_account(database)
    await put_features(database, account, logins_trend=-0.5)
    await give_health(database, account, score=20)
    broken = LoginsModel()
    broken.breaks = RuntimeError("no memory")
    with pytest.raises(NoScore, match="only a stand-in could answer, because of the model of your own") as refused:
        await performed(database, account, "score.churn", broken, allow="fresh")
    output = await performed(database, account, "score.churn", broken, allow="fallback")
    await no_champion(database)

    assert refused.value.code == "ML001"
    assert (output["source"], output["score"]) == ("scorecard", 80)


async def test_without_a_score_the_step_fails_with_the_code_of_the_design_and_may_be_tried_again(database: Database) -> None:
    account = await make_account(database)
    with pytest.raises(ApplicationError) as failed, as_activity_failure():
        await performed(database, account, "score.expansion")
    with pytest.raises(NotFound):
        await performed(database, "nobody", "score.churn")

    assert (failed.value.type, failed.value.non_retryable) == ("PRED001", False)


async def test_an_account_that_was_lost_fails_the_step_for_good(database: Database) -> None:
    account = await make_account(database, status="churned")
    with pytest.raises(ApplicationError) as failed, as_activity_failure():
        await performed(database, account, "score.churn")

    assert (failed.value.type, failed.value.non_retryable) == ("PRED002", True)


HEALTH = [
    ({"score": 82}, "stale", ("green", False)),
    ({"score": 41, "band": "red"}, "stale", ("red", False)),
    ({"score": 41, "updated_at": {"$datetime": (datetime.now(UTC) - timedelta(days=3)).isoformat()}}, "stale", ("yellow", True)),
    ({"score": 41, "updated_at": {"$datetime": (datetime.now(UTC) - timedelta(days=3)).isoformat()}}, "fresh", None),
    ({}, "stale", None),
]


@pytest.mark.parametrize(("facts", "allow", "expected"), HEALTH)
async def test_health_is_looked_up(database: Database, facts: dict[str, Loose], allow: str, expected: tuple[str, bool] | None) -> None:
    account = await make_account(database)
    await give_health(database, account, **facts)
    if expected is None:
        with pytest.raises(NoScore) as refused:
            await performed(database, account, "score.health", allow=allow)

        assert refused.value.code == "PRED001"
        return
    output = await performed(database, account, "score.health", allow=allow)

    assert (output["score"], output["level"], output["stale"]) == (facts["score"], *expected)


async def test_there_is_nothing_to_take_back(database: Database) -> None:
    account = await make_account(database)
    await give_health(database, account, score=41)
    call = call_of(run_of(account), "score.health")
    ledger = ledger_of(database)
    await ledger.perform(call)

    assert (await ledger.undo(undo_of(call))).status == "nothing"


async def test_a_health_that_somebody_told_since_counts_more_than_the_one_of_the_card(database: Database) -> None:
    account = await make_account(database)
    await give_health(database, account, score=41, band="yellow")
    async with database.begin(TENANT) as session:
        row = HealthRow(
            account, 41.0, 41.0, "red", "scorecard:default-3", 0.8, {"factors": ["2 urgent tickets are open"]}, datetime.now(UTC)
        )
        await write_health(session, [row], history=False)
    of_the_card = await performed(database, account, "score.health")
    await give_health(database, account, score=90, band="green")
    told = await performed(database, account, "score.health")

    assert [of_the_card[name] for name in ("score", "level", "model_version", "top_factors", "coverage")] == [
        41,
        "red",
        "scorecard:default-3",
        ["2 urgent tickets are open"],
        0.8,
    ]
    assert [told[name] for name in ("score", "level", "model_version", "top_factors")] == [90, "green", "scorecard:facts", []]
