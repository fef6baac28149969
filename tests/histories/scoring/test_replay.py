from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tests.histories.scoring.record import RECORDED, WORKFLOWS
from workflows import scoring
from workflows.codec import data_converter

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
async def test_a_recorded_job_goes_the_same_way_today(path: Path) -> None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter())

    await replayer.replay_workflow(history(path))


async def test_another_order_of_stages_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "SCORING_EXTRACT", "scoring.look")
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter())
    found = await replayer.replay_workflow(history(FOLDER / "promoted.json"), raise_on_replay_failure=False)

    assert found.replay_failure is not None
    assert "nondeterminism" in str(found.replay_failure).lower()


def test_every_workflow_of_scoring_has_a_recorded_history() -> None:
    kinds = {json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"] for path in FILES}

    assert {path.stem for path in FILES} == set(RECORDED)
    assert kinds == {kind for kind, _ in RECORDED.values()}
