from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from playbook_dsl.plan import AnyStep
from tests.histories.plays import RECORDED
from workflows.codec import data_converter
from workflows.interpreter.names import Frame
from workflows.interpreter.scope import Scope
from workflows.interpreter.walk import Walk
from workflows.playbook_run import PlaybookRun

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
async def test_a_recorded_play_is_walked_the_same_way_today(path: Path) -> None:
    replayer = Replayer(workflows=[PlaybookRun], data_converter=data_converter())

    await replayer.replay_workflow(history(path))


async def test_another_order_of_steps_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = Walk.block

    async def backwards(self: Walk, steps: Sequence[AnyStep], frame: Frame, scope: Scope) -> None:
        await walked(self, tuple(reversed(steps)), frame, scope)

    monkeypatch.setattr(Walk, "block", backwards)
    replayer = Replayer(workflows=[PlaybookRun], data_converter=data_converter())
    found = await replayer.replay_workflow(history(FOLDER / "ask.json"), raise_on_replay_failure=False)

    assert found.replay_failure is not None
    assert "nondeterminism" in str(found.replay_failure).lower()


def test_every_verb_has_a_recorded_history() -> None:
    assert {recorded.name for recorded in RECORDED} == {path.stem for path in FILES}
