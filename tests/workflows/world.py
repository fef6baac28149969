"""The outside of plays in tests: activities that answer from tables, and a worker that runs them with the real interpreter."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.attempts import Attempts
from activities.contracts import (
    ASK,
    CONTROL_PLAY,
    LOAD_FACTS,
    LOCK,
    PREPARE_PLAY,
    RECORD,
    UNDO,
    UPDATE_ASK,
    UPDATE_TASK,
    ActionCall,
    ActionResult,
    AskCall,
    AskResult,
    AskUpdate,
    FactsCall,
    LoadedFacts,
    LockCall,
    LockResult,
    PlayCall,
    PlayControl,
    PlayStarted,
    RunInput,
    RunRecord,
    RunRef,
    RunResult,
    TaskUpdate,
    UndoCall,
    UndoResult,
)
from playbook_dsl.plan import ActionStep, Plan, Retry, Step
from workflows.messages import COMMAND_UPDATE, NEWS_SIGNAL, Command, CommandAnswer, News
from workflows.playbook_run import PlaybookRun
from workflows.starting import priority, search_attributes, static_summary

FACTS = LoadedFacts(facts={"account": {"name": "ACME", "status": "active"}, "risk": {"score": 89}})


def action(step_id: str, **keys: object) -> ActionStep:
    return ActionStep.model_validate(
        {"kind": "action", "id": step_id, "title": f"Do {step_id}", "action": "note.add", "effect": "reversible", **keys}
    )


def plan(*steps: Step | dict[str, Any], **keys: object) -> Plan:
    return Plan.model_validate({"playbook": "demo", "title": "Demo", "retry": Retry(attempts=3, first_s=0.05), "steps": steps, **keys})


def run_input(of: Plan, *, loaded: LoadedFacts = FACTS, **keys: object) -> RunInput:
    name = uuid.uuid4().hex[:12]
    run = RunRef(tenant="main", run_id=f"r{name}", chain=f"c{name}", playbook=of.playbook, version=7, account=f"a{name}")
    return RunInput.model_validate({"run": run, "plan": of, "loaded": loaded, **keys})


@dataclass
class World:
    """What the play meets. `answer` gives the result of an action's attempt (0 is the first), or raises."""

    answer: Callable[[ActionCall, int], ActionResult] = lambda call, attempt: ActionResult(output={"of": call.key})
    undo_answer: Callable[[UndoCall], UndoResult] = lambda call: UndoResult(status="undone")
    loaded: LoadedFacts = FACTS
    before_answer: Callable[[ActionCall], asyncio.Event | None] = lambda call: None
    sub_play: RunInput | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    records: list[RunRecord] = field(default_factory=list)
    asks: list[AskCall] = field(default_factory=list)
    under_way: asyncio.Event = field(default_factory=asyncio.Event)

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [*self._of_actions(), *self._of_plays(), *self._of_people()]

    def _of_actions(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(dynamic=True)
        async def perform(args: Sequence[RawValue]) -> ActionResult:
            call = activity.payload_converter().from_payload(args[0].payload, ActionCall)
            self.calls.append((call.action, call.key))
            self.under_way.set()
            if (event := self.before_answer(call)) is not None:
                await event.wait()
            return self.answer(call, activity.info().attempt - 1)

        @activity.defn(name=UNDO)
        async def undo(call: UndoCall) -> UndoResult:
            self.calls.append(("undo", call.key))
            return self.undo_answer(call)

        return [perform, undo]

    def _of_plays(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(name=LOAD_FACTS)
        async def load_facts(call: FactsCall) -> LoadedFacts:
            return self.loaded

        @activity.defn(name=RECORD)
        async def record(record: RunRecord) -> None:
            self.records.append(record)

        @activity.defn(name=PREPARE_PLAY)
        async def prepare(call: PlayCall) -> PlayStarted:
            assert self.sub_play is not None
            made = self.sub_play.model_copy(update={"parent": call.parent, "parent_key": call.key})
            return PlayStarted(workflow_id=workflow_id(made), input=made)

        @activity.defn(name=CONTROL_PLAY)
        async def control(call: PlayControl) -> None:
            self.calls.append((call.do, call.key))

        return [load_facts, record, prepare, control]

    def _of_people(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(name=ASK)
        async def ask(call: AskCall) -> AskResult:
            self.asks.append(call)
            asked = call.by if call.ask_each else call.by[:1]
            return AskResult(asked=asked, items=tuple(f"{call.key}/{call.round}/{who}" for who in asked))

        @activity.defn(name=UPDATE_ASK)
        async def update_ask(call: AskUpdate) -> None:
            self.calls.append((call.do, call.key))

        @activity.defn(name=UPDATE_TASK)
        async def update_task(call: TaskUpdate) -> None:
            self.calls.append((call.do, call.key))

        @activity.defn(name=LOCK)
        async def lock(call: LockCall) -> LockResult:
            return LockResult(granted=True)

        return [ask, update_ask, update_task, lock]


def failure(code: str, *, retry: bool, after: timedelta | None = None) -> ApplicationError:
    return ApplicationError("mocked", type=code, non_retryable=not retry, next_retry_delay=after)


def workflow_id(of: RunInput) -> str:
    return f"play:main:{of.run.playbook}:{of.run.account}:e1"


@asynccontextmanager
async def worker(client: Client, world: World, queue: str, *, cached: int = 1000, throttle_s: float = 60) -> AsyncIterator[Worker]:
    made = Worker(
        client,
        task_queue=queue,
        workflows=[PlaybookRun],
        activities=world.activities(),
        interceptors=[Attempts()],
        max_cached_workflows=cached,
        max_heartbeat_throttle_interval=timedelta(seconds=throttle_s),
    )
    async with made:
        yield made


async def start(client: Client, queue: str, of: RunInput) -> WorkflowHandle[Any, RunResult]:
    return await client.start_workflow(
        of.run.playbook,
        of,
        id=workflow_id(of),
        task_queue=queue,
        result_type=RunResult,
        search_attributes=search_attributes(of),
        static_summary=static_summary(of),
        priority=priority(of),
    )


async def tell(handle: WorkflowHandle[Any, RunResult], **fields: object) -> CommandAnswer:
    command = Command.model_validate({"by": "maria", "request_id": uuid.uuid4().hex, **fields})
    answer: CommandAnswer = await handle.execute_update(COMMAND_UPDATE, command, result_type=CommandAnswer)
    return answer


async def bring(handle: WorkflowHandle[Any, RunResult], **fields: object) -> None:
    await handle.signal(NEWS_SIGNAL, News.model_validate({"id": uuid.uuid4().hex, **fields}))
