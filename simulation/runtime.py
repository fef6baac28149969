"""The virtual-clock runtime: the interpreter's outside, answered from a table of mocks."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from activities.contracts import (
    ActionCall,
    ActionResult,
    AskCall,
    AskResult,
    AskUpdate,
    JsonTree,
    LoadedFacts,
    LockCall,
    LockResult,
    PlayCall,
    PlayControl,
    RunRecord,
    RunRef,
    TaskUpdate,
    UndoCall,
    UndoResult,
)
from playbook_dsl.plan import Retry
from simulation.touches import Touches
from workflows.interpreter.runtime import ActionFailed

T = TypeVar("T")

PERMANENT = frozenset({"Rejected", "NotAuthorized", "Nobody"})


@dataclass(frozen=True)
class Failure:
    """A mocked attempt that fails, as a connector would."""

    code: str
    message: str = "mocked"


Reply = ActionResult | Failure
Replies = Callable[[ActionCall, int], Reply]
"""Gives the reply to a call's attempt number (0 is the first)."""


@dataclass
class Happening:
    """One thing the play did to the outside, in order. `what`: perform, undo, ask, remind, close, tell, reassign, play."""

    at: datetime
    what: str
    key: str
    action: str = ""
    inputs: dict[str, JsonTree] = field(default_factory=dict)
    status: str = "done"


@dataclass
class World:
    """What a virtual play meets: its account's facts and the replies to its calls.

    `undo_replies` maps a step key to what its undo answers (default: undone). `sub_plays` maps a slug to the
    outcome of a play of it; `running` is one that does not end by itself.
    """

    loaded: LoadedFacts
    replies: Replies
    undo_replies: Mapping[str, UndoResult | Failure] = field(default_factory=dict)
    sub_plays: Mapping[str, str] = field(default_factory=dict)
    sub_play_ended: Callable[[str, str], None] | None = None
    happenings: list[Happening] = field(default_factory=list)
    records: list[RunRecord] = field(default_factory=list)
    keep_records: bool = False
    touches: Touches = field(default_factory=Touches)


class VirtualRuntime:
    """Implements `workflows.interpreter.runtime.Runtime` on a `VirtualLoop`."""

    def __init__(self, world: World, started_at: datetime, history_limit: int | None = None) -> None:
        """Start the play's clock at `started_at` (aware UTC) now; after `history_limit` waits and attempts the history is long."""
        self._history_limit = history_limit
        self._history = 0
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._origin = started_at - timedelta(seconds=self._loop.time())
        self._now = (self._loop.time(), started_at)

    def now(self) -> datetime:
        """Give the virtual time."""
        seconds = self._loop.time()
        if seconds != self._now[0]:
            self._now = (seconds, self._origin + timedelta(seconds=seconds))
        return self._now[1]

    def spawn(self, work: Coroutine[object, object, T], name: str) -> "asyncio.Task[T]":
        """Start a task."""
        return self._loop.create_task(work, name=name)

    async def sleep_until(self, at: datetime, summary: str) -> None:
        """Sleep; costs nothing. Floating-point seconds may wake a little early, so it looks again."""
        while (left := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110  # time is all it waits for
            await asyncio.sleep(max(left, 1e-6))
        self._history += 1

    def _note(self, what: str, key: str, action: str = "", inputs: dict[str, JsonTree] | None = None, status: str = "done") -> None:
        self._world.happenings.append(Happening(self.now(), what, key, action, inputs or {}, status))

    async def perform(self, call: ActionCall, retry: Retry, timeout_s: float, summary: str) -> ActionResult:
        """Ask the table of replies, attempt by attempt, with the waits that the retry policy says."""
        attempt, delay = 0, retry.first_s
        while True:
            await asyncio.sleep(0)
            self._world.touches.ask(call, self.now())
            reply = self._world.replies(call, attempt)
            if isinstance(reply, ActionResult):
                self._history += 1
                self._world.touches.note(call, reply, self.now())
                self._note("perform", call.key, call.action, call.inputs, reply.status)
                return reply
            attempt += 1
            last = retry.attempts and attempt >= retry.attempts
            if last or reply.code in PERMANENT or reply.code in retry.not_on:
                self._history += 1
                raise ActionFailed(reply.code, reply.message)
            await asyncio.sleep(delay)
            delay = min(delay * retry.factor, retry.at_most_s)

    async def undo(self, call: UndoCall, summary: str) -> UndoResult:
        """Take an effect back, as the table says."""
        await asyncio.sleep(0)
        reply = self._world.undo_replies.get(call.key, UndoResult(status="undone"))
        if isinstance(reply, Failure):
            raise ActionFailed(reply.code, reply.message)
        if reply.status == "conflict" and call.force:
            reply = UndoResult(status="undone")
        self._note("undo", call.key, call.action, status=reply.status)
        return reply

    async def load_facts(self, run: RunRef) -> LoadedFacts:
        """Give the world's facts."""
        return self._world.loaded

    async def ask(self, call: AskCall, summary: str) -> AskResult:
        """Note the question; everybody named is asked, or the first of them."""
        self._note("ask", call.key, call.kind, {"by": list(call.by), "title": call.title})
        asked = call.by if call.ask_each else call.by[:1]
        return AskResult(asked=asked, items=tuple(f"{call.key}/{call.round}/{who}" for who in asked))

    async def update_ask(self, call: AskUpdate) -> None:
        """Note reminders."""
        if call.do == "remind":
            self._note("remind", call.key)

    async def update_task(self, call: TaskUpdate) -> None:
        """Note what happens to an overdue task."""
        self._note(call.do, call.key, call.task, {"to": list(call.to)})

    async def lock(self, call: LockCall) -> LockResult:
        """Grant every lock: a virtual play is alone with its account."""
        return LockResult(granted=True)

    async def start_play(self, call: PlayCall, summary: str) -> str:
        """Note the sub-play; it ends at once as the table says."""
        self._note("play", call.key, call.playbook, call.inputs)
        self._end_play(call.key, self._world.sub_plays.get(call.playbook, "completed"))
        return f"{call.parent}/{call.key}"

    async def control_play(self, call: PlayControl) -> None:
        """Undo or cancel a sub-play; it ends at once."""
        self._note(call.do, call.key, "play")
        self._end_play(call.key, "undone" if call.do == "undo" else "cancelled")

    def _end_play(self, key: str, outcome: str) -> None:
        told = self._world.sub_play_ended
        if told is not None and outcome != "running":
            self._loop.call_soon(told, key, outcome)

    async def record(self, record: RunRecord) -> None:
        """Keep the record when somebody wants to see it."""
        if self._world.keep_records:
            self._world.records.append(record)

    def show(self, details: Callable[[], str]) -> None:
        """Show nothing: nobody reads a virtual play's details."""

    def history_is_long(self) -> bool:
        """Say whether the play has reached the limit it was given."""
        return self._history_limit is not None and self._history >= self._history_limit

    def renew_history(self) -> None:
        """Begin a fresh history."""
        self._history = 0
