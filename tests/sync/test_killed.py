from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.killed import Killed

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def say(line: str) -> None:
    """Nobody listens."""


async def test_a_sync_whose_workers_are_killed_has_every_record_once(server_folder: Path) -> None:
    found = await Killed(server_folder / "sync-killed", companies=6000, bills=3000, kill_at=(1000, 4000, 7500), say=say).run()

    first, second = found.counts
    assert found.kills == 3
    assert (found.accounts, found.records) == (6000, 9000)
    assert found.statuses == ["done", "done"]
    assert {kind: (of["read"], of["created"]) for kind, of in first.items()} == {"company": (6000, 6000), "bill": (3000, 3000)}
    assert {kind: (of["read"], of["changed"]) for kind, of in second.items()} == {"company": (100, 100), "bill": (0, 0)}
