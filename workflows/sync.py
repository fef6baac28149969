"""The sync of a vendor: batches of pages, one after the other, until there is nothing more.

How far it is stands in PostgreSQL beside the rows it brought, so this only says what is next and when. Outside of the SDK's sandbox, as
plays are: decision 0011.
"""

from datetime import datetime
from typing import Final

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.contracts import (
    SYNC_BATCH,
    SYNC_BEGIN,
    SYNC_END,
    SyncBatch,
    SyncBegin,
    SyncEnd,
    SyncInput,
    SyncKinds,
    SyncProgress,
)
from workflows.messages import SYNC, SYNC_TICK, sync_workflow_id
from workflows.patience import patiently, perform, wait_until

_FRESH_HISTORY_EVENTS: Final = 2_000


@workflow.defn(name=SYNC, sandboxed=False)
class VendorSync:
    """One sync. Its id says tenant and vendor, so there is never a second one beside it."""

    @workflow.run
    async def run(self, sync: SyncInput) -> None:
        """Bring everything that changed."""
        report = sync.report or str(workflow.uuid4())
        try:
            await self._run(sync, report)
        except ActivityError as error:
            cause = error.cause
            said = f"{cause.message} [{cause.type}]" if isinstance(cause, ApplicationError) else "no worker could finish a batch [TimedOut]"
            await self._end(sync, report, said)
            raise ApplicationError(said, type="SyncFailed", non_retryable=True) from error

    async def _run(self, sync: SyncInput, report: str) -> None:
        left = sync.left
        if sync.report is None:
            call = SyncBegin(tenant=sync.tenant, vendor=sync.vendor, report=report, by=sync.by, from_start=sync.from_start)
            begun = await patiently(lambda booked: perform(SYNC_BEGIN, call, SyncKinds, "begin"))
            left = begun.kinds
        while left:
            progress = await self._batch(sync, report, left[0])
            if not progress.more:
                left = left[1:]
            if progress.wait is not None:
                await wait_until(progress.wait)
            info = workflow.info()
            if left and (info.is_continue_as_new_suggested() or info.get_current_history_length() > _FRESH_HISTORY_EVENTS):
                workflow.continue_as_new(sync.model_copy(update={"report": report, "left": left}))
        await self._end(sync, report, None)

    async def _batch(self, sync: SyncInput, report: str, kind: str) -> SyncProgress:
        call = SyncBatch(tenant=sync.tenant, vendor=sync.vendor, report=report, kind=kind, anew=sync.from_start)

        async def attempt(booked: datetime | None) -> SyncProgress:
            return await perform(SYNC_BATCH, call.model_copy(update={"booked": booked}), SyncProgress, kind)

        return await patiently(attempt)

    async def _end(self, sync: SyncInput, report: str, error: str | None) -> None:
        call = SyncEnd(tenant=sync.tenant, vendor=sync.vendor, report=report, error=error)
        await patiently(lambda booked: perform(SYNC_END, call, None, "end"))


@workflow.defn(name=SYNC_TICK, sandboxed=False)
class SyncTick:
    """What a schedule starts: the sync of that moment, unless one is under way. A schedule cannot give a workflow the same id each time."""

    @workflow.run
    async def run(self, sync: SyncInput) -> bool:
        """Sync; give False when one was under way already."""
        try:
            await workflow.execute_child_workflow(
                SYNC,
                sync,
                id=sync_workflow_id(sync.tenant, sync.vendor),
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True
