"""The timer of an override of an account's health: it sleeps until the override's time has come, and ends it.

It is the clock and nothing more: what holds stands in PostgreSQL, and ending what has ended already changes nothing. Outside of the SDK's
sandbox, as plays are: decision 0011.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow

from activities.scoring.contracts import EXPIRED, OVERRIDE_END, OverrideEnd, OverrideInput, OverrideOutcome
from workflows.messages import OVERRIDE, OVERRIDE_OVER_SIGNAL
from workflows.patience import patiently, perform

_CANCELLED = "cancelled in Temporal"


@workflow.defn(name=OVERRIDE, sandboxed=False)
class HealthOverride:
    """One override."""

    def __init__(self) -> None:
        """Begin with an override that holds."""
        self._over_by: str | None = None

    @workflow.run
    async def run(self, given: OverrideInput) -> OverrideOutcome:
        """Wait until the time has come, or until a person or another override ends it; who cancels this ends the override, too."""
        until = f"{given.until:%Y-%m-%d %H:%M} UTC"
        workflow.set_current_details(f"{given.by} says the health of {given.account} is {given.score:g}, until {until}")
        by = EXPIRED
        try:
            await self._wait(given, f"until {until}")
        except asyncio.CancelledError:
            by = _CANCELLED
        if self._over_by is not None:
            return OverrideOutcome(ended=False, by=self._over_by)
        call = OverrideEnd(tenant=given.tenant, override=given.override, by=by)
        done = await patiently(lambda _: perform(OVERRIDE_END, call, OverrideOutcome, f"ends the override: {by}"))
        workflow.set_current_details(f"over: {done.by}")
        return done

    @workflow.signal(name=OVERRIDE_OVER_SIGNAL)
    def over(self, by: str) -> None:
        """The override has ended."""
        self._over_by = by

    async def _wait(self, given: OverrideInput, summary: str) -> None:
        while self._over_by is None and (left := given.until - workflow.now()) > timedelta(0):
            try:
                await workflow.wait_condition(lambda: self._over_by is not None, timeout=left, timeout_summary=summary)
            except TimeoutError:
                continue
