"""What activities may do to plays: start one, cancel it, undo it. Implements `activities.outlet.Plays` with a Temporal client."""

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import RunInput
from workflows.messages import COMMAND_UPDATE, QUEUE_PLAYS, Command, CommandAnswer
from workflows.starting import priority, search_attributes, static_summary


class TemporalPlays:
    """The plays of one Temporal namespace."""

    def __init__(self, client: Client, queue: str = QUEUE_PLAYS) -> None:
        """Start plays on `queue`."""
        self._client = client
        self._queue = queue

    async def start(self, workflow_id: str, play: RunInput) -> None:
        """Start a play; one that runs is left alone, one that has ended is taken up anew (its effects know that they are undone)."""
        await self._client.start_workflow(
            play.run.playbook,
            play,
            id=workflow_id,
            task_queue=self._queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=search_attributes(play),
            static_summary=static_summary(play),
            priority=priority(play),
        )

    async def begin(self, workflow_id: str, play: RunInput) -> bool:
        """Begin a play that was written down; False when one with this id runs, or ran, already."""
        try:
            await self._client.start_workflow(
                play.run.playbook,
                play,
                id=workflow_id,
                task_queue=self._queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=search_attributes(play),
                static_summary=static_summary(play),
                priority=priority(play),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def cancel(self, workflow_id: str, request_id: str) -> bool:
        """Cancel a play and leave what it did; False when it has ended."""
        return await self._tell(workflow_id, Command(do="cancel", request_id=request_id, by="playkeeper"))

    async def undo(self, workflow_id: str, request_id: str, *, force: bool, parent: str | None) -> bool:
        """Take back what a play did, and end it; it then tells the workflow `parent`. False when it has ended."""
        command = Command(do="cancel", request_id=request_id, by="playkeeper", undo=True, force=force, parent=parent)
        return await self._tell(workflow_id, command)

    async def _tell(self, workflow_id: str, command: Command) -> bool:
        """Raises WorkflowUpdateFailedError while the play is just ending: trying again later finds it ended."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            await handle.execute_update(COMMAND_UPDATE, command, id=command.request_id, result_type=CommandAnswer)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        except WorkflowUpdateFailedError:
            if await _has_ended(self._client, workflow_id):
                return False
            raise
        return True


async def _has_ended(client: Client, workflow_id: str) -> bool:
    described = await client.get_workflow_handle(workflow_id).describe()
    return described.close_time is not None
