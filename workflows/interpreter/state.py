"""The state of a play: plain data, saved whole when the play goes on in a fresh history, is retried, or is undone after its end."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from activities.contracts import JsonTree, StepRecord

MAX_TRACE = 2_000


@dataclass(slots=True)
class Outcome:
    """What became of a step: done, skipped or failed. A walk that meets it goes on without doing the step again.

    `then` is set on a failure that goes on: "raise" (a block around it may catch), or "stop" (the play ends without undo).
    """

    status: Literal["done", "skipped", "failed"]
    output: dict[str, JsonTree] = field(default_factory=dict)
    error: dict[str, JsonTree] | None = None
    at: datetime | None = None
    live: str | None = None
    then: Literal["raise", "stop"] | None = None


@dataclass(slots=True)
class OpenWait:
    """A wait under way: when it was opened and, where it is fixed, when it ends (before any shift by pauses)."""

    opened_at: datetime
    until: datetime | None = None
    shifts: bool = True


@dataclass(slots=True)
class Asked:
    """A question under way: who was asked, what came back (`by` → answers), how far reminders and escalations went."""

    asked: list[str] = field(default_factory=list)
    answers: list[dict[str, JsonTree]] = field(default_factory=list)
    rounds: int = 0
    approval: bool = False
    open: bool = True
    form: list[dict[str, JsonTree]] = field(default_factory=list)
    need: int | None = None

    @property
    def enough(self) -> bool:
        """Say whether the answers decide: enough of them, or, of approvals, one "no" (which no later "yes" can mend)."""
        if self.approval and any(answer.get("approved") is False for answer in self.answers):
            return True
        need = self.need or len(self.asked)
        return len({str(answer.get("$by")) for answer in self.answers}) >= max(1, need)


@dataclass(slots=True)
class Held:
    """A step that failed and waits for a person; `decision` is what the person said."""

    code: str
    message: str
    since: datetime
    decision: Literal["retry", "skip", "undo"] | None = None


@dataclass(slots=True)
class UndoEntry:
    """One thing to take back. Pushed before the attempt; `seq` is its place in the order of completion.

    `how`: "contract", "action" (the author's own step), "play" (a sub-play), "none" (cannot or need not be taken back).
    `path` names the blocks around the step, so that a block can be undone by itself.
    """

    key: str
    title: str
    action: str
    how: Literal["contract", "action", "play", "none"]
    seq: int
    path: list[str]
    generation: int = 0
    at_end: bool = False
    because: str | None = None
    inputs: dict[str, JsonTree] = field(default_factory=dict)
    names: dict[str, JsonTree] = field(default_factory=dict)
    prefix: str = ""
    status: Literal["open", "undone", "nothing", "conflict", "failed", "kept"] = "open"
    detail: str | None = None


@dataclass(slots=True)
class Arrived:
    """An event that reached the play."""

    id: str
    name: str
    at: datetime
    fields: dict[str, JsonTree] = field(default_factory=dict)


@dataclass(slots=True)
class SubPlay:
    """A sub-play this play started; `outcome` is set when it has ended. `waited` says that this play waits for that."""

    workflow_id: str
    outcome: str | None = None
    waited: bool = False


@dataclass(slots=True)
class Ending:
    """Why and how the play ends. `undo`: "all", "none" or "steps" (then `steps`). `exit` is the index of the exit whose own steps run."""

    outcome: str
    undo: Literal["all", "none", "steps"] = "none"
    steps: list[str] = field(default_factory=list)
    exit: int | None = None
    error: dict[str, JsonTree] | None = None
    force: bool = False
    phase: int = 0


@dataclass(slots=True)
class Pause:
    """One time the play was held by a person; `ended_at` None while it lasts."""

    started_at: datetime
    ended_at: datetime | None = None


@dataclass(slots=True)
class StepView:
    """A step as people see it; the fields are those of `StepRecord`, but cheap to change, which happens several times for each step."""

    key: str
    title: str
    kind: str
    status: str
    detail: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output: dict[str, JsonTree] | None = None
    error: dict[str, JsonTree] | None = None

    def record(self) -> StepRecord:
        """Give the form in which it leaves the play. Not validated: the values are our own."""
        return StepRecord.model_construct(
            key=self.key,
            title=self.title,
            kind=self.kind,
            status=self.status,
            detail=self.detail,
            started_at=self.started_at,
            ended_at=self.ended_at,
            output=self.output,
            error=self.error,
        )


@dataclass(slots=True)
class RunState:
    """Everything a walk knows. Keys are step keys such as `call` or `loop[3].mail`.

    `memo` is what a block under way has decided (its case, its items, its variant); `objects` the latest fields of live outputs;
    `asked_before` how many rounds of a question an earlier walk used up, before a retry went back behind it.
    """

    started_at: datetime
    facts: dict[str, JsonTree] = field(default_factory=dict)
    at_start: dict[str, JsonTree] = field(default_factory=dict)
    calendar: dict[str, JsonTree] | None = None
    plays_active: list[str] = field(default_factory=list)
    open_tasks: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    vars: dict[str, JsonTree] = field(default_factory=dict)
    waits: dict[str, OpenWait] = field(default_factory=dict)
    asks: dict[str, Asked] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    held_times: dict[str, int] = field(default_factory=dict)
    memo: dict[str, dict[str, JsonTree]] = field(default_factory=dict)
    objects: dict[str, dict[str, JsonTree]] = field(default_factory=dict)
    plays: dict[str, SubPlay] = field(default_factory=dict)
    locks: dict[str, str] = field(default_factory=dict)
    events: list[Arrived] = field(default_factory=list)
    undo: list[UndoEntry] = field(default_factory=list)
    edits: dict[str, dict[str, JsonTree]] = field(default_factory=dict)
    skips: list[str] = field(default_factory=list)
    asked_before: dict[str, int] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    pauses: list[Pause] = field(default_factory=list)
    handled: dict[str, dict[str, JsonTree]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    ending: Ending | None = None
    deadline_told: bool = False
    seq: int = 0
    records: int = 0
    trace: list[str] = field(default_factory=list)
    steps: dict[str, StepView] = field(default_factory=dict)

    def next_seq(self) -> int:
        """Give the next number of the order of completion."""
        self.seq += 1
        return self.seq

    @property
    def paused(self) -> bool:
        """Say whether a person holds the play."""
        return bool(self.pauses) and self.pauses[-1].ended_at is None

    def trace_line(self, line: str) -> None:
        """Note what happened, without times: two runtimes with the same answers must note the same."""
        if len(self.trace) < MAX_TRACE:
            self.trace.append(line)


_ADAPTER: TypeAdapter[RunState] = TypeAdapter(RunState)


def dump_state(state: RunState) -> dict[str, Any]:
    """Give the state as JSON, without what is empty."""
    dumped: dict[str, Any] = _ADAPTER.dump_python(state, mode="json", exclude_defaults=True)
    return dumped


def load_state(saved: dict[str, Any]) -> RunState:
    """Give the state behind its JSON."""
    return _ADAPTER.validate_python(saved)
