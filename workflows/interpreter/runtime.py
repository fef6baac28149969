"""What the interpreter needs of the world; two clocks implement it (Temporal, and the virtual one of `simulation`)."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Protocol, TypeVar

from activities.contracts import (
    ActionCall,
    ActionResult,
    AskCall,
    AskResult,
    AskUpdate,
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

T = TypeVar("T")


class ActionFailed(Exception):
    """An action that failed for good. `code` is stable (`Rejected`, `NotAuthorized`, `Unavailable`, …)."""

    def __init__(self, code: str, message: str) -> None:
        """Keep what `on_error` and `error.*` show."""
        super().__init__(message)
        self.code = code
        self.message = message


class OverBudget(Exception):
    """A message that may not leave yet, because its recipient was written to often enough; nothing was done. `why` is a sentence."""

    def __init__(self, until: datetime, why: str) -> None:
        """Keep when to ask again."""
        super().__init__(why)
        self.until = until
        self.why = why


class Runtime(Protocol):
    """The outside of a play. Every method that touches it raises `ActionFailed` when it fails for good.

    A cancelled `perform` lets an attempt under way come to its end and returns its result; only waiting between attempts is broken off.
    """

    def now(self) -> datetime:
        """Give the play's time, aware UTC."""
        ...

    def spawn(self, work: Coroutine[object, object, T], name: str) -> asyncio.Task[T]:
        """Start a task of the play."""
        ...

    async def sleep_until(self, at: datetime, summary: str) -> None:
        """Return at `at`, or at once when that is past."""
        ...

    async def perform(self, call: ActionCall, retry: Retry, timeout_s: float, summary: str) -> ActionResult:
        """Perform an action, retried as `retry` says.

        Raises:
            OverBudget: it is a message that must wait; it is to be performed again then.
        """
        ...

    async def undo(self, call: UndoCall, summary: str) -> UndoResult:
        """Take an effect back by its contract's inverse, with the product's own retries."""
        ...

    async def load_facts(self, run: RunRef) -> LoadedFacts:
        """Read the facts as they are now."""
        ...

    async def ask(self, call: AskCall, summary: str) -> AskResult:
        """Put items into inboxes."""
        ...

    async def update_ask(self, call: AskUpdate) -> None:
        """Remind of, or close, the inbox items of a step."""
        ...

    async def update_task(self, call: TaskUpdate) -> None:
        """Tell of, or reassign, an overdue task."""
        ...

    async def lock(self, call: LockCall) -> LockResult:
        """Take or give back a lock."""
        ...

    async def start_play(self, call: PlayCall, summary: str) -> str:
        """Start a sub-play and return its id; its end arrives as news `play_ended`."""
        ...

    async def control_play(self, call: PlayControl) -> None:
        """Cancel or undo a sub-play; its end arrives as news `play_ended`."""
        ...

    async def record(self, record: RunRecord) -> None:
        """Write the play's state where lists read it."""
        ...

    def show(self, details: Callable[[], str]) -> None:
        """Set the play's current details (Markdown); made only where somebody may read them."""
        ...

    def history_is_long(self) -> bool:
        """Say whether the play should go on in a fresh history."""
        ...
