"""What plays write down about themselves arrives in any order: branches side by side write at the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.repositories.records import RunState, StepState, record_run
from storage.repositories.runs import find_run, list_steps
from storage.session import Database

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def state(sequence: int, word: str) -> RunState:
    return RunState("r1", "c", "w", "a", "p", 1, None, word, sequence, NOW, f"record {sequence}")


def step(key: str, status: str) -> StepState:
    ended = None if status in ("running", "waiting") else NOW + timedelta(seconds=1)
    return StepState(key, key, "action", status, None, None, None, NOW, ended)


async def test_a_record_that_was_overtaken_loses_no_step_and_takes_none_back(database: Database) -> None:
    async with database.begin("acme") as session:
        assert await record_run(session, state(1, "running"), [step("kickoff", "waiting")])
        assert await record_run(session, state(3, "closed"), [step("call", "done")])
        assert not await record_run(session, state(2, "running"), [step("kickoff", "done"), step("slot", "done"), step("call", "running")])
        run = await find_run(session, "r1")
        steps = [(one.key, one.status) for one in await list_steps(session, "r1")]

    assert run is not None
    assert (run.state, run.progress) == ("closed", "record 3")
    assert steps == [("kickoff", "done"), ("slot", "done"), ("call", "done")]
