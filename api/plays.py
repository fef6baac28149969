"""Speaks to the plays in Temporal, and turns Temporal's errors into ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NoReturn, TypedDict

from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import Contract, JsonTree, LaunchInput, RunInput, SyncInput
from activities.scoring.contracts import OverrideInput
from api.problems import (
    CommandNotAllowed,
    InputsRefused,
    PlayNotAnswering,
    Problem,
    RunClosed,
    StepNotFound,
    StepNotHeld,
    TaskClosed,
    TemporalAway,
)
from workflows.messages import (
    COMMAND_UPDATE,
    NEWS_SIGNAL,
    OVERRIDE,
    OVERRIDE_OVER_SIGNAL,
    QUEUE_PLAYS,
    QUEUE_SCORING,
    REFUSED,
    STATE_QUERY,
    SWEEP,
    SYNC,
    Command,
    CommandAnswer,
    News,
    launch_workflow_id,
    override_workflow_id,
    sync_workflow_id,
)
from workflows.starting import priority, search_attributes, static_summary

_RPC_TIMEOUT = timedelta(seconds=5)
_COMMAND_TIMEOUT = timedelta(seconds=15)

_REFUSALS: dict[str, type[Problem]] = {
    "no_such_step": StepNotFound,
    "not_open": TaskClosed,
    "not_held": StepNotHeld,
    "closing": RunClosed,
    "bad_answer": InputsRefused,
    "not_allowed": CommandNotAllowed,
}


class PlayGone(Exception):
    """The play is not in Temporal, or has ended."""


class Ids(TypedDict):
    """What an id that is taken means, by a workflow that ended and by one that runs."""

    id_reuse_policy: WorkflowIDReusePolicy
    id_conflict_policy: WorkflowIDConflictPolicy


_ONCE: Final = Ids(id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
_AGAIN_AFTER_FAILURE: Final = Ids(
    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
)


@dataclass(frozen=True)
class JobState:
    """How a job of scoring gets on: Temporal's word for its status, and what it gave or failed with when it has ended."""

    status: str
    result: JsonTree = None
    error: str | None = None


class Plays:
    """The plays of one Temporal namespace. Connects when first needed, and again when that failed."""

    def __init__(self, connect: Callable[[], Awaitable[Client]], ui_url: str, namespace: str) -> None:
        """Keep how to connect; nothing is opened yet."""
        self._connect = connect
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._ui_url = ui_url.rstrip("/")
        self._namespace = namespace

    def link(self, workflow_id: str) -> str:
        """Give the address of a play in the Temporal UI."""
        return f"{self._ui_url}/namespaces/{self._namespace}/workflows/{workflow_id}"

    async def ping(self) -> None:
        """Ask Temporal for a sign of life.

        Raises:
            TemporalAway: there is none.
        """
        async with self.temporal() as client:
            await client.service_client.check_health(timeout=_RPC_TIMEOUT)

    async def start(self, workflow_id: str, play: RunInput) -> bool:
        """Start a play; False when one with this id runs, or ran, already.

        Raises:
            TemporalAway: it may or may not have been started; asking again is safe.
        """
        return await self._start(
            play.run.playbook,
            play,
            workflow_id,
            ids=_ONCE,
            search_attributes=search_attributes(play),
            static_summary=static_summary(play),
            priority=priority(play),
        )

    async def start_sync(self, sync: SyncInput) -> bool:
        """Start the sync of a vendor; False when one is under way.

        Raises:
            TemporalAway: it may or may not have been started.
        """
        workflow_id = sync_workflow_id(sync.tenant, sync.vendor)
        return await self._start(SYNC, sync, workflow_id, static_summary=f"sync of {sync.vendor}")

    async def start_scoring(self, kind: str, given: Contract, workflow_id: str) -> bool:
        """Start a job of scoring; False when one with this id is under way.

        Raises:
            TemporalAway: it may or may not have been started.
        """
        return await self._start(kind, given, workflow_id, queue=QUEUE_SCORING)

    async def show_scoring(self, workflow_id: str) -> JobState:
        """Tell how a job of scoring gets on, or what came of it.

        Raises:
            PlayGone: there is none.
            TemporalAway: it cannot be asked.
        """
        async with self.temporal() as client:
            handle = client.get_workflow_handle(workflow_id)
            try:
                status = (await handle.describe(rpc_timeout=_RPC_TIMEOUT)).status
                word = status.name.lower() if status is not None else "running"
                word = "running" if word == "continued_as_new" else word
                if word == "running":
                    return JobState(word)
                return JobState(word, result=await handle.result(rpc_timeout=_RPC_TIMEOUT))
            except WorkflowFailureError as error:
                return JobState(word, error=str(error.cause))
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    raise PlayGone from None
                raise

    async def start_launch(self, given: LaunchInput, launch: str) -> bool:
        """Start the working off of a launch; False when it is under way, or was.

        Raises:
            TemporalAway: it may or may not have been started; asking again is safe.
        """
        workflow_id = launch_workflow_id(given.tenant, launch)
        return await self._start(SWEEP, given, workflow_id, ids=_ONCE, static_summary=f"launch of {given.playbook}")

    async def start_override(self, given: OverrideInput) -> bool:
        """Start the timer of an override; False when it runs, or has done its work. One that was broken off begins again.

        Raises:
            TemporalAway: it may or may not have been started; asking again is safe.
        """
        summary = f"health of {given.account} is {given.score:g}, says {given.by}"
        return await self._start(
            OVERRIDE, given, override_workflow_id(given.tenant, given.override), ids=_AGAIN_AFTER_FAILURE, static_summary=summary
        )

    async def _start(
        self, kind: str, given: Contract, workflow_id: str, *, queue: str = QUEUE_PLAYS, ids: Ids | None = None, **particulars: Any
    ) -> bool:  # what Temporal takes beside
        try:
            async with self.temporal() as client:
                await client.start_workflow(
                    kind, given, id=workflow_id, task_queue=queue, rpc_timeout=_RPC_TIMEOUT, **(ids or {}), **particulars
                )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def stop_override(self, tenant: str, override: str, by: str) -> bool:
        """Tell the timer of an override that it has ended; False when there is none.

        Raises:
            TemporalAway: it may not have been told; it then wakes at its time and finds the override ended.
        """
        try:
            async with self.temporal() as client:
                handle = client.get_workflow_handle(override_workflow_id(tenant, override))
                await handle.signal(OVERRIDE_OVER_SIGNAL, by, rpc_timeout=_RPC_TIMEOUT)
        except PlayGone:
            return False
        return True

    async def command(self, workflow_id: str, command: Command) -> CommandAnswer:
        """Tell a play what a person wants, and give its answer.

        Raises:
            PlayGone: the play has ended or is unknown.
            Problem: the play refused; the kind says why.
            PlayNotAnswering: no answer came in time; repeating with the same request id is safe.
        """
        try:
            async with self.temporal() as client:
                answer: CommandAnswer = await client.get_workflow_handle(workflow_id).execute_update(
                    COMMAND_UPDATE, command, id=command.request_id, result_type=CommandAnswer, rpc_timeout=_COMMAND_TIMEOUT
                )
        except WorkflowUpdateFailedError as error:
            _raise_refusal(error.cause)
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise PlayNotAnswering from None
        return answer

    async def state(self, workflow_id: str) -> dict[str, JsonTree]:
        """Ask a play what it knows of itself.

        Raises:
            PlayGone: the play is unknown.
            PlayNotAnswering: no worker answered in time.
        """
        try:
            async with self.temporal() as client:
                found: dict[str, JsonTree] = await client.get_workflow_handle(workflow_id).query(STATE_QUERY, rpc_timeout=_RPC_TIMEOUT)
        except (TemporalAway, WorkflowQueryFailedError):
            raise PlayNotAnswering from None
        return found

    async def is_under_way(self, workflow_id: str) -> bool:
        """Say whether a play has begun and not ended yet, as Temporal knows it.

        Raises:
            TemporalAway: nobody can tell.
        """
        try:
            async with self.temporal() as client:
                found = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=_RPC_TIMEOUT)
        except PlayGone:
            return False
        return found.close_time is None

    async def tell(self, workflow_id: str, news: News) -> bool:
        """Bring news to a play; False when it has ended.

        Raises:
            TemporalAway: it may or may not have arrived; telling again is safe, because news have ids.
        """
        try:
            async with self.temporal() as client:
                await client.get_workflow_handle(workflow_id).signal(NEWS_SIGNAL, news, rpc_timeout=_RPC_TIMEOUT)
        except PlayGone:
            return False
        return True

    @asynccontextmanager
    async def temporal(self) -> AsyncIterator[Client]:
        """Give the client.

        Raises:
            TemporalAway: it does not answer.
            PlayGone: what was asked for is not there.
        """
        try:
            yield await self._connected()
        except RPCError as error:
            _raise_rpc(error)
        except (RuntimeError, OSError, TimeoutError) as error:
            # The bridge gives a refused connection as RuntimeError.
            raise TemporalAway from error

    async def _connected(self) -> Client:
        if self._client is None:
            async with self._connecting:
                if self._client is None:
                    async with asyncio.timeout(_RPC_TIMEOUT.total_seconds()):
                        self._client = await self._connect()
        return self._client


def _raise_rpc(error: RPCError) -> NoReturn:
    if error.status == RPCStatusCode.NOT_FOUND:
        raise PlayGone from error
    if error.status in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.UNKNOWN}:
        raise TemporalAway from error
    raise error


def _raise_refusal(cause: BaseException | None) -> NoReturn:
    """Turn the refusal of an update into the problem that its code names."""
    if not isinstance(cause, ApplicationError):
        raise PlayNotAnswering from cause
    if cause.type == REFUSED and cause.details:
        said = cause.details[0]
        raise _REFUSALS.get(str(said.get("code")), CommandNotAllowed)(str(said.get("message") or cause.message))
    if cause.type == "AcceptedUpdateCompletedWorkflow":
        raise PlayGone from cause
    raise CommandNotAllowed(cause.message)
