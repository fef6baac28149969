from __future__ import annotations

from pathlib import Path

import pytest

from tests.drill.__main__ import lines
from tests.drill.drill import Drill, Program

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def say(line: str) -> None:
    """Nobody listens."""


async def test_killed_workers_repeat_nothing_and_lose_nothing(server_folder: Path) -> None:
    program = Program(kills=6, plays_at_once=10, suicides=0.1)

    report = await Drill(server_folder / "drill-workers", program, say).run()

    assert report.worker_kills >= program.kills
    assert report.tally.runs >= program.least_plays
    assert report.tally.effects > program.least_plays
    assert report.tally.clean, "\n".join(lines(report))


async def test_killed_servers_lose_nothing(server_folder: Path) -> None:
    program = Program(kills=2, plays_at_once=10, suicides=0.0, server_after=1)

    report = await Drill(server_folder / "drill-servers", program, say).run()

    assert report.server_kills == {"PostgreSQL": 1, "Temporal": 1}
    assert report.tally.effects > program.least_plays
    assert report.tally.clean, "\n".join(lines(report))
