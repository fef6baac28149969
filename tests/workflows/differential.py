"""The same play on the virtual clock and on a Temporal server that skips time: what both leave behind, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import (
    ASK,
    CONTROL_PLAY,
    LOAD_FACTS,
    LOCK,
    OVER_BUDGET,
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
    RunResult,
    TaskUpdate,
    UndoCall,
    UndoResult,
)
from playbook_dsl.plan import Plan, StopStep
from simulation.play import Played, simulate
from simulation.runtime import PERMANENT, Failure, World
from tests.interpreter.cases import Case, seconds
from workflows.interpreter.runtime import OverBudget
from workflows.messages import COMMAND_UPDATE, NEWS_SIGNAL, SEARCH_ATTRIBUTES, STATE_QUERY, Command, CommandAnswer, News
from workflows.playbook_run import PlaybookRun

Handle = WorkflowHandle[Any, RunResult]

ENDED = "the play has ended"
"""What a server says to a command for a play that has ended; a virtual play is still there to refuse it in its own words."""


@dataclass
class Left:
    """What a play left behind. Times are not in it: a real server is some milliseconds late."""

    outcome: str
    error: object
    trace: list[str]
    happened: list[str]
    refused: list[str] = field(default_factory=list)

    @classmethod
    def by_virtual(cls, played: Played) -> Left:
        happened = [f"{each.what} {each.key} {each.status}" for each in played.happenings]
        return cls(played.result.outcome, played.result.error, played.result.state["trace"], happened, played.refused)


@dataclass
class RealOutside:
    """The activities of a case: they answer from the same tables as its virtual world."""

    world: World
    handle: Handle | None = None
    happened: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def note(self, what: str, key: str, status: str = "done") -> None:
        self.happened.append(f"{what} {key} {status}")

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [*self._actions(), *self._own(), *self._people(), *self._plays()]

    def _actions(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(dynamic=True)
        async def perform(args: Sequence[RawValue]) -> ActionResult:
            call = activity.payload_converter().from_payload(args[0].payload, ActionCall)
            now = activity.info().scheduled_time
            try:
                self.world.touches.ask(call, now)
            except OverBudget as over:
                raise ApplicationError("it must wait", over.until.isoformat(), over.why, type=OVER_BUDGET, non_retryable=True) from None
            reply = self.world.replies(call, activity.info().attempt - 1)
            if isinstance(reply, Failure):
                raise ApplicationError(reply.message, type=reply.code, non_retryable=reply.code in PERMANENT)
            self.world.touches.note(call, reply, now)
            self.note("perform", call.key, reply.status)
            return reply

        @activity.defn(name=UNDO)
        async def undo(call: UndoCall) -> UndoResult:
            reply = self.world.undo_replies.get(call.key, UndoResult(status="undone"))
            if isinstance(reply, Failure):
                raise ApplicationError(reply.message, type=reply.code, non_retryable=True)
            if reply.status == "conflict" and call.force:
                reply = UndoResult(status="undone")
            self.note("undo", call.key, reply.status)
            return reply

        return [perform, undo]

    def _own(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(name=LOAD_FACTS)
        async def load_facts(call: FactsCall) -> LoadedFacts:
            return self.world.loaded

        @activity.defn(name=RECORD)
        async def record(record: RunRecord) -> None:
            if record.saved is not None:
                self.trace = record.saved["trace"]

        @activity.defn(name=LOCK)
        async def lock(call: LockCall) -> LockResult:
            return LockResult(granted=True)

        return [load_facts, record, lock]

    def _people(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(name=ASK)
        async def ask(call: AskCall) -> AskResult:
            self.note("ask", call.key)
            asked = call.by if call.ask_each else call.by[:1]
            return AskResult(asked=asked, items=tuple(f"{call.key}/{call.round}/{who}" for who in asked))

        @activity.defn(name=UPDATE_ASK)
        async def update_ask(call: AskUpdate) -> None:
            if call.do == "remind":
                self.note("remind", call.key)

        @activity.defn(name=UPDATE_TASK)
        async def update_task(call: TaskUpdate) -> None:
            self.note(call.do, call.key)

        return [ask, update_ask, update_task]

    def _plays(self) -> Sequence[Callable[..., Any]]:
        @activity.defn(name=PREPARE_PLAY)
        async def prepare(call: PlayCall) -> PlayStarted:
            self.note("play", call.key)
            outcome = self.world.sub_plays.get(call.playbook, "completed")
            plan = Plan(playbook=call.playbook, title="Sub", steps=(StopStep(kind="stop", id="end", outcome=outcome),))
            run = call.run.model_copy(update={"run_id": f"{call.run.run_id}-{call.key}", "playbook": call.playbook})
            made = RunInput(run=run, plan=plan, loaded=self.world.loaded, parent=call.parent, parent_key=call.key)
            return PlayStarted(workflow_id=f"{activity.info().workflow_id}:{call.key}:{call.generation}", input=made)

        @activity.defn(name=CONTROL_PLAY)
        async def control(call: PlayControl) -> None:
            self.note(call.do, call.key)
            outcome = "undone" if call.do == "undo" else "cancelled"
            assert self.handle is not None
            told = News(kind="play_ended", id=f"{call.key}:{outcome}", key=call.key, fields={"outcome": outcome})
            await self.handle.signal(NEWS_SIGNAL, told)

        return [prepare, control]


class Remote:
    """Stands for the player in a stimulus's act: takes down what is to be sent."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.told: list[News] = []

    def command(self, command: Command) -> None:
        self.commands.append(command)

    def news(self, news: News) -> None:
        self.told.append(news)


async def define_attributes(environment: WorkflowEnvironment) -> None:
    """Tell the test server of our search attributes, as the launcher tells the development server."""
    wanted = dict.fromkeys(SEARCH_ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
    request = AddSearchAttributesRequest(search_attributes=wanted, namespace=environment.client.namespace)
    await environment.client.operator_service.add_search_attributes(request)


async def play_for_real(environment: WorkflowEnvironment, case: Case, name: str) -> tuple[Left, datetime]:
    """Play a case on the time-skipping server; give what it left and when it started."""
    outside = RealOutside(case.world())
    await _reach(environment, case.start)
    queue = f"plays-{name}"
    # One activity at a time: what runs side by side comes to its end in the order it was begun, as on the virtual clock.
    async with Worker(
        environment.client, task_queue=queue, workflows=[PlaybookRun], activities=outside.activities(), max_concurrent_activities=1
    ):
        handle: Handle = await environment.client.start_workflow(
            case.plan.playbook, case.run_input(), id=f"play:{name}", task_queue=queue, result_type=RunResult
        )
        outside.handle = handle
        started_at = (await handle.describe()).start_time
        refused = await _disturb(environment, handle, case, outside, started_at)
        result = await handle.result()
    return Left(result.outcome, result.error, outside.trace, outside.happened, refused), started_at


async def _reach(environment: WorkflowEnvironment, start: datetime) -> None:
    """Skip to the day of the week and the time of day at which the case starts, in whatever week it is by now."""
    now = await environment.get_current_time()
    while start <= now + timedelta(seconds=1):
        start += timedelta(weeks=1)
    await environment.sleep(start - now)


async def _disturb(environment: WorkflowEnvironment, handle: Handle, case: Case, outside: RealOutside, started_at: datetime) -> list[str]:
    refused: list[str] = []
    for entry in sorted(case.stimuli, key=lambda entry: seconds(entry["after"])):
        await _settle(handle)
        left = started_at + seconds(entry["after"]) - await environment.get_current_time()
        if left > timedelta(0):
            await environment.sleep(left)
        await _settle(handle)
        remote = Remote()
        case.act(entry)(remote, outside.world)  # type: ignore[arg-type]  # it takes down instead of doing
        try:
            for news in remote.told:
                await handle.signal(NEWS_SIGNAL, news)
            for command in remote.commands:
                await handle.execute_update(COMMAND_UPDATE, command, result_type=CommandAnswer)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            refused.append(cause.details[0]["code"] if isinstance(cause, ApplicationError) else str(cause))
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            refused.append(ENDED)
    return refused


async def _settle(handle: Handle) -> None:
    """Let the play do all it can do now: its progress does not change any more."""
    before = None
    while True:
        now = await handle.query(STATE_QUERY)
        history = (await handle.describe()).history_length
        if (now, history) == before:
            return
        before = (now, history)
        await asyncio.sleep(0.05)


def play_virtually(case: Case, started_at: datetime) -> Left:
    """Play a case on the virtual clock, from the moment at which it started on the server."""
    return Left.by_virtual(simulate(case.run_input(), case.world(), started_at.astimezone(UTC), case.virtual_stimuli()))


def differences(real: Left, virtual: Left) -> dict[str, tuple[object, object]]:
    """Give what is not the same, by name: on the server, on the virtual clock."""
    found: dict[str, tuple[object, object]] = {}
    for name in ("outcome", "error", "trace", "happened"):
        pair = (getattr(real, name), getattr(virtual, name))
        if pair[0] != pair[1]:
            found[name] = pair
    if ENDED not in real.refused and real.refused != virtual.refused:
        found["refused"] = (real.refused, virtual.refused)
    return found
