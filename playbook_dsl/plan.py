"""The plan: what a playbook compiles to, and the only thing a run needs to know of it.

Frozen, canonical JSON, under 64 KiB. An `Expr` is an expression's source, already checked; a `Node` is a JSON tree whose leaves may be
`{"$expr": source}` (evaluated, keeps its type), `{"$text": [part, {"$expr": source}, …]}` (joined to text) or a marked value of
`playbook_dsl.values`. Durations are expressions (`3 business days`).
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from playbook_dsl.enrollment import Enroll
from playbook_dsl.plan_part import Expr as Expr
from playbook_dsl.plan_part import Node as Node
from playbook_dsl.plan_part import PlanPart

PLAN_VERSION: Final = 1
MAX_PLAN_BYTES = 64 * 1024


class Retry(PlanPart):
    """How often and how fast an attempt is repeated; `attempts` counts the first one, 0 means without end. Seconds.

    `growth`: each pause is `factor` times the one before, or (`linear`) `first_s` longer. Only contracts of actions say `linear`.
    """

    attempts: int = 5
    first_s: float = 2.0
    factor: float = 2.0
    at_most_s: float = 300.0
    not_on: tuple[str, ...] = ()
    growth: Literal["exponential", "linear"] = "exponential"


class Catch(PlanPart):
    """`on_error: {catch: […]}`; with `undo` the failed block is undone first."""

    steps: "tuple[Step, ...]"
    undo: bool = False


class Hold(PlanPart):
    """`on_error: hold`: a person decides; after `hold_for` what `then` says happens."""

    hold_for: Expr | None = None
    then: Literal["undo", "stop", "continue"] = "undo"


class OnError(PlanPart):
    """What a failed step leads to. `do` names the form; `catch` and `hold` carry the details of those forms."""

    do: Literal["undo", "continue", "hold", "stop", "catch"] = "undo"
    catch: Catch | None = None
    hold: Hold | None = None


class Undo(PlanPart):
    """How a step's effect is taken back.

    `by`: "contract" (the inverse the action names), "action" (the author's replacement), "none" (nothing; `because` says why).
    `at_end`: the effect is only lent and is given back when the play ends, whatever the reason.
    """

    by: Literal["contract", "action", "none"] = "contract"
    at_end: bool = False
    action: str | None = None
    inputs: dict[str, Node] = {}
    because: str | None = None


class StepPart(PlanPart):
    """What every step has. `line` is where its author finds it."""

    id: str
    title: str | None = None
    when: Expr | None = None
    on_error: OnError | None = None
    note: str | None = None
    line: int = 0


class Review(PlanPart):
    """A person looks at a message before it leaves. `by` is an owner spec."""

    by: tuple[str, ...]
    may_edit: tuple[str, ...] = ()
    up_to: Expr | None = None
    on_timeout: Literal["send", "skip"] = "skip"


class Overdue(PlanPart):
    """What happens when a task is `after` past its due date: tell somebody, or give it to somebody else (owner specs)."""

    after: Expr
    tell: tuple[str, ...] = ()
    reassign: tuple[str, ...] = ()


class ActionStep(StepPart):
    """A call of a connector, a score or a built-in service.

    `effect`, `sends`, `attempts` and `timeout_s` are copied from the action's contract (or the step's own keys), so that a running
    play does not change with the contract. `message` is the pinned template; `context` the names its body reads.
    """

    kind: Literal["action"]
    action: str
    inputs: dict[str, Node] = {}
    effect: Literal["read", "reversible", "compensable", "irreversible"] = "read"
    undo: Undo = Undo()
    retry: Retry | None = None
    timeout_s: float = 30.0
    sends: str | None = None
    urgent: str | None = None
    review: Review | None = None
    message: "Message | None" = None
    if_nobody: Literal["hold", "skip"] = "hold"
    wait: bool = False
    overdue: tuple[Overdue, ...] = ()
    live: bool = False


class Message(PlanPart):
    """A message template as it stood when the playbook was compiled; `reads` are the root names its Jinja2 source uses."""

    name: str
    channel: str
    subject: str
    body: str
    reads: tuple[str, ...] = ()


class WaitStep(StepPart):
    """A fixed wait: for a duration, until a date or datetime expression, or until words such as `next monday`.

    `at` ("HH:MM") and `land_on_business_day` move the end forward; a date that is a fact is followed when it moves, unless `fixed`.
    """

    kind: Literal["wait"]
    for_: Expr | None = Field(default=None, alias="for")
    until: Expr | None = None
    until_words: str | None = None
    at: str | None = None
    land_on_business_day: bool = False
    fixed: bool = False
    while_paused: Literal["shift", "keep_date"] = "shift"


class Alternative(PlanPart):
    """One named thing a `wait_until` waits for: an event (with a condition over `arrived`) or a condition alone."""

    name: str
    event: str | None = None
    when: Expr | None = None
    then: "tuple[Step, ...]" = ()


class WaitUntilStep(StepPart):
    """Wait for events and conditions. `since` is "start", "now" or a step's id; events before it do not count."""

    kind: Literal["wait_until"]
    join: Literal["any", "all"] = "any"
    alternatives: tuple[Alternative, ...]
    since: str = "start"
    up_to: Expr | None = None
    on_timeout: "tuple[Step, ...]" = ()
    while_paused: Literal["shift", "keep_date"] = "shift"


class FormField(PlanPart):
    """One field of a form, and one input of a playbook.

    `type` is text, integer, number, money, bool, date, duration, one_of, person, contact, account or list; `item` is the type of a
    list's items.
    """

    name: str
    type: str
    item: str | None = None
    options: tuple[str, ...] = ()
    default: Node = None
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    help: str | None = None
    from_: Expr | None = Field(default=None, alias="from")


class Escalation(PlanPart):
    """After this long without an answer, somebody else is asked too (owner spec)."""

    after: Expr
    to: tuple[str, ...]


class AskStep(StepPart):
    """A person answers a form, or says yes or no (`approval`). `by` are owner specs; `need` answers of them are wanted, 0 means all.

    `ask_each`: `by` names several people who all are asked; otherwise it is a list tried in order.
    `on_timeout` is approve, reject, escalate (approvals) or steps.
    """

    kind: Literal["ask"]
    approval: bool = False
    by: tuple[str, ...]
    ask_each: bool = False
    need: int = 1
    question: Node = None
    form: tuple[FormField, ...] = ()
    up_to: Expr | None = None
    remind: Expr | None = None
    escalate: tuple[Escalation, ...] = ()
    timeout_decision: Literal["approve", "reject", "escalate"] | None = None
    on_timeout: "tuple[Step, ...]" = ()
    on_reject: "tuple[Step, ...]" = ()
    while_paused: Literal["shift", "keep_date"] = "shift"


class Case(PlanPart):
    """One case of a branch; without `when` it is the else."""

    name: str
    when: Expr | None = None
    steps: "tuple[Step, ...]" = ()


class BranchStep(StepPart):
    """The first case whose condition holds. `value`/`cases` is lowered to conditions."""

    kind: Literal["branch"]
    cases: tuple[Case, ...]


class ParallelStep(StepPart):
    """Named branches side by side. `first` 0 joins all; n joins the first n and does with the rest what `rest` says."""

    kind: Literal["parallel"]
    branches: tuple[Case, ...]
    first: int = 0
    rest: Literal["undo", "keep", "finish"] = "undo"


class ForEachStep(StepPart):
    """The steps once for each item, `at_once` at a time.

    `counts` are conditions on an item's results, counted over the finished items; `until` and `enough` stop early.
    """

    kind: Literal["for_each"]
    items: Expr
    as_: str = Field(alias="as")
    where: Expr | None = None
    limit: int | None = None
    at_once: int = 1
    steps: "tuple[Step, ...]"
    counts: dict[str, Expr] = {}
    until: Expr | None = None
    enough: int | None = None


class RepeatStep(StepPart):
    """The steps again and again, at most `at_most` times, until `until` holds after a turn.

    `every` is a duration between the starts of turns; `weekdays` (Monday = 0) with `at` names days instead.
    """

    kind: Literal["repeat"]
    steps: "tuple[Step, ...]"
    at_most: int
    until: Expr | None = None
    every: Expr | None = None
    weekdays: tuple[int, ...] = ()
    at: str | None = None
    on_exhausted: "tuple[Step, ...]" = ()


class StageStep(StepPart):
    """A named phase with its own time limit and exits."""

    kind: Literal["stage"]
    steps: "tuple[Step, ...]"
    up_to: Expr | None = None
    on_timeout: "tuple[Step, ...]" = ()
    exits: "tuple[Exit, ...]" = ()
    while_paused: Literal["shift", "keep_date"] = "shift"


class TogetherStep(StepPart):
    """Steps that stand or fall together. Also what a `tasks:` list is lowered to."""

    kind: Literal["together"]
    steps: "tuple[Step, ...]"


class LockStep(StepPart):
    """Steps that hold a named lock of the account across plays."""

    kind: Literal["lock"]
    name: str
    steps: "tuple[Step, ...]"
    up_to: Expr | None = None


class PlayStep(StepPart):
    """Another playbook on the same account. Without `wait` it goes on by itself."""

    kind: Literal["play"]
    playbook: str
    inputs: dict[str, Node] = {}
    wait: bool = True
    undo: Undo = Undo()


class SetStep(StepPart):
    """Values for later expressions, as `vars.<name>`."""

    kind: Literal["set"]
    values: dict[str, Node]


class StopStep(StepPart):
    """The end of the play, with this outcome."""

    kind: Literal["stop"]
    outcome: str = "completed"
    undo: bool = False


class StopRepeatStep(StepPart):
    """Leave the innermost repeat."""

    kind: Literal["stop_repeat"]


class Variant(PlanPart):
    """One variant of a split; `share` is 0–1 and all shares sum to 1."""

    name: str
    share: float
    steps: "tuple[Step, ...]" = ()


class SplitStep(StepPart):
    """A random but sticky choice: the hash of run and step decides."""

    kind: Literal["split"]
    variants: tuple[Variant, ...]


AnyStep: TypeAlias = (
    ActionStep
    | WaitStep
    | WaitUntilStep
    | AskStep
    | BranchStep
    | ParallelStep
    | ForEachStep
    | RepeatStep
    | StageStep
    | TogetherStep
    | LockStep
    | PlayStep
    | SetStep
    | StopStep
    | StopRepeatStep
    | SplitStep
)
Step: TypeAlias = Annotated[AnyStep, Field(discriminator="kind")]


class Exit(PlanPart):
    """A condition or an event that ends the play (or the stage). `then`: "undo", "keep", "undo_steps" (see `undo`) or "steps"."""

    name: str
    when: Expr | None = None
    event: str | None = None
    then: Literal["undo", "keep", "undo_steps", "steps"] = "keep"
    undo: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


class Goal(PlanPart):
    """The goal: an exit named `name`, or a condition of its own (`when`); `within` (duration) or `by` (date) say how long it counts."""

    name: str
    when: Expr | None = None
    within: Expr | None = None
    by: Expr | None = None


class Deadline(PlanPart):
    """The longest a play may take before somebody is told, it is held, or it is stopped."""

    after: Expr
    escalate_to: tuple[str, ...] = ()
    then: Literal["tell", "hold", "stop"] = "tell"


class TimeRules(PlanPart):
    """Whose clock counts. `zone`: contact, account, team, or an IANA name; `calendar`: expression or country; `quiet`: see timing.quiet."""

    zone: tuple[str, ...] = ("contact", "account", "team")
    calendar: Expr | None = None
    quiet: str | None = None
    hours: str = "09:00-17:00"
    closed: tuple[str, ...] = ()


class Plan(PlanPart):
    """A compiled playbook."""

    plan_version: Literal[1] = PLAN_VERSION
    playbook: str
    title: str
    owner: str | None = None
    labels: tuple[str, ...] = ()
    inputs: tuple[FormField, ...] = ()
    enroll: Enroll | None = None
    exits: tuple[Exit, ...] = ()
    goal: Goal | None = None
    deadline: Deadline | None = None
    time: TimeRules = TimeRules()
    retry: Retry = Retry()
    tables: dict[str, Node] = {}
    events: tuple[str, ...] = ()
    """The event names anything in the play listens to."""
    steps: tuple[Step, ...] = ()
    finally_: tuple[Step, ...] = Field(default=(), alias="finally")

    def to_json(self) -> str:
        """Give the canonical JSON text: sorted keys, no defaults, no spaces."""
        data = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        """Give the sha256 of the canonical JSON, as 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def child_blocks(step: Step) -> Iterator[tuple[Step, ...]]:
    """Give every block of steps directly inside a step, in the order they are written."""
    match step:
        case BranchStep():
            yield from (case.steps for case in step.cases)
        case ParallelStep():
            yield from (branch.steps for branch in step.branches)
        case SplitStep():
            yield from (variant.steps for variant in step.variants)
        case WaitUntilStep():
            yield from (alternative.then for alternative in step.alternatives)
            yield step.on_timeout
        case AskStep():
            yield step.on_timeout
            yield step.on_reject
        case StageStep():
            yield step.steps
            yield step.on_timeout
            yield from (leave.steps for leave in step.exits)
        case RepeatStep():
            yield step.steps
            yield step.on_exhausted
        case ForEachStep() | TogetherStep() | LockStep():
            yield step.steps
    if step.on_error and step.on_error.catch:
        yield step.on_error.catch.steps


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Give every step of a block and of the blocks inside it, outer before inner."""
    for step in steps:
        yield step
        for block in child_blocks(step):
            yield from walk(block)


# Now: pydantic would finish a model at its first use, and cannot inside Temporal's sandbox. The others are only ever read within a plan.
for _made_by_the_interpreter in (Plan, OnError, Exit):
    _made_by_the_interpreter.model_rebuild()
