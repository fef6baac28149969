from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.contracts import DATABASE_AWAY, ActionCall, ActionResult, LoadedFacts, RunResult
from playbook_dsl.plan import Alternative, Case, Exit, ParallelStep, PlayStep, Retry, WaitStep, WaitUntilStep
from tests.workflows.world import World, action, bring, failure, plan, run_input, start, tell, worker, workflow_id
from workflows import temporal_runtime
from workflows.interpreter.player import Player
from workflows.messages import COMMAND_UPDATE, REFUSED, STATE_QUERY, Command, CommandAnswer

pytestmark = pytest.mark.servers

REPLY = WaitUntilStep(
    kind="wait_until", id="answer", title="Wait for an answer", alternatives=(Alternative(name="replied", event="email.replied"),)
)


async def events_of(handle: WorkflowHandle[Any, RunResult]) -> list[Any]:
    return list((await handle.fetch_history()).events)


async def in_state(handle: WorkflowHandle[Any, RunResult], wanted: str) -> dict[str, Any]:
    for _ in range(200):
        state: dict[str, Any] = await handle.query(STATE_QUERY)
        if state["state"] == wanted:
            return state
        await asyncio.sleep(0.05)
    raise AssertionError(f"the play did not become {wanted}: {state}")


async def test_actions_and_a_wait_leave_activities_of_their_names_with_their_titles(client: Client, queue: str) -> None:
    made = plan(
        action("call"), WaitStep(kind="wait", id="pause", title="Give it time", **{"for": "1 second"}), action("flag", action="cta.open")
    )

    async with worker(client, World(), queue):
        handle = await start(client, queue, run_input(made))
        result = await handle.result()
    events = await events_of(handle)
    scheduled = [event for event in events if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    timers = [event for event in events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED]

    assert result.outcome == "completed"
    assert [event.activity_task_scheduled_event_attributes.activity_type.name for event in scheduled] == ["note.add", "cta.open"]
    assert [event.user_metadata.summary.data for event in [*scheduled, *timers]] == [b'"Do call"', b'"Do flag"', b'"Give it time"']
    assert [event.event_group_markers[0].label.id for event in scheduled] == ["call", "flag"]


async def test_a_run_is_found_and_read_in_the_temporal_ui(client: Client, queue: str) -> None:
    of = run_input(plan(action("call"), REPLY), owner="maria")

    async with worker(client, World(), queue):
        handle = await start(client, queue, of)
        await in_state(handle, "waiting")
        described = await handle.describe()
        details = await handle.query("__temporal_workflow_metadata")
        await tell(handle, do="cancel")
        await handle.result()
    attributes = {pair.key.name: pair.value for pair in described.typed_search_attributes}

    assert described.workflow_type == "demo"
    assert await described.static_summary() == "ACME · risk 89 · demo v7"
    assert (
        attributes
        == {
            "Tenant": "main",
            "Playbook": "demo",
            "PlaybookVersion": "7",
            "Account": of.run.account,
            "RunState": "running",
            "Trigger": "manual",
            "Owner": "maria",
            "BuildIds": attributes.get("BuildIds"),
        }
        or attributes.items() >= {"Tenant": "main", "RunState": "running", "Owner": "maria"}.items()
    )
    assert "Do call" in str(details)


async def test_only_what_is_out_of_the_ordinary_costs_a_search_attribute(client: Client, queue: str) -> None:
    async with worker(client, World(), queue):
        handle = await start(client, queue, run_input(plan(action("call"), REPLY)))
        await in_state(handle, "waiting")
        before = await events_of(handle)
        await tell(handle, do="pause")
        await in_state(handle, "paused")
        await asyncio.sleep(0.2)
        paused = await handle.describe()
        await tell(handle, do="resume")
        await bring(handle, kind="event", name="email.replied")
        await handle.result()
        ended = await handle.describe()
    upserts = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES

    assert all(event.event_type != upserts for event in before)
    assert paused.search_attributes["RunState"] == ["paused"]
    assert ended.search_attributes["RunState"] == ["running"]


async def test_a_command_that_comes_before_the_first_step_is_followed(client: Client, queue: str) -> None:
    handle = await start(client, queue, run_input(plan(action("call"))))
    asked = asyncio.create_task(tell(handle, do="pause"))
    await asyncio.sleep(0.3)
    world = World()

    async with worker(client, world, queue):
        answer = await asked
        state = await in_state(handle, "paused")
        await tell(handle, do="resume")
        result = await handle.result()

    assert answer.changed
    assert state["state"] == "paused"
    assert result.outcome == "completed"


async def test_news_that_come_before_the_first_step_are_kept(client: Client, queue: str) -> None:
    handle = await start(client, queue, run_input(plan(REPLY)))
    await bring(handle, kind="event", name="email.replied")

    async with worker(client, World(), queue):
        result = await asyncio.wait_for(handle.result(), 60)

    assert result.outcome == "completed"


async def test_a_refused_command_says_why_and_leaves_no_trace(client: Client, queue: str) -> None:
    async with worker(client, World(), queue):
        handle = await start(client, queue, run_input(plan(REPLY)))
        await in_state(handle, "waiting")
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await tell(handle, do="answer", key="nothing")
        left = [event.event_type for event in await events_of(handle) if "UPDATE" in EventType.Name(event.event_type)]
        await tell(handle, do="cancel")
        await handle.result()
    cause = refusal.value.cause

    assert isinstance(cause, ApplicationError)
    assert cause.type == REFUSED
    assert cause.details[0]["code"] in {"no_such_step", "not_open"}
    assert left == []


async def test_the_same_request_twice_is_one_command(client: Client, queue: str) -> None:
    command = Command(do="pause", request_id="click-1", by="maria")

    async with worker(client, World(), queue):
        handle = await start(client, queue, run_input(plan(REPLY)))
        await in_state(handle, "waiting")
        answers = [await handle.execute_update(COMMAND_UPDATE, command, id=f"click-1-{n}", result_type=CommandAnswer) for n in range(2)]
        await tell(handle, do="cancel")
        await handle.result()

    assert [answer.changed for answer in answers] == [True, False]


@pytest.mark.parametrize(("code", "retry", "attempts"), [("Unavailable", True, 3), ("Rejected", True, 1), ("NotAuthorized", True, 1)])
async def test_a_failing_action_is_tried_as_its_retry_says(client: Client, queue: str, code: str, retry: bool, attempts: int) -> None:
    def answer(call: ActionCall, attempt: int) -> ActionResult:
        raise failure(code, retry=retry)

    world = World(answer=answer)
    async with worker(client, world, queue):
        handle = await start(client, queue, run_input(plan(action("call"))))
        result = await handle.result()

    assert len([call for call in world.calls if call == ("note.add", "call")]) == attempts
    assert result.outcome == "undone"
    assert result.error is not None
    assert result.error["code"] == code


async def test_the_time_a_vendor_names_wins_over_the_computed_pause(client: Client, queue: str) -> None:
    def answer(call: ActionCall, attempt: int) -> ActionResult:
        if attempt == 0:
            raise failure("RateLimited", retry=True, after=timedelta(milliseconds=50))
        return ActionResult()

    patient = action("call", retry=Retry(attempts=2, first_s=600, at_most_s=600))
    async with worker(client, World(answer=answer), queue):
        handle = await start(client, queue, run_input(plan(patient)))
        result = await asyncio.wait_for(handle.result(), 60)

    assert result.outcome == "completed"


async def test_a_cancelled_play_takes_back_the_effect_of_the_attempt_under_way(client: Client, queue: str) -> None:
    release = asyncio.Event()
    world = World(before_answer=lambda call: release)

    async with worker(client, world, queue, throttle_s=0.1):
        handle = await start(client, queue, run_input(plan(action("call"), action("never"))))
        await world.under_way.wait()
        await tell(handle, do="cancel", undo=True)
        await asyncio.sleep(0.3)
        release.set()
        result = await handle.result()

    assert world.calls == [("note.add", "call"), ("undo", "call")]
    assert result.outcome == "undone"


async def test_cancelling_breaks_off_the_pause_between_two_attempts(client: Client, queue: str) -> None:
    def answer(call: ActionCall, attempt: int) -> ActionResult:
        raise failure("Unavailable", retry=True)

    world = World(answer=answer)
    async with worker(client, world, queue):
        handle = await start(client, queue, run_input(plan(action("call", retry=Retry(attempts=0, first_s=3600, at_most_s=3600)))))
        await world.under_way.wait()
        await asyncio.sleep(0.3)
        await tell(handle, do="cancel")
        result = await asyncio.wait_for(handle.result(), 60)

    assert result.outcome == "cancelled"


async def test_cancelling_in_the_temporal_ui_ends_the_play_in_order(client: Client, queue: str) -> None:
    world = World()
    tidy = action("tidy")

    async with worker(client, world, queue):
        handle = await start(client, queue, run_input(plan(action("call"), REPLY, **{"finally": (tidy,)})))
        await in_state(handle, "waiting")
        await handle.cancel()
        result = await asyncio.wait_for(handle.result(), 60)

    assert result.outcome == "cancelled"
    assert world.calls[-1] == ("note.add", "tidy")


async def test_a_bug_in_the_interpreter_stops_the_play_until_it_is_mended(
    client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = Player.play

    async def broken(self: Player) -> RunResult:
        raise KeyError("a bug")

    monkeypatch.setattr(Player, "play", broken)
    async with worker(client, World(), queue):
        handle = await start(client, queue, run_input(plan(action("call"))))
        await asyncio.sleep(0.5)
        stuck = await handle.describe()
        monkeypatch.setattr(Player, "play", walked)
        result = await asyncio.wait_for(handle.result(), 60)

    assert stuck.status is not None
    assert stuck.status.name == "RUNNING"
    assert result.outcome == "completed"


async def test_a_worker_that_remembers_nothing_walks_the_same_way(client: Client, queue: str) -> None:
    both = ParallelStep(
        kind="parallel",
        id="both",
        branches=(Case(name="a", steps=(action("left"),)), Case(name="b", steps=(action("right"), action("after")))),
    )
    world = World()

    async with worker(client, world, queue, cached=0):
        handle = await start(client, queue, run_input(plan(action("call"), both, REPLY, action("end"))))
        await in_state(handle, "waiting")
        await tell(handle, do="pause")
        await tell(handle, do="resume")
        await bring(handle, kind="event", name="email.replied")
        result = await asyncio.wait_for(handle.result(), 60)

    assert result.outcome == "completed"
    assert sorted(key for _, key in world.calls) == ["after", "call", "end", "left", "right"]


async def test_a_sub_play_tells_its_parent_how_it_ended(client: Client, queue: str) -> None:
    world = World(sub_play=run_input(plan(action("inner"), playbook="exec-sponsor")))

    async with worker(client, world, queue):
        handle = await start(client, queue, run_input(plan(PlayStep(kind="play", id="sponsor", playbook="exec-sponsor"), action("after"))))
        result = await asyncio.wait_for(handle.result(), 60)
    assert world.sub_play is not None
    child = await client.get_workflow_handle(workflow_id(world.sub_play)).describe()

    assert result.outcome == "completed"
    assert [key for _, key in world.calls] == ["inner", "after"]
    assert child.workflow_type == "exec-sponsor"
    assert child.parent_id == handle.id


async def test_a_sub_play_outlives_a_parent_that_does_not_wait(client: Client, queue: str) -> None:
    release = asyncio.Event()
    world = World(
        sub_play=run_input(plan(action("inner"), playbook="exec-sponsor")),
        before_answer=lambda call: release if call.key == "inner" else None,
    )

    async with worker(client, world, queue):
        step = PlayStep(kind="play", id="sponsor", playbook="exec-sponsor", wait=False)
        handle = await start(client, queue, run_input(plan(step)))
        parent = await handle.result()
        release.set()
        assert world.sub_play is not None
        child = client.get_workflow_handle(workflow_id(world.sub_play), result_type=RunResult)
        result = await asyncio.wait_for(child.result(), 60)

    assert parent.outcome == "completed"
    assert result.outcome == "completed"


async def test_a_long_play_goes_on_in_a_fresh_history(client: Client, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal_runtime, "FRESH_HISTORY_EVENTS", 30)
    world = World()
    steps = [action(f"step_{number}") for number in range(12)]

    async with worker(client, world, queue):
        of = run_input(plan(*steps[:6], REPLY, *steps[6:]))
        handle = await start(client, queue, of)
        await asyncio.sleep(1)
        await bring(client.get_workflow_handle(handle.id, result_type=RunResult), kind="event", name="email.replied")
        result = await asyncio.wait_for(handle.result(), 60)
        last = await client.get_workflow_handle(handle.id).describe()

    assert result.outcome == "completed"
    assert [key for _, key in world.calls] == [step.id for step in steps]
    assert last.run_id != handle.first_execution_run_id
    assert last.search_attributes["Account"] == [of.run.account]


async def test_an_exit_interrupts_a_wait_as_soon_as_the_facts_change(client: Client, queue: str) -> None:
    world = World()
    leave = Exit(name="recovered", when='account.status == "happy"')
    happy = LoadedFacts(facts={"account": {"name": "ACME", "status": "happy"}})

    async with worker(client, world, queue):
        handle = await start(client, queue, run_input(plan(action("call"), REPLY, exits=(leave,))))
        await in_state(handle, "waiting")
        await bring(handle, kind="facts", fields={"facts": happy.facts})
        result = await asyncio.wait_for(handle.result(), 60)

    assert result.outcome == "exit:recovered"


async def test_a_database_that_is_away_for_long_is_no_failure_of_the_step(
    client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_runtime, "_FIRST_PAUSE", timedelta(milliseconds=50))
    attempts = 0

    def answer(call: ActionCall, attempt: int) -> ActionResult:
        nonlocal attempts
        attempts += 1
        if attempts < 10:
            raise failure(DATABASE_AWAY, retry=True)
        return ActionResult()

    async with worker(client, World(answer=answer), queue):
        handle = await start(client, queue, run_input(plan(action("call", retry=Retry(attempts=3, first_s=0.01)))))
        result = await asyncio.wait_for(handle.result(), 60)

    assert attempts == 10
    assert result.outcome == "completed"
