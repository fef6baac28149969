"""A step whose turn at a vendor comes later waits on a timer of the play, however few retries it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.contracts import THROTTLED, ActionCall, ActionResult
from playbook_dsl.plan import Retry
from tests.workflows.world import World, action, plan, run_input, start, worker

pytestmark = pytest.mark.servers


async def test_a_step_waits_for_its_turn_and_hands_it_on(client: Client, queue: str) -> None:
    turns: list[datetime | None] = []
    given: list[datetime] = []

    def answer(call: ActionCall, attempt: int) -> ActionResult:
        turns.append(call.booked)
        if call.booked is None:
            given.append(datetime.now(UTC) + timedelta(seconds=1))
            raise ApplicationError("waits for its turn at Stripe", given[0].isoformat(), type=THROTTLED, non_retryable=True)
        assert datetime.now(UTC) >= given[0]
        return ActionResult(output={"done": True})

    async with worker(client, World(answer=answer), queue):
        handle = await start(client, queue, run_input(plan(action("call", retry=Retry(attempts=1)))))
        result = await handle.result()
    timers = [event for event in (await handle.fetch_history()).events if event.HasField("timer_started_event_attributes")]

    assert result.outcome == "completed"
    assert turns == [None, *given]
    assert len(timers) == 1
