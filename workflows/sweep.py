"""The working off of a launch: the audience is written down, and then its accounts are looked at page by page, in parts side by side.

Who was looked at stands in PostgreSQL, where a page is decided in one transaction; this only says what is next. So killing anything
loses nobody and lets nobody in twice. Outside of the SDK's sandbox, as plays are: decision 0011.
"""

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.contracts import (
    LAUNCH_END,
    LAUNCH_ENTER,
    LAUNCH_GATHER,
    LaunchEnd,
    LaunchEnter,
    LaunchGather,
    LaunchInput,
    LaunchParts,
    LaunchProgress,
)
from workflows.messages import SWEEP
from workflows.patience import patiently, perform

_FRESH_HISTORY_EVENTS: Final = 2_000
_LOOK_AGAIN: Final = timedelta(seconds=10)
_LOW: Final = 5
"""The least urgent priority: a person's click and an event go first."""


@workflow.defn(name=SWEEP, sandboxed=False)
class LaunchSweep:
    """One launch."""

    def __init__(self) -> None:
        """Begin with nothing looked at."""
        self._expected = 0
        self._accounts = 0
        self._priority = Priority(priority_key=_LOW)
        self._left: list[tuple[int, int]] = []

    @workflow.run
    async def run(self, given: LaunchInput) -> LaunchProgress:
        """Look at every account."""
        launch = given.launch or _id_of(workflow.info().workflow_id)
        self._priority = Priority(priority_key=_LOW, fairness_key=given.tenant)
        try:
            await self._run(given, launch)
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise
            said = _said(error)
            await self._end(given, launch, said)
            raise ApplicationError(said, type="LaunchFailed", non_retryable=True) from error
        return LaunchProgress(accounts=self._accounts)

    async def _run(self, given: LaunchInput, launch: str) -> None:
        self._left = [*given.left]
        if given.expected is None:
            call = LaunchGather(launch=launch, input=given)
            found = await patiently(lambda _: perform(LAUNCH_GATHER, call, LaunchParts, "who is in the audience", self._priority))
            self._expected, self._left = found.expected, [*found.parts]
        else:
            self._expected = given.expected
        await _side_by_side([self._work_off(given, launch, part) for part in self._left])
        if self._left:
            workflow.continue_as_new(given.model_copy(update={"launch": launch, "expected": self._expected, "left": tuple(self._left)}))
        await self._end(given, launch, None)

    async def _work_off(self, given: LaunchInput, launch: str, part: tuple[int, int]) -> None:
        call = LaunchEnter(launch=launch, input=given, part=part)
        while True:
            progress = await patiently(
                lambda _: perform(LAUNCH_ENTER, call, LaunchProgress, f"rows {part[0]} to {part[1]}", self._priority)
            )
            self._show(progress)
            if progress.paused:
                await workflow.sleep(_LOOK_AGAIN, summary="paused")
            elif not progress.more:
                self._left.remove(part)
                return
            info = workflow.info()
            if info.is_continue_as_new_suggested() or info.get_current_history_length() > _FRESH_HISTORY_EVENTS:
                return

    def _show(self, progress: LaunchProgress) -> None:
        self._accounts = max(self._accounts, progress.accounts)
        share = self._accounts / self._expected if self._expected else 1.0
        took = (workflow.now() - workflow.info().workflow_start_time).total_seconds()
        rate = f", {self._accounts / took:,.0f} a second" if took > 0 else ""
        workflow.set_current_details(f"{share:.0%}: {self._accounts:,} of {self._expected:,} accounts looked at{rate}")

    async def _end(self, given: LaunchInput, launch: str, error: str | None) -> None:
        call = LaunchEnd(launch=launch, input=given, error=error)
        await patiently(lambda _: perform(LAUNCH_END, call, None, "end", self._priority))


def _rows(part: tuple[int, int]) -> str:
    return f"rows {part[0]} to {part[1] - 1}"


async def _side_by_side(work: Sequence[Coroutine[object, object, None]]) -> None:
    """Do all of it; when one fails the others are broken off."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        for task in tasks:
            await task
    finally:
        for task in tasks:
            task.cancel()


def _id_of(workflow_id: str) -> str:
    """Give the launch of a schedule's turn: the same turn is the same launch, however often it is begun."""
    return hashlib.sha256(workflow_id.encode()).hexdigest()[:32]


def _said(error: ActivityError) -> str:
    cause = error.cause
    return f"{cause.message} [{cause.type}]" if isinstance(cause, ApplicationError) else "no worker could finish a page [TimedOut]"
