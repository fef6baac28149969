"""A backfill, a training and a night whose worker is killed in the middle: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.contracts import Contract
from activities.scoring.contracts import BackfillInput, NightInput, TrainInput
from scoring.simulate.book import simulate
from scoring.simulate.options import Options
from tests.killing import Ground, ground
from tests.scoring.world import TENANT, fill
from workflows.messages import QUEUE_SCORING, SCORING_BACKFILL, SCORING_NIGHT, SCORING_TRAINING

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(600)]

SNAPSHOTS = "SELECT count(*) FROM account_feature_snapshot"
SCORES = "SELECT count(*) FROM score_now WHERE kind = 'health'"
OF_THE_PAST = (
    "SELECT coalesce(sum(hashtextextended(account || as_of || values::text, 0)), 0) FROM account_feature_snapshot"
    " WHERE as_of < date_trunc('month', now(), 'UTC') + interval '1 second'"
)
TWICE = "SELECT count(*) FROM (SELECT 1 FROM score_history GROUP BY kind, account HAVING count(*) > 1) AS twice"


async def killed(at: Ground, kind: str, given: Contract, in_the_middle: Callable[[], Coroutine[Any, Any, None]]) -> dict[str, Any]:
    handle = await at.client.start_workflow(kind, given, id=kind, task_queue=QUEUE_SCORING)
    await in_the_middle()
    await at.worker.replace()
    result: dict[str, Any] = await asyncio.wait_for(handle.result(), 180)
    return result


async def test_a_killed_worker_loses_no_snapshot_no_model_and_no_score(server_folder: Path) -> None:
    now = datetime.now(UTC)
    book = simulate(Options(accounts=150, months=24, seed=3, start=(now - timedelta(days=730)).date(), base_rate=0.15))
    async with ground(server_folder, "scoring", TENANT) as at:
        await fill(at.database, book, now)
        at.worker.start()
        try:
            backfill = BackfillInput(tenant=TENANT, months=24)
            await killed(at, SCORING_BACKFILL, backfill, lambda: at.until(SNAPSHOTS, 600))
            kept = await at.count(OF_THE_PAST)
            again = await at.client.start_workflow(SCORING_BACKFILL, backfill, id="again", task_queue=QUEUE_SCORING)
            await asyncio.wait_for(again.result(), 180)
            trained = await killed(at, SCORING_TRAINING, TrainInput(tenant=TENANT, target="churn"), lambda: asyncio.sleep(1.5))
            night = await killed(at, SCORING_NIGHT, NightInput(tenant=TENANT), lambda: at.until(SCORES, 1))
        finally:
            await at.worker.kill()

        assert await at.count(OF_THE_PAST) == kept != 0
        assert (trained["version"], await at.count("SELECT count(*) FROM scoring_model")) == (1, 1)
        assert night["accounts"] == 150
        assert await at.count(TWICE) == 0
        assert await at.count("SELECT count(*) FROM score_now WHERE kind = 'churn'") == await at.count(
            "SELECT count(*) FROM score_history WHERE kind = 'churn'"
        )
