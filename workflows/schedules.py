"""Schedules of syncs: one for each tenant and vendor, made once and then changed in place."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import SyncInput
from workflows.messages import QUEUE_PLAYS, SYNC_TICK, sync_workflow_id

_JITTER_SHARE: Final = 10
_CATCH_UP: Final = timedelta(minutes=10)


async def keep_schedules(
    client: Client, tenant: str, vendors: Iterable[str], wanted: Mapping[str, int], known: Mapping[str, int] | None
) -> dict[str, int]:
    """Have vendors synced every so many minutes, and no others. `known` is what this gave the last time: what is as then is left alone."""
    for vendor, every_min in wanted.items():
        if known is None or known.get(vendor) != every_min:
            await _keep(client, tenant, vendor, timedelta(minutes=every_min))
    for vendor in vendors if known is None else known:
        if vendor not in wanted:
            await _delete(client, tenant, vendor)
    return dict(wanted)


async def _keep(client: Client, tenant: str, vendor: str, every: timedelta) -> None:
    schedule = _schedule(tenant, vendor, every)
    name = sync_workflow_id(tenant, vendor)
    try:
        await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError:

        async def same(now: ScheduleUpdateInput) -> ScheduleUpdate | None:
            # Somebody may have paused it in Temporal; that stays.
            schedule.state = now.description.schedule.state
            return None if now.description.schedule.spec.intervals == schedule.spec.intervals else ScheduleUpdate(schedule)

        await client.get_schedule_handle(name).update(same)


async def _delete(client: Client, tenant: str, vendor: str) -> None:
    try:
        await client.get_schedule_handle(sync_workflow_id(tenant, vendor)).delete()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


def _schedule(tenant: str, vendor: str, every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SYNC_TICK,
            SyncInput(tenant=tenant, vendor=vendor, by="schedule"),
            id=f"{sync_workflow_id(tenant, vendor)}:tick",
            task_queue=QUEUE_PLAYS,
        ),
        # The jitter keeps the syncs of many tenants from beginning in the same second.
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=every / _JITTER_SHARE),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
