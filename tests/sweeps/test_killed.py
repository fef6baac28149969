"""A sweep whose worker is killed in the middle, twice: everybody of the audience has one play, and nobody two."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHandle

from activities.contracts import LaunchInput
from tests.killing import ground
from tests.sweeps.book import TENANT, fill, publish
from workflows.messages import QUEUE_PLAYS, SWEEP

pytestmark = pytest.mark.servers

ACCOUNTS, AUDIENCE = 6_000, 600
ENTERED = "SELECT count(*) FROM enrollment"


async def begin(client: Client) -> WorkflowHandle[object, object]:
    call = LaunchInput(tenant=TENANT, playbook="nudge", trigger_id="daily")
    return await client.start_workflow(SWEEP, call, id="the-sweep", task_queue=QUEUE_PLAYS)


async def test_a_killed_worker_loses_nobody_and_lets_nobody_in_twice(server_folder: Path) -> None:
    async with ground(server_folder, "sweep", TENANT) as at:
        await fill(at.database, ACCOUNTS)
        await publish(at.database)
        at.worker.start()
        sweep = await begin(at.client)
        for least in (AUDIENCE // 6, AUDIENCE // 2):
            await at.until(ENTERED, least)
            await at.worker.replace()
        try:
            await asyncio.wait_for(sweep.result(), 180)
            await at.until("SELECT count(*) FROM enrollment WHERE state = 'left' AND reason = 'completed'", AUDIENCE)
        finally:
            await at.worker.kill()

        assert await at.count(ENTERED) == await at.count("SELECT count(DISTINCT account) FROM enrollment") == AUDIENCE
        assert await at.count("SELECT count(*) FROM run") == AUDIENCE
        assert await at.count("SELECT count(*) FROM note") == AUDIENCE
        assert await at.count("SELECT accounts FROM launch") == AUDIENCE
        assert (await at.client.count_workflows("WorkflowType = 'nudge'")).count == AUDIENCE
