"""What somebody would write without Playkeeper: the five steps of the benchmark's playbook as a workflow, calling the same activities."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.contracts import ActionCall, ActionResult, RunRef
    from bench.plays import EFFECTS

_RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=5, non_retryable_error_types=["Rejected", "NotAuthorized"])


async def _perform_all(run: RunRef) -> str:
    for step, action, effect, inputs in EFFECTS:
        await workflow.execute_activity(
            action,
            ActionCall(run=run, key=step, title=step, action=action, effect=effect, inputs=inputs),
            result_type=ActionResult,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=10),
            retry_policy=_RETRY,
        )
    return "completed"


@workflow.defn(name="hand-written")
class HandWritten:
    """Five effects, one after another, under the SDK's defaults: what plays are held against."""

    @workflow.run
    async def run(self, run: RunRef) -> str:
        """Perform them."""
        return await _perform_all(run)


@workflow.defn(name="hand-written-bare", sandboxed=False)
class HandWrittenBare:
    """The same outside of the SDK's sandbox, where plays run too: measured to be known, with no bar."""

    @workflow.run
    async def run(self, run: RunRef) -> str:
        """Perform them."""
        return await _perform_all(run)
