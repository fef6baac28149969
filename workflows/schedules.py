"""Schedules of syncs, sweeps and scoring: one for each vendor, trigger and job, made once and then changed in place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import Contract, LaunchInput, SyncInput
from activities.scoring.contracts import DriftInput, NightInput, TargetName, TrainInput
from playbook_dsl.timing.schedule import Calendar
from playbook_dsl.timing.schedule import Schedule as When
from workflows.messages import (
    QUEUE_PLAYS,
    QUEUE_SCORING,
    SCORING_DRIFT_REPORT,
    SCORING_NIGHT,
    SCORING_TRAINING,
    SWEEP,
    SYNC_TICK,
    drift_workflow_id,
    night_workflow_id,
    sweep_schedule_id,
    sync_workflow_id,
    training_workflow_id,
)

_PAUSED_BY_AUTHOR: Final = "paused in the playbook"
_OVERLAPS: Final = MappingProxyType(
    {"skip": ScheduleOverlapPolicy.SKIP, "queue": ScheduleOverlapPolicy.BUFFER_ONE, "alongside": ScheduleOverlapPolicy.ALLOW_ALL}
)
_JITTER_SHARE: Final = 10
_CATCH_UP: Final = timedelta(minutes=10)
_NIGHTS: Final = "0 2 * * *"
_SUNDAYS: Final = "0 3 * * 0"
_FIRST_OF_MONTH: Final = "0 5 1 * *"
_NIGHT_JITTER: Final = timedelta(minutes=5)
_NIGHT_CATCH_UP: Final = timedelta(hours=12)


@dataclass(frozen=True)
class SweepPlan:
    """A trigger of a playbook that comes by schedule."""

    playbook: str
    trigger_id: str
    when: When


async def keep_schedules(
    client: Client, tenant: str, vendors: Iterable[str], wanted: Mapping[str, int], known: Mapping[str, int] | None
) -> dict[str, int]:
    """Have vendors synced every so many minutes, and no others. `known` is what this gave the last time: what is as then is left alone."""
    for vendor, every_min in wanted.items():
        if known is None or known.get(vendor) != every_min:
            await _keep(client, sync_workflow_id(tenant, vendor), _sync(tenant, vendor, timedelta(minutes=every_min)))
    for vendor in vendors if known is None else known:
        if vendor not in wanted:
            await _delete(client, sync_workflow_id(tenant, vendor))
    return dict(wanted)


async def keep_sweeps(
    client: Client, tenant: str, wanted: Mapping[str, SweepPlan], known: Mapping[str, SweepPlan] | None
) -> dict[str, SweepPlan]:
    """Have playbooks swept as their triggers say, and no others. `known` is what this gave the last time.

    A schedule is changed in place; whoever paused it in Temporal finds it paused. One whose trigger is gone goes too.
    """
    there = set(known) if known is not None else await _sweeps_there(client, tenant)
    for name, plan in wanted.items():
        if known is None or known.get(name) != plan:
            await _keep(client, name, sweep_schedule(tenant, plan))
    for name in there - set(wanted):
        await _delete(client, name)
    return dict(wanted)


async def _sweeps_there(client: Client, tenant: str) -> set[str]:
    prefix = sweep_schedule_id(tenant, "", "")[:-1]
    return {found.id async for found in await client.list_schedules() if found.id.startswith(prefix)}


def sweep_schedule(tenant: str, plan: SweepPlan) -> Schedule:
    """Give the schedule of a trigger, as Temporal wants it."""
    when = plan.when
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP,
            LaunchInput(tenant=tenant, playbook=plan.playbook, trigger_id=plan.trigger_id, by="schedule"),
            id=sweep_schedule_id(tenant, plan.playbook, plan.trigger_id),
            task_queue=QUEUE_PLAYS,
            static_summary=f"sweep of {plan.playbook}",
        ),
        spec=ScheduleSpec(
            cron_expressions=[when.cron] if when.cron else [],
            intervals=[ScheduleIntervalSpec(every=when.every)] if when.every else [],
            calendars=[_calendar(when.calendar)] if when.calendar else [],
            time_zone_name=when.zone,
            jitter=when.jitter or None,
        ),
        policy=SchedulePolicy(overlap=_OVERLAPS[when.overlap], catchup_window=when.catch_up),
        state=ScheduleState(paused=when.paused, note=_PAUSED_BY_AUTHOR if when.paused else None),
    )


async def keep_scoring(client: Client, tenant: str, zone: str, known: str | None) -> str:
    """Have a tenant scored every night, models trained every week and drift reported every month. `known` is what this gave the last time.

    Nights are those of the tenant's time zone. What a night finds done already is done again with the same result.
    """
    if known != zone:
        for name, workflow_type, given, cron in _scoring(tenant):
            await _keep(client, name, _at_night(name, workflow_type, given, cron, zone))
    return zone


def _scoring(tenant: str) -> list[tuple[str, str, Contract, str]]:
    targets: tuple[TargetName, ...] = ("churn", "expansion")
    trained = [
        (training_workflow_id(tenant, target), SCORING_TRAINING, TrainInput(tenant=tenant, target=target, by="schedule"), _SUNDAYS)
        for target in targets
    ]
    drifted = [
        (drift_workflow_id(tenant, target), SCORING_DRIFT_REPORT, DriftInput(tenant=tenant, target=target, by="schedule"), _FIRST_OF_MONTH)
        for target in targets
    ]
    return [(night_workflow_id(tenant), SCORING_NIGHT, NightInput(tenant=tenant, by="schedule"), _NIGHTS), *trained, *drifted]


def _at_night(name: str, workflow_type: str, given: Contract, cron: str, zone: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(workflow_type, given, id=name, task_queue=QUEUE_SCORING),
        spec=ScheduleSpec(cron_expressions=[cron], time_zone_name=zone, jitter=_NIGHT_JITTER),
        # A night that was missed because everything was down is made up for in the morning.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_NIGHT_CATCH_UP),
    )


def _calendar(given: Calendar) -> ScheduleCalendarSpec:
    def ranges(numbers: Iterable[int]) -> list[ScheduleRange]:
        return [ScheduleRange(number) for number in numbers]

    every_day = ScheduleCalendarSpec()
    return ScheduleCalendarSpec(
        minute=ranges([given.minute]),
        hour=ranges([given.hour]),
        day_of_week=ranges(given.weekdays) or every_day.day_of_week,
        day_of_month=ranges(given.days) or every_day.day_of_month,
        month=ranges(given.months) or every_day.month,
    )


async def _keep(client: Client, name: str, schedule: Schedule) -> None:
    try:
        await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError:

        async def changed(now: ScheduleUpdateInput) -> ScheduleUpdate | None:
            before = now.description.schedule
            # Somebody may have paused it in Temporal; that stays. What the author paused, the author resumes.
            if before.state.paused and before.state.note != _PAUSED_BY_AUTHOR:
                schedule.state = before.state
            return ScheduleUpdate(schedule)

        await client.get_schedule_handle(name).update(changed)


async def _delete(client: Client, name: str) -> None:
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


def _sync(tenant: str, vendor: str, every: timedelta) -> Schedule:
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
