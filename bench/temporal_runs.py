"""Runs of each form on the same servers, in turn: runs a second, CPU of each process, events and bytes of the history."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psutil
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench.plays import five_effects, five_effects_and_logic, make_input, make_ref
from bench.servers import Servers
from playbook_dsl.plan import Plan
from workflows.messages import QUEUE_PLAYS
from workflows.starting import priority, search_attributes, static_summary

AT_ONCE = 40
Starter = Callable[[Client, int], Awaitable[WorkflowHandle[object, object]]]


@dataclass(frozen=True)
class Round:
    """One form, once: runs a second, and CPU milliseconds a run of the worker, Temporal and PostgreSQL."""

    runs_per_s: float
    worker_ms: float
    temporal_ms: float
    postgres_ms: float


@dataclass(frozen=True)
class History:
    """How large the history of a run is. `markers` are the records that local activities leave."""

    events: int
    markers: int
    size_bytes: int


@dataclass(frozen=True)
class Comparison:
    """What was measured of each form, round by round, and the histories."""

    rounds: dict[str, list[Round]]
    histories: dict[str, History]

    def ratio(self, form: str, number: Callable[[Round], float]) -> tuple[float, float, float]:
        """Give the median and the spread of a form's number divided by the hand-written one's of the same round."""
        pairs = zip(self.rounds[form], self.rounds["hand-written"], strict=True)
        ratios = [number(ours) / number(theirs) for ours, theirs in pairs]
        return statistics.median(ratios), min(ratios), max(ratios)

    def median(self, form: str, number: Callable[[Round], float]) -> float:
        """Give the median of a form's number."""
        return statistics.median(number(one) for one in self.rounds[form])


def playing(plan: Plan) -> Starter:
    """Give what starts a play of a plan."""

    async def start(client: Client, number: int) -> WorkflowHandle[object, object]:
        of = make_input(plan, number)
        return await client.start_workflow(
            plan.playbook,
            of,
            id=f"play:{of.run.run_id}",
            task_queue=QUEUE_PLAYS,
            search_attributes=search_attributes(of),
            static_summary=static_summary(of),
            priority=priority(of),
        )

    return start


def by_hand(workflow_type: str) -> Starter:
    """Give what starts a hand-written workflow, findable in the same way."""
    plan = five_effects()

    async def start(client: Client, number: int) -> WorkflowHandle[object, object]:
        of = make_input(plan, number)
        return await client.start_workflow(
            workflow_type,
            make_ref(plan, number),
            id=f"hand:{of.run.run_id}",
            task_queue=QUEUE_PLAYS,
            search_attributes=search_attributes(of),
            static_summary=static_summary(of),
            priority=priority(of),
        )

    return start


FORMS: dict[str, Starter] = {
    "hand-written": by_hand("hand-written"),
    "playbook": playing(five_effects()),
    "hand-written-bare": by_hand("hand-written-bare"),
    "with logic": playing(five_effects_and_logic()),
}
TIMED = ("hand-written", "playbook", "hand-written-bare")


async def compare(servers: Servers, *, rounds: int, runs: int, say: Callable[[str], None]) -> Comparison:
    """Measure the forms in every round, in turning order, after a round that does not count."""
    histories = {name: await _history(servers.client, start) for name, start in FORMS.items()}
    measured: dict[str, list[Round]] = {name: [] for name in TIMED}
    for name in TIMED:
        await _round(servers, FORMS[name], runs=AT_ONCE)
    for number in range(rounds):
        for name in TIMED if number % 2 else reversed(TIMED):
            measured[name].append(await _round(servers, FORMS[name], runs=runs))
            say(f"{name}: {measured[name][-1]}")
    return Comparison(measured, histories)


async def _round(servers: Servers, start: Starter, *, runs: int) -> Round:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with free:
            await (await start(servers.client, number)).result()

    processes = (servers.worker, servers.temporal, servers.postgres)
    before = [_cpu_s(process) for process in processes]
    began = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(runs)))
    took = time.monotonic() - began
    worker, temporal, postgres = ((_cpu_s(process) - was) / runs * 1000 for process, was in zip(processes, before, strict=True))
    return Round(runs / took, worker, temporal, postgres)


def _cpu_s(process: psutil.Process) -> float:
    """Give the CPU seconds of a process and its children, also of those that have ended."""
    times = process.cpu_times()
    living = sum(child.cpu_times().user + child.cpu_times().system for child in process.children())
    return times.user + times.system + times.children_user + times.children_system + living


async def _history(client: Client, start: Starter) -> History:
    handle = await start(client, 1)
    await handle.result()
    events = (await handle.fetch_history()).events
    markers = sum(event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED for event in events)
    return History(len(events), markers, sum(event.ByteSize() for event in events))
