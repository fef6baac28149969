"""Records the histories of scoring's workflows that the tests replay: `python -m tests.histories.scoring.record [NAME …]`.

See `tests.histories.record` for when to run it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.contracts import Contract
from activities.scoring import contracts as said
from cli.dev.temporal import Temporal
from tests.histories.record import without_machine
from workflows.client import Address, connect
from workflows.messages import OVERRIDE, SCORING_BACKFILL, SCORING_DRIFT_REPORT, SCORING_NIGHT, SCORING_TRAINING
from workflows.override import HealthOverride
from workflows.scoring import ScoringBackfill, ScoringDrift, ScoringNight, ScoringTraining

FOLDER = Path(__file__).parent
AS_OF = datetime(2026, 11, 25, 2, tzinfo=UTC)
WORKFLOWS = (ScoringNight, ScoringBackfill, ScoringTraining, ScoringDrift, HealthOverride)

Given = tuple[str, Callable[[], Contract]]
RECORDED: Mapping[str, Given] = {
    "night": (SCORING_NIGHT, lambda: said.NightInput(tenant="acme", as_of=AS_OF)),
    "backfill": (SCORING_BACKFILL, lambda: said.BackfillInput(tenant="acme", months=3)),
    "promoted": (SCORING_TRAINING, lambda: said.TrainInput(tenant="acme", target="churn", by="maria")),
    "held": (SCORING_TRAINING, lambda: said.TrainInput(tenant="acme", target="churn", hold=True)),
    "rejected": (SCORING_TRAINING, lambda: said.TrainInput(tenant="acme", target="expansion")),
    "drift": (SCORING_DRIFT_REPORT, lambda: said.DriftInput(tenant="acme", target="churn", month=date(2026, 10, 1))),
    "override": (
        OVERRIDE,
        lambda: said.OverrideInput(
            tenant="acme", override="o-1", account="A-1", score=80, by="maria", until=datetime.now(UTC) + timedelta(seconds=2)
        ),
    ),
}


@activity.defn(name=said.SCORING_BATCH)
async def batch(call: said.NightBatch) -> said.NightProgress:
    """Two pages a stage."""
    return said.NightProgress(accounts=5, after="A-5", more=not call.after)


@activity.defn(name=said.SCORING_EXTRACT)
async def extract(call: said.Training) -> said.Extracted:
    """Enough to learn from."""
    return said.Extracted(rows=500, accounts=50, positives=40, cutoffs=(date(2026, 1, 1),), data_sha256="d")


@activity.defn(name=said.SCORING_FIT)
async def fit(call: said.Training) -> said.Fitted:
    """A model."""
    return said.Fitted(version=1, algorithm="logistic")


@activity.defn(name=said.SCORING_COMPARE)
async def compare(call: said.Compare) -> said.Compared:
    """That of churn is good enough."""
    if call.training.input.target == "churn":
        return said.Compared(verdict="promote", why="It passed all gates.")
    return said.Compared(verdict="reject", why="Rejected: a leak.", blocked=("a leak",))


@activity.defn(name=said.SCORING_PROMOTE)
async def promote(call: said.Promote) -> None:
    """It scores."""


@activity.defn(name=said.SCORING_DRIFT)
async def drift(call: said.DriftInput) -> said.DriftOutcome:
    """Nothing changed."""
    return said.DriftOutcome(target=call.target, alarms=0, words="Nothing changed.")


@activity.defn(name=said.OVERRIDE_END)
async def end(call: said.OverrideEnd) -> said.OverrideOutcome:
    """It is over."""
    return said.OverrideOutcome(ended=True, by=call.by)


ACTIVITIES: list[Callable[..., Awaitable[object]]] = [batch, extract, fit, compare, promote, drift, end]


async def record(client: Client, name: str) -> str:
    """Run once; give the history as JSON."""
    kind, given = RECORDED[name]
    queue = uuid.uuid4().hex
    async with Worker(client, task_queue=queue, workflows=WORKFLOWS, activities=ACTIVITIES):
        handle = await client.start_workflow(kind, given(), id=f"record-{name}", task_queue=queue)
        await asyncio.wait_for(handle.result(), 60)
    history = json.loads((await handle.fetch_history()).to_json())
    return json.dumps(without_machine(history), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


async def main(names: list[str]) -> None:
    """Record those named, or all."""
    with tempfile.TemporaryDirectory() as folder, Temporal(Path(folder), with_ui=False) as server:
        client = await connect(Address(server.address), cipher=None, wait_s=10, say=lambda line: None)
        for name in names or RECORDED:
            (FOLDER / f"{name}.json").write_text(await record(client, name), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
