"""Every case of the interpreter, and generated plays, on both runtimes: the same trace, the same effects in the same order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from tests.interpreter.cases import Case, load_cases
from tests.workflows.differential import Left, define_attributes, differences, play_for_real, play_virtually
from tests.workflows.generated import generate_case
from workflows.codec import data_converter

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]

CASES = [*load_cases(), *(generate_case(seed) for seed in range(40))]


class SkippingServer:
    """A server that skips time.

    When two timers of a play fire at the same instant, it may refuse the answer to the first one's workflow task ("invalid history builder
    state for action") and wait for ever. So cases avoid such timers, and a server that is stuck is put aside for a fresh one.
    """

    def __init__(self) -> None:
        self._environment: WorkflowEnvironment | None = None

    async def ready(self) -> WorkflowEnvironment:
        if self._environment is None:
            program = Path(sys.executable).parent / "temporal-test-server"
            self._environment = await WorkflowEnvironment.start_time_skipping(
                test_server_existing_path=str(program), data_converter=data_converter()
            )
            await define_attributes(self._environment)
        return self._environment

    async def drop(self) -> None:
        environment, self._environment = self._environment, None
        if environment is not None:
            await environment.shutdown()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[SkippingServer]:
    """One for the module; several plays at once would stop it from skipping."""
    server = SkippingServer()
    yield server
    await server.drop()


async def play(server: SkippingServer, case: Case, name: str) -> tuple[Left, datetime]:
    for patience_s in (20, 20, 40):
        try:
            return await asyncio.wait_for(play_for_real(await server.ready(), case, name), patience_s)
        except (TimeoutError, RPCError):
            await server.drop()
    return await asyncio.wait_for(play_for_real(await server.ready(), case, name), 120)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
async def test_a_play_leaves_the_same_trace_on_both_runtimes(server: SkippingServer, number: int) -> None:
    case: Case = CASES[number]

    real, started_at = await play(server, case, f"case-{number}")
    virtual = await asyncio.to_thread(play_virtually, case, started_at)

    assert differences(real, virtual) == {}
