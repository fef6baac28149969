from __future__ import annotations

import pytest
from temporalio.client import Client

from tests.workflows.world import World, action, plan, run_input, start, worker
from workflows.sandbox import LeanSandbox

pytestmark = pytest.mark.servers


async def test_payloads_are_converted_without_entering_the_sandbox(client: Client, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a new SDK looks different inside: then `LeanSandbox` has no effect and is to be mended, or can go."""
    made: list[object] = []
    create = LeanSandbox.create_instance

    def keep(self: LeanSandbox, *details: object) -> object:
        made.append(create(self, *details))  # type: ignore[arg-type]  # handed on as it came
        return made[-1]

    monkeypatch.setattr(LeanSandbox, "create_instance", keep)
    async with worker(client, World(), queue):
        result = await (await start(client, queue, run_input(plan(action("call"))))).result()

    assert result.outcome == "completed"
    assert all({"get_serialization_context", "get_external_store_context"} <= vars(instance).keys() for instance in made)
