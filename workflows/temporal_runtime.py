"""The interpreter's runtime on Temporal.

Effects are regular activities, because they need their own retries and rate limits. Reads and writes of our own tables are local
activities: they cost the server a tenth and the history one event each.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Final, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutError, TimeoutType, WorkflowAlreadyStartedError
from temporalio.workflow import ActivityCancellationType, ChildWorkflowCancellationType, ParentClosePolicy

from activities import contracts
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
    Contract,
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
    TaskUpdate,
    UndoCall,
    UndoResult,
)
from playbook_dsl.plan import Retry
from workflows import event_groups
from workflows.interpreter.runtime import ActionFailed, OverBudget
from workflows.starting import priority, run_state, search_attributes, static_summary

T = TypeVar("T")
R = TypeVar("R", bound=Contract)

FRESH_HISTORY_EVENTS: Final = 2_000
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=10)
NEVER_RETRIED: Final = ("Rejected", "NotAuthorized")

# The product's own services and every undo: nobody set these retries, so they are patient. A database that is away comes back.
_OWN_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=60), non_retryable_error_types=NEVER_RETRIED
)
_UNDO_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=10,
    non_retryable_error_types=NEVER_RETRIED,
)
_UNDO_TIMEOUT: Final = timedelta(seconds=60)
_OWN_TIMEOUT: Final = timedelta(seconds=20)
# A longer pause between attempts becomes a timer of the server, instead of a workflow task that is kept open.
_LOCAL_RETRY_THRESHOLD: Final = timedelta(seconds=4)

_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=1)

_RUN_STATE: Final = SearchAttributeKey.for_keyword("RunState")


class TemporalRuntime:
    """The outside of one play."""

    def __init__(self, run_input: RunInput) -> None:
        self._run = run_input.run
        self._shown_state = "running"

    def now(self) -> datetime:
        """Give the play's time."""
        return workflow.now()

    def spawn(self, work: Coroutine[object, object, T], name: str) -> asyncio.Task[T]:
        """Start a task of the play."""
        return asyncio.create_task(work, name=name)

    async def sleep_until(self, at: datetime, summary: str) -> None:
        """Wait on a durable timer."""
        while (left := at - workflow.now()) > timedelta(0):
            await workflow.sleep(left, summary=summary)

    async def perform(self, call: ActionCall, retry: Retry, timeout_s: float, summary: str) -> ActionResult:
        """Perform an action as an activity of its name."""
        within = timedelta(seconds=timeout_s)
        policy = _retry_policy(retry)

        async def attempt(booked: datetime | None) -> ActionResult:
            turn = call if booked is None else call.model_copy(update={"booked": booked})
            return await self._remote(call.action, turn, ActionResult, policy, within, summary, call.key)

        return await _patiently(attempt, summary)

    async def undo(self, call: UndoCall, summary: str) -> UndoResult:
        """Take an effect back."""

        async def attempt(booked: datetime | None) -> UndoResult:
            turn = call if booked is None else call.model_copy(update={"booked": booked})
            return await self._remote(UNDO, turn, UndoResult, _UNDO_RETRY, _UNDO_TIMEOUT, summary, call.key)

        return await _patiently(attempt, summary)

    async def load_facts(self, run: RunRef) -> LoadedFacts:
        """Read the facts."""
        return await self._local(LOAD_FACTS, FactsCall(run=run), LoadedFacts)

    async def ask(self, call: AskCall, summary: str) -> AskResult:
        """Put items into inboxes."""
        return await self._local(ASK, call, AskResult, summary)

    async def update_ask(self, call: AskUpdate) -> None:
        """Remind of inbox items, or close them."""
        await self._local(UPDATE_ASK, call, None)

    async def update_task(self, call: TaskUpdate) -> None:
        """Tell of an overdue task, or reassign it."""
        await self._local(UPDATE_TASK, call, None)

    async def lock(self, call: LockCall) -> LockResult:
        """Take or give back a lock."""
        return await self._local(LOCK, call, LockResult)

    async def start_play(self, call: PlayCall, summary: str) -> str:
        """Start a sub-play that outlives this one; starting it twice is starting it once."""
        # It tells this workflow, whichever history of it is the live one by then.
        own = call.model_copy(update={"parent": workflow.info().workflow_id})
        made = await self._remote(PREPARE_PLAY, own, PlayStarted, _OWN_RETRY, _OWN_TIMEOUT, summary, call.key)
        child = made.input.model_copy(update={"parent": own.parent, "parent_key": call.key})
        try:
            await workflow.start_child_workflow(
                child.run.playbook,
                child,
                id=made.workflow_id,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=ParentClosePolicy.ABANDON,
                cancellation_type=ChildWorkflowCancellationType.ABANDON,
                search_attributes=search_attributes(child),
                static_summary=static_summary(child),
                priority=priority(child),
                event_groups=event_groups.of_step(call.key),
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the sub-play runs already")
        return made.workflow_id

    async def control_play(self, call: PlayControl) -> None:
        """Cancel or undo a sub-play."""
        # A play that was taken up again is another workflow than the one that started the sub-play.
        own = call.model_copy(update={"parent": workflow.info().workflow_id})
        await self._remote(CONTROL_PLAY, own, None, _OWN_RETRY, _OWN_TIMEOUT, f"{call.do} {call.workflow_id}", call.key)

    async def record(self, record: RunRecord) -> None:
        """Write the play's state to the tables, and to the search attributes when it is out of the ordinary."""
        self._show_state(run_state(record))
        await self._local(RECORD, record, None)

    def show(self, details: Callable[[], str]) -> None:
        """Set the current details."""
        workflow.set_current_details(details())

    def history_is_long(self) -> bool:
        """Say whether to go on in a fresh history."""
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > FRESH_HISTORY_EVENTS

    def _show_state(self, state: str) -> None:
        # Each change costs an event, so an ordinary play changes nothing.
        if state != self._shown_state:
            self._shown_state = state
            workflow.upsert_search_attributes([_RUN_STATE.value_set(state)])

    async def _remote(
        self, name: str, call: Contract, answer: type[R] | None, retry: RetryPolicy, within: timedelta, summary: str, key: str
    ) -> R:
        """Run a regular activity. Cancelled, it still gives the result of an attempt under way."""
        try:
            result: R = await workflow.execute_activity(
                name,
                call,
                result_type=answer,
                start_to_close_timeout=within,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=retry,
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=summary,
                event_groups=event_groups.of_step(key),
            )
        except ActivityError as error:
            raise _in_our_words(error) from error
        return result

    async def _local(self, name: str, call: Contract, answer: type[R] | None, summary: str | None = None) -> R:
        try:
            result: R = await workflow.execute_local_activity(
                name,
                call,
                result_type=answer,
                start_to_close_timeout=_OWN_TIMEOUT,
                retry_policy=_OWN_RETRY,
                local_retry_threshold=_LOCAL_RETRY_THRESHOLD,
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=summary,
            )
        except ActivityError as error:
            raise _in_our_words(error) from error
        return result


class _OurFault(Exception):
    """Our database was away, or workers died under the attempts, until the retries were used up: the step has not failed by itself."""


class _NotYet(Exception):
    """The vendor's allowance is used up, or its circuit is open: the step's turn comes later."""

    def __init__(self, turn: datetime) -> None:
        super().__init__()
        self.turn = turn


async def _patiently(attempt: Callable[[datetime | None], Awaitable[R]], title: str) -> R:
    """Repeat, without end, what only our own outage or a vendor's limit kept from being done. A turn that was booked is handed on."""
    pause, booked = _FIRST_PAUSE, None
    while True:
        try:
            return await attempt(booked)
        except _OurFault:
            await workflow.sleep(pause, summary="waits for the database or for workers")
            pause = min(pause * 2, _LONGEST_PAUSE)
        except _NotYet as wait:
            booked = wait.turn
            while (left := booked - workflow.now()) > timedelta(0):
                await workflow.sleep(left, summary=f"waits for its turn: {title}")


def _retry_policy(retry: Retry) -> RetryPolicy:
    """Turn a step's retry into Temporal's; the server refuses a task with a shrinking or negative pause, so the ends are clamped."""
    first = max(retry.first_s, 0.001)
    return RetryPolicy(
        initial_interval=timedelta(seconds=first),
        backoff_coefficient=max(retry.factor, 1.0),
        maximum_interval=timedelta(seconds=max(retry.at_most_s, first)),
        maximum_attempts=retry.attempts,
        non_retryable_error_types=(*NEVER_RETRIED, *retry.not_on),
    )


def _in_our_words(error: ActivityError) -> BaseException:
    match error.cause:
        case ApplicationError(type=contracts.DATABASE_AWAY) | TimeoutError(type=TimeoutType.HEARTBEAT):
            return _OurFault()
        case ApplicationError(type=contracts.THROTTLED, details=[str(turn), *_]):
            return _NotYet(datetime.fromisoformat(turn))
        case ApplicationError(type=contracts.OVER_BUDGET, details=[str(until), str(why), *_]):
            return OverBudget(datetime.fromisoformat(until), why)
        case ApplicationError() as cause:
            return ActionFailed(cause.type or "Failed", cause.message)
        case TimeoutError():
            return ActionFailed("TimedOut", "no answer within the time allowed")
        case CancelledError():
            return asyncio.CancelledError()
        case other:
            return ActionFailed("Failed", str(other or error))
