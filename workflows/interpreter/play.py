"""What all parts of the interpreter share: one play under way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from activities.contracts import JsonTree, RunInput, RunRecord
from playbook_dsl.plan import Exit, Node, walk
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add
from playbook_dsl.timing.zones import choose_zone
from playbook_dsl.values import Value, from_json
from workflows.interpreter.board import Board
from workflows.interpreter.names import Frame, Names
from workflows.interpreter.progress import Progress
from workflows.interpreter.runtime import Runtime
from workflows.interpreter.saved import retry_from
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import Ending, RunState, SubPlay, dump_state, load_state
from workflows.interpreter.undo import UndoStack
from workflows.interpreter.waiting import Waiting

T = TypeVar("T")


@dataclass(eq=False)
class Watch:
    """Exits that hold while a part of the play is under way; `hit` is told which one came true."""

    exits: tuple[Exit, ...]
    frame: Frame
    since: datetime
    hit: Callable[[int, Exit], None]


class Play:
    """One play: its plan, its state, and the world around it."""

    def __init__(self, run_input: RunInput, runtime: Runtime) -> None:
        """Start a play, or take one up again from its saved state."""
        self.input = run_input
        self.plan = run_input.plan
        self.run = run_input.run
        self.runtime = runtime
        self.state = _state_of(run_input, runtime.now())
        self.board = Board()
        self.names = Names(run_input, self.state, runtime.now)
        self.progress = Progress(runtime, self.state, _record(run_input, runtime.now()), f"{self.plan.title} · {self.run.account}")
        self.waiting = Waiting(runtime, self.state, self.board, self._record_wait)
        self.scope = Scope()
        self.root = Frame()
        self.undo = UndoStack(self.state)
        self.watches: list[Watch] = []
        self.draining = False
        self._live: dict[str, list[dict[str, Value]]] = {}
        self._restore()

    def _restore(self) -> None:
        """Give the root frame the results of an earlier walk."""
        for key, outcome in self.state.outcomes.items():
            if "." not in key and outcome.status == "done":
                self.keep_result(self.root, key, outcome.output, outcome.live)

    async def _record_wait(self) -> None:
        await self.progress.flush(self.state_word())

    def keep_result(self, frame: Frame, step_id: str, output: dict[str, JsonTree], live: str | None) -> None:
        """Make a step's output readable as `steps.<id>`; a live one follows its object."""
        result: dict[str, Value] = {name: from_json(tree) for name, tree in output.items()}
        frame.steps[step_id] = result
        if live is not None:
            result.update({name: from_json(tree) for name, tree in self.state.objects.get(live, {}).items()})
            self._live.setdefault(live, []).append(result)

    def object_changed(self, live: str, fields: dict[str, JsonTree]) -> None:
        """Take over new fields of a live output (a task was completed, a mail was opened)."""
        self.state.objects.setdefault(live, {}).update(fields)
        for result in self._live.get(live, []):
            result.update({name: from_json(tree) for name, tree in fields.items()})

    def changed(self) -> None:
        """Something changed: look at the exits, outermost first, then wake what waits."""
        for watch in list(self.watches):
            found = self._first_exit(watch)
            if found is not None:
                self.watches.remove(watch)
                watch.hit(found, watch.exits[found])
                if watch.frame is self.root:
                    break
        self.board.notify()

    def _first_exit(self, watch: Watch) -> int | None:
        for index, leave in enumerate(watch.exits):
            if leave.event is not None:
                if self._event_arrived(leave, watch):
                    return index
            elif leave.when is not None and self.names.holds(leave.when, watch.frame):
                return index
        return None

    def _event_arrived(self, leave: Exit, watch: Watch) -> bool:
        for event in self.state.events:
            if event.name == leave.event and event.at >= watch.since:
                arrived: dict[str, Value] = {"arrived": from_json(event.fields)}
                if leave.when is None or self.names.holds(leave.when, watch.frame.with_names(arrived)):
                    return True
        return False

    async def refresh_facts(self) -> None:
        """Load the facts again: after whatever waited, the world may be another."""
        loaded = await self.runtime.load_facts(self.run)
        self.take_facts(loaded.facts, loaded.calendar, loaded.plays, loaded.open_tasks)

    def take_facts(self, facts: dict[str, JsonTree], calendar: dict[str, JsonTree] | None, plays: tuple[str, ...], open_tasks: int) -> None:
        """Use these facts from now on."""
        state = self.state
        unchanged = (state.facts, state.plays_active, state.open_tasks) == (facts, list(plays), open_tasks)
        if unchanged and (calendar is None or calendar == state.calendar):
            return
        state.facts, state.plays_active, state.open_tasks = facts, list(plays), open_tasks
        state.calendar = calendar or state.calendar
        self.names.refresh()
        self.changed()

    async def settle(self, work: Awaitable[T], name: str) -> T:
        """Await an attempt to its end even when the scope around it is left meanwhile (an effect under way must be accounted for).

        The caller looks at its scope afterwards. Raises CancelledError only when the attempt itself was broken off between tries.
        """
        task = self.runtime.spawn(_as_coroutine(work), name)
        while True:
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                if task.done():
                    return task.result()
                task.cancel()

    def add(self, at: datetime, duration: str, frame: Frame) -> datetime:
        """Give the moment a duration expression after `at`, in the play's calendar."""
        return add(at, self.names.duration(duration, frame), self.names.calendar)

    def calendar_for(self, to: Node, frame: Frame) -> BusinessCalendar:
        """Give the calendar by which a message to `to` is on time: in the zone of the first of `time.zone` that is known."""
        zones: dict[str, Value] = {"account": self.names.fact("account", "zone"), "contact": self.names.fact("contact", "zone")}
        recipient = self.names.node(to, frame) if isinstance(to, dict) else None
        if isinstance(recipient, dict) and recipient.get("zone"):
            zones["contact"] = recipient["zone"]
        candidates = [zones.get(name, None if name == "team" else name) for name in self.plan.time.zone]
        zone = choose_zone([str(found) if found else None for found in (*candidates, self.names.calendar.zone)])
        return replace(self.names.calendar, zone=zone)

    def end(self, ending: Ending) -> None:
        """End the play: nothing more is started, waits are broken off, an attempt under way comes to its end."""
        if self.state.ending is None:
            self.state.ending = ending
            self.scope.leave()
            self.board.notify()

    def sub_play_ended(self, key: str, outcome: str) -> None:
        """Note how a sub-play ended."""
        sub = self.state.plays.setdefault(key, SubPlay(""))
        sub.outcome = outcome

    def state_word(self) -> str:
        """Give the play's state in one word: running, waiting, held, paused or undoing."""
        state = self.state
        if state.ending is not None:
            return "undoing"
        if state.paused:
            return "paused"
        if state.holds:
            return "held"
        return "waiting" if any(step.status == "waiting" for step in state.steps.values()) else "running"

    @cached_property
    def step_ids(self) -> set[str]:
        """Give the ids of all steps of the plan."""
        blocks = (self.plan.steps, self.plan.finally_, *(leave.steps for leave in self.plan.exits))
        return {step.id for block in blocks for step in walk(block)}

    def saved(self) -> dict[str, JsonTree]:
        """Give the state as JSON."""
        return dump_state(self.state)


async def _as_coroutine(work: Awaitable[T]) -> T:
    return await work


def _state_of(run_input: RunInput, now: datetime) -> RunState:
    if run_input.state is None:
        return _fresh(run_input, now)
    if run_input.retry_from is None:
        return load_state(run_input.state)
    return load_state(retry_from(run_input.plan, run_input.state, run_input.retry_from))


def _fresh(run_input: RunInput, now: datetime) -> RunState:
    loaded = run_input.loaded
    return RunState(
        started_at=now,
        facts=loaded.facts,
        at_start=loaded.facts,
        calendar=loaded.calendar,
        plays_active=list(loaded.plays),
        open_tasks=loaded.open_tasks,
    )


def _record(run_input: RunInput, now: datetime) -> RunRecord:
    return RunRecord(run=run_input.run, state="running", at=now, sequence=0)
