"""Records the histories that the tests replay: `python -m tests.histories.record [NAME …]`.

Run it when a change of the interpreter is meant to change what plays do, after `workflows` has a version marker for the plays under way;
a history that no longer replays is a play that would stand still in production.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client

from activities.contracts import JsonTree
from cli.dev.temporal import Temporal
from tests.histories.plays import RECORDED, Recorded
from tests.workflows.world import run_input, start, worker
from workflows.client import Address, connect

FOLDER = Path(__file__).parent


async def record(client: Client, recorded: Recorded) -> str:
    """Play once; give the history as JSON."""
    queue = f"record-{recorded.name}"
    async with worker(client, recorded.world(), queue):
        handle = await start(client, queue, run_input(recorded.plan()))
        meanwhile = asyncio.create_task(recorded.meanwhile(handle))
        result = await asyncio.wait_for(handle.result(), 60)
        await meanwhile
    sys.stdout.write(f"{recorded.name}: {result.outcome}\n")
    history = json.loads((await handle.fetch_history()).to_json())
    return json.dumps(without_machine(history), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def without_machine(tree: JsonTree) -> JsonTree:
    """Leave out what names this machine: who worked, and where in its files something failed."""
    if isinstance(tree, dict):
        return {key: without_machine(value) for key, value in tree.items() if key not in ("identity", "stackTrace", "workerVersion")}
    return [without_machine(value) for value in tree] if isinstance(tree, list) else tree


async def main(names: list[str]) -> None:
    """Record those named, or all."""
    with tempfile.TemporaryDirectory() as folder, Temporal(Path(folder), with_ui=False) as server:
        client = await connect(Address(server.address), cipher=None, wait_s=10, say=lambda line: None)
        for recorded in RECORDED:
            if not names or recorded.name in names:
                (FOLDER / f"{recorded.name}.json").write_text(await record(client, recorded), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
