"""Every case of the interpreter, and generated plays, on both runtimes: the same trace, the same effects in the same order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.interpreter.cases import Case, load_cases
from tests.workflows.differential import define_attributes, differences, play_for_real, play_virtually
from tests.workflows.generated import generate_case
from workflows.codec import data_converter

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]

CASES = [*load_cases(), *(generate_case(seed) for seed in range(40))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    """A server that skips time; several plays at once would stop it from skipping."""
    program = Path(sys.executable).parent / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), data_converter=data_converter()
    ) as environment:
        await define_attributes(environment)
        yield environment


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
async def test_a_play_leaves_the_same_trace_on_both_runtimes(environment: WorkflowEnvironment, number: int) -> None:
    case: Case = CASES[number]

    real, started_at = await asyncio.wait_for(
        play_for_real(environment, case, f"case-{number}"), 120
    )  # seconds of a busy machine, not of the play
    virtual = await asyncio.to_thread(play_virtually, case, started_at)

    assert differences(real, virtual) == {}
