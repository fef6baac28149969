"""What crosses the border between a play and the outside: calls, results and their errors.

Values inside (`inputs`, `output`, `facts`) are in the JSON form of `playbook_dsl.values`. This module imports no SDK, so that the
interpreter may know it.
"""

from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from playbook_dsl.plan import Message, Plan

JsonTree: TypeAlias = Any
"""JSON of any shape; a value in the JSON form of `playbook_dsl.values`."""

# The names under which the product's own services are registered; every action of the catalog is registered under its own name.
UNDO = "undo"
LOAD_FACTS = "play.facts"
RECORD = "play.record"
ASK = "play.ask"
UPDATE_ASK = "play.update_ask"
UPDATE_TASK = "play.update_task"
LOCK = "play.lock"
PREPARE_PLAY = "play.prepare"
CONTROL_PLAY = "play.control"

SYNC_BEGIN = "sync.begin"
SYNC_BATCH = "sync.batch"
SYNC_END = "sync.end"

LAUNCH_GATHER = "launch.gather"
LAUNCH_ENTER = "launch.enter"
LAUNCH_END = "launch.end"

DATABASE_AWAY = "DatabaseAway"
"""The error type of a call that our own database kept from being made. It is no failure of the step: the play waits and calls again."""

THROTTLED = "Throttled"
"""The error type of a call that must wait for its turn at a vendor; the first detail is when that is. No failure of the step either."""

OVER_BUDGET = "OverBudget"
"""The error type of a message to somebody who was written to often enough; the details are when to ask again, and why in a sentence."""


INTERPRETER = 2
"""The version by which plays that begin now are walked. A play under way keeps its own, so that its history is walked as it was written.

2: a play that is cancelled while it waits for a lock leaves the queue at once.
"""


class Contract(BaseModel):
    """Frozen data; unknown keys are ignored, so that an older worker reads a newer caller."""

    model_config = ConfigDict(frozen=True)


class RunRef(Contract):
    """Which play this is. `chain` is shared by a run, its retries and its undo, and is what effects are identified by."""

    tenant: str
    run_id: str
    chain: str
    playbook: str
    version: int
    account: str
    launch: str | None = None


class Sending(Contract):
    """How a message to people at a customer is held back, when they were written to often enough.

    `budget` is the playbook's own (`enroll.budget`); for a channel it does not name the tenant's default holds. The urgent goes first, then
    the higher `priority`. `waited`: it was held back before.
    """

    channel: str
    budget: dict[str, JsonTree] = {}
    priority: int = 0
    urgent: bool = False
    waited: bool = False


class ActionCall(Contract):
    """One effect or read to perform. `generation` grows when a step is done anew after its effect was undone.

    `message` is the pinned template of a sending step and `context` the values its body reads. `booked` is the turn at the vendor that an
    earlier attempt got. With `grow_by_s` each pause between attempts is that many seconds longer than the one before. A message without
    `sending` is counted, but never held back.
    """

    run: RunRef
    key: str
    title: str
    action: str
    inputs: dict[str, JsonTree] = {}
    effect: Literal["read", "reversible", "compensable", "irreversible"] = "read"
    generation: int = 0
    message: Message | None = None
    context: dict[str, JsonTree] = {}
    if_nobody: Literal["hold", "skip"] = "hold"
    booked: datetime | None = None
    grow_by_s: float | None = None
    sending: Sending | None = None


class ActionResult(Contract):
    """What came of a call. `live` is the id of the object whose later changes update the output (`task:…`, `cta:…`, `mail:…`).

    `status`: "done"; "unknown" (it may have happened; nobody can tell); "skipped" (nothing was to be done, for example nobody to send to).
    """

    output: dict[str, JsonTree] = {}
    status: Literal["done", "unknown", "skipped"] = "done"
    live: str | None = None
    note: str | None = None


class UndoCall(Contract):
    """Take back the effect of one step. With `force` a change made by a person since is overwritten."""

    run: RunRef
    key: str
    title: str
    action: str
    generation: int = 0
    force: bool = False
    booked: datetime | None = None


class UndoResult(Contract):
    """`nothing`: the effect never happened or is gone already. `conflict`: somebody changed it since; it was left alone."""

    status: Literal["undone", "nothing", "conflict"]
    detail: str | None = None


class FactsCall(Contract):
    """Read the account's facts as they are now."""

    run: RunRef


class LoadedFacts(Contract):
    """Facts by root name (`account`, `contact`, `health`, …). `plays` are the slugs of active plays of the account.

    `calendar` is the JSON form of `playbook_dsl.timing.calendar.BusinessCalendar`.
    """

    facts: dict[str, JsonTree]
    calendar: dict[str, JsonTree] | None = None
    plays: tuple[str, ...] = ()
    open_tasks: int = 0


class TriggerInfo(Contract):
    """What started the play: by hand (`manual`), `api`, `event`, `schedule`, `play`, `retry`; `event` are the event's fields."""

    kind: str = "manual"
    id: str | None = None
    by: str | None = None
    event: dict[str, JsonTree] | None = None


class RunInput(Contract):
    """Everything a play needs; it depends on nothing else.

    `state` is the saved state of an earlier walk (continue-as-new, retry from a step, undo of a finished play). With `retry_from` (a
    step's id) the steps before it keep what they did, and the play goes on from there. `mode` "undo" walks nothing and only takes
    back what the state says was done. `parent` is the play to tell when this one ends.
    """

    run: RunRef
    plan: Plan
    inputs: dict[str, JsonTree] = {}
    trigger: TriggerInfo = TriggerInfo()
    loaded: LoadedFacts
    owner: str | None = None
    parent: str | None = None
    parent_key: str | None = None
    mode: Literal["run", "undo"] = "run"
    force: bool = False
    state: dict[str, JsonTree] | None = None
    retry_from: str | None = None
    interpreter: int = 1


class RunResult(Contract):
    """How a play ended. `outcome`: goal, exit:<name>, completed, cancelled, failed, undone, undo_incomplete, or a `stop`'s own word."""

    outcome: str
    error: dict[str, JsonTree] | None = None
    state: dict[str, JsonTree] = {}


class StepRecord(Contract):
    """One step as the pages and lists show it.

    `status`: waiting, running, done, skipped, failed, held, cancelled, undone, conflict, undo_failed.
    """

    key: str
    title: str
    kind: str
    status: str
    detail: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output: dict[str, JsonTree] | None = None
    error: dict[str, JsonTree] | None = None


class RunRecord(Contract):
    """The state of a play, for the tables the lists read. `steps` are those that changed since the last record.

    `state` is running, waiting, held, paused, undoing or closed; `outcome` is set when closed, and `saved` is then the state a
    retry or an undo starts from.
    """

    run: RunRef
    state: Literal["running", "waiting", "held", "paused", "undoing", "closed"]
    at: datetime
    sequence: int
    progress: str = ""
    outcome: str | None = None
    error: dict[str, JsonTree] | None = None
    steps: tuple[StepRecord, ...] = ()
    saved: dict[str, JsonTree] | None = None


class AskCall(Contract):
    """Put a question, an approval, a review or a hold into somebody's inbox.

    With `ask_each` everyone named gets one, else the first that resolves.
    `kind` is approval, form, review, hold or notice (nothing to answer).
    `why` says in a sentence why the item is there.
    """

    run: RunRef
    key: str
    generation: int = 0
    round: int = 0
    kind: Literal["approval", "form", "review", "hold", "notice"]
    title: str
    why: str
    by: tuple[str, ...]
    ask_each: bool = False
    form: tuple[dict[str, JsonTree], ...] = ()
    context: dict[str, JsonTree] = {}
    due_at: datetime | None = None


class AskResult(Contract):
    """Who was asked: the ids of the people (or role names), and the inbox items made."""

    asked: tuple[str, ...]
    items: tuple[str, ...]


class AskUpdate(Contract):
    """A reminder for, or the closing of, the inbox items of a step (`reason` says why they are gone)."""

    run: RunRef
    key: str
    generation: int = 0
    do: Literal["remind", "close"]
    reason: str = ""


class TaskUpdate(Contract):
    """An overdue task: tell somebody, or give it to somebody else. `task` is the task's id."""

    run: RunRef
    key: str
    task: str
    do: Literal["tell", "reassign"]
    to: tuple[str, ...]
    round: int = 0


class LockCall(Contract):
    """Take or give back a named lock of the account. A taken lock queues the caller, who is told `lock_granted` later."""

    run: RunRef
    key: str
    name: str
    do: Literal["acquire", "release"]
    priority: int = 0


class LockResult(Contract):
    """Whether the lock is held by this run now."""

    granted: bool


class PlayCall(Contract):
    """Prepare a sub-play: find the published version of `playbook`, make its run row, and load the account's facts."""

    run: RunRef
    key: str
    generation: int = 0
    playbook: str
    inputs: dict[str, JsonTree] = {}
    parent: str


class PlayStarted(Contract):
    """The sub-play to start: its workflow id and input."""

    workflow_id: str
    input: RunInput


class PlayControl(Contract):
    """Cancel or undo a sub-play that this play started. It tells `parent`, the workflow this play is by now, how it ended."""

    run: RunRef
    key: str
    workflow_id: str
    do: Literal["cancel", "undo"]
    force: bool = False
    parent: str | None = None


class SyncInput(Contract):
    """One sync of a tenant's vendor. `report` and `left` are set when it goes on in a fresh history: its report, and the kinds to do."""

    tenant: str
    vendor: str
    by: str | None = None
    from_start: bool = False
    report: str | None = None
    left: tuple[str, ...] = ()


class SyncBegin(Contract):
    """Begin the report of a sync. `from_start` forgets how far it was."""

    tenant: str
    vendor: str
    report: str
    by: str | None = None
    from_start: bool = False


class SyncKinds(Contract):
    """The kinds of records to bring, in this order."""

    kinds: tuple[str, ...]


class SyncBatch(Contract):
    """Bring some pages of a kind. `booked` is the turn at the vendor that an earlier attempt got."""

    tenant: str
    vendor: str
    report: str
    kind: str
    anew: bool = False
    booked: datetime | None = None


class SyncProgress(Contract):
    """What a batch came to. `wait`: when the vendor may be asked again."""

    records: int
    more: bool
    wait: datetime | None = None


class SyncEnd(Contract):
    """Close the report of a sync; with `error` it has failed."""

    tenant: str
    vendor: str
    report: str
    error: str | None = None


class LaunchInput(Contract):
    """The working off of a launch: a sweep (`launch` is then made of the workflow's id), or one whose accounts are written down already.

    `scheduled` is set for the sweep of a schedule, `expected` and `left` when it goes on in a fresh history. `dry` writes down what would
    become of the accounts, and changes nothing else.
    """

    tenant: str
    playbook: str
    kind: Literal["sweep", "bulk", "publish", "event"] = "sweep"
    launch: str | None = None
    trigger_id: str | None = None
    by: str | None = None
    dry: bool = False
    expected: int | None = None
    left: tuple[tuple[int, int], ...] = ()


class LaunchGather(Contract):
    """Make the launch, if there is none yet, and write down the accounts of its audience."""

    launch: str
    input: LaunchInput


class LaunchParts(Contract):
    """How many accounts there are, and the ranges of rows to be worked off side by side."""

    expected: int
    parts: tuple[tuple[int, int], ...] = ()


class LaunchEnter(Contract):
    """Look at accounts of a part for a while."""

    launch: str
    input: LaunchInput
    part: tuple[int, int]


class LaunchProgress(Contract):
    """What a while came to. `paused`: somebody paused the launch; look again later. `accounts` were looked at by all parts so far."""

    accounts: int = 0
    started: int = 0
    more: bool = False
    paused: bool = False


class LaunchEnd(Contract):
    """Close the launch; with `error` it has failed."""

    launch: str
    input: LaunchInput
    error: str | None = None
