"""The syntax tree: what an author wrote, each name and value with its place, before anybody asked whether it makes sense.

A `Scalar` field is a word as it stands in the file. Fields that hold expressions or values say which type is wanted, so that one walk
over the tree finds everything that has to be checked.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from playbook_dsl.enroll_syntax import EnrollSpec
from playbook_dsl.nodes import Mapping, Node
from playbook_dsl.source import Span
from playbook_dsl.words import Expression, Owners, Value, Word


@dataclass(slots=True)
class RetrySpec:
    """`retry`."""

    attempts: Word | None = None
    first: Word | None = None
    factor: Word | None = None
    at_most: Word | None = None
    not_on: tuple[Word, ...] = ()


@dataclass(slots=True)
class OnErrorSpec:
    """`on_error`: a word, or one of the forms with details."""

    do: str
    span: Span
    steps: "tuple[Step, ...]" = ()
    undo: bool = False
    hold_for: Expression | None = None
    then: Word | None = None


@dataclass(slots=True)
class UndoSpec:
    """`undo`: nothing (with a reason), another action, or only at the end."""

    span: Span
    none: bool = False
    because: Word | None = None
    at_end: bool = False
    action: Word | None = None
    inputs: Mapping | None = None


@dataclass(slots=True)
class ReviewSpec:
    """`review` of a step that sends."""

    by: Owners
    may_edit: tuple[Word, ...] = ()
    up_to: Expression | None = None
    on_timeout: Word | None = None


@dataclass(slots=True)
class OverdueSpec:
    """One line of a task's `overdue`."""

    after: Expression | None
    tell: Owners | None
    reassign: Owners | None
    span: Span


@dataclass(slots=True)
class ActionBody:
    """A call of an action. `inputs` are what stands under the verb, without the keys that belong to the language."""

    action: Word
    inputs: Mapping
    if_nobody: Word | None = None
    wait: Word | None = None
    overdue: tuple[OverdueSpec, ...] = ()


@dataclass(slots=True)
class WaitBody:
    """`wait`. `until` is an expression or words such as `next monday`."""

    for_: Expression | None = None
    until: Expression | None = None
    at: Word | None = None
    land_on: Word | None = None
    fixed: bool = False
    while_paused: Word | None = None


@dataclass(slots=True)
class AlternativeSpec:
    """One named alternative of a `wait_until`."""

    name: Word
    event: Word | None
    when: Expression | None
    then: "tuple[Step, ...]" = ()


@dataclass(slots=True)
class WaitUntilBody:
    """`wait_until`."""

    join: str = "any"
    alternatives: tuple[AlternativeSpec, ...] = ()
    since: Word | None = None
    up_to: Expression | None = None
    on_timeout: "tuple[Step, ...]" = ()
    while_paused: Word | None = None


@dataclass(slots=True)
class FieldSpec:
    """One field of a form, or one input of a playbook. `type` None means that its type could not be read."""

    name: Word
    span: Span
    type: str | None = None
    item: str | None = None
    options: tuple[Word, ...] = ()
    default: Node | None = None
    required: Word | None = None
    minimum: Word | None = None
    maximum: Word | None = None
    help: Word | None = None
    from_: Expression | None = None


@dataclass(slots=True)
class EscalationSpec:
    """One line of `escalate`."""

    after: Expression | None
    to: Owners | None


@dataclass(slots=True)
class AskBody:
    """`ask` and `approve`."""

    approval: bool
    by: Owners | None = None
    need: Word | None = None
    question: Value | None = None
    form: tuple[FieldSpec, ...] = ()
    up_to: Expression | None = None
    remind: Expression | None = None
    escalate: tuple[EscalationSpec, ...] = ()
    timeout_decision: Word | None = None
    on_timeout: "tuple[Step, ...]" = ()
    on_reject: "tuple[Step, ...]" = ()
    while_paused: Word | None = None


@dataclass(slots=True)
class CaseSpec:
    """A case of a branch, a branch of a parallel. `when` None: no condition."""

    name: Word
    when: Expression | None = None
    steps: "tuple[Step, ...]" = ()


@dataclass(slots=True)
class BranchBody:
    """`branch`. With `value` the cases are named after its values; `has_else` says that the last case is the else."""

    cases: tuple[CaseSpec, ...] = ()
    value: Expression | None = None
    has_else: bool = False


@dataclass(slots=True)
class ParallelBody:
    """`parallel`. `first` 0 joins all."""

    branches: tuple[CaseSpec, ...] = ()
    first: int = 0
    rest: Word | None = None
    join: Word | None = None


@dataclass(slots=True)
class ForEachBody:
    """`for_each`."""

    items: Expression | None = None
    as_: Word | None = None
    where: Expression | None = None
    limit: Word | None = None
    at_once: Word | None = None
    steps: "tuple[Step, ...]" = ()
    counts: tuple[tuple[Word, Expression], ...] = ()
    until: Expression | None = None
    enough: Word | None = None


@dataclass(slots=True)
class RepeatBody:
    """`repeat`. `every` is a duration; `weekdays` with `at` name days instead."""

    steps: "tuple[Step, ...]" = ()
    until: Expression | None = None
    every: Expression | None = None
    weekdays: tuple[Word, ...] = ()
    at: Word | None = None
    at_most: Word | None = None
    on_exhausted: "tuple[Step, ...]" = ()


@dataclass(slots=True)
class StageBody:
    """`stage`."""

    title: Word | None = None
    steps: "tuple[Step, ...]" = ()
    up_to: Expression | None = None
    on_timeout: "tuple[Step, ...]" = ()
    exits: "tuple[ExitSpec, ...]" = ()
    while_paused: Word | None = None


@dataclass(slots=True)
class TogetherBody:
    """`together`, and `tasks`, which is a `together` of tasks."""

    steps: "tuple[Step, ...]" = ()
    is_tasks: bool = False


@dataclass(slots=True)
class LockBody:
    """`lock`."""

    name: Word | None = None
    steps: "tuple[Step, ...]" = ()
    up_to: Expression | None = None


@dataclass(slots=True)
class PlayBody:
    """`play`."""

    playbook: Word | None = None
    inputs: Mapping | None = None
    wait: bool = True


@dataclass(slots=True)
class SetBody:
    """`set`."""

    values: tuple[tuple[Word, Value], ...] = ()


@dataclass(slots=True)
class StopBody:
    """`stop`."""

    outcome: Word | None = None
    undo: bool = False


@dataclass(slots=True)
class StopRepeatBody:
    """`stop_repeat`."""


@dataclass(slots=True)
class VariantSpec:
    """A variant of a split. `share` is 0–1, None when it could not be read."""

    name: Word
    share: float | None
    steps: "tuple[Step, ...]" = ()


@dataclass(slots=True)
class SplitBody:
    """`split`."""

    variants: tuple[VariantSpec, ...] = ()


@dataclass(slots=True)
class BrokenBody:
    """A step whose verb is missing or unknown."""


Body: TypeAlias = (
    ActionBody
    | WaitBody
    | WaitUntilBody
    | AskBody
    | BranchBody
    | ParallelBody
    | ForEachBody
    | RepeatBody
    | StageBody
    | TogetherBody
    | LockBody
    | PlayBody
    | SetBody
    | StopBody
    | StopRepeatBody
    | SplitBody
    | BrokenBody
)


@dataclass(slots=True)
class Step:
    """A step. `verb` is None when it has none; `made_id` stands in for an id that was not written."""

    span: Span
    verb: Word | None
    body: Body
    id: Word | None = None
    made_id: str = ""
    title: Word | None = None
    when: Expression | None = None
    note: Word | None = None
    on_error: OnErrorSpec | None = None
    undo: UndoSpec | None = None
    retry: RetrySpec | None = None
    timeout: Word | None = None
    review: ReviewSpec | None = None
    urgent: Word | None = None

    @property
    def name(self) -> str:
        """Give the step's id, or the stand-in."""
        return self.id.text if self.id else self.made_id

    @property
    def place(self) -> Span:
        """Give where a finding about the step as a whole points: its verb."""
        return self.verb.span if self.verb else self.id.span if self.id else self.span


@dataclass(slots=True)
class ExitSpec:
    """One `exit`. `then` is undo, keep, undo_steps or steps."""

    span: Span
    name: Word | None = None
    when: Expression | None = None
    event: Word | None = None
    then: str = "keep"
    undo: tuple[Word, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(slots=True)
class GoalSpec:
    """`goal`."""

    span: Span
    name: Word | None = None
    when: Expression | None = None
    within: Expression | None = None
    by: Expression | None = None


@dataclass(slots=True)
class DeadlineSpec:
    """`deadline`."""

    span: Span
    after: Expression | None = None
    escalate_to: Owners | None = None
    then: Word | None = None


@dataclass(slots=True)
class TimeSpec:
    """`time`."""

    zone: tuple[Word, ...] = ()
    calendar: Word | None = None
    quiet: Word | None = None
    hours: Word | None = None
    closed: tuple[Word, ...] = ()


@dataclass(slots=True)
class DefaultsSpec:
    """`defaults`."""

    retry: RetrySpec | None = None
    timeout: Word | None = None
    on_error: OnErrorSpec | None = None


@dataclass(slots=True)
class PlaybookSpec:
    """A whole file."""

    span: Span
    slug: Word | None = None
    title: Word | None = None
    owner: Word | None = None
    labels: tuple[Word, ...] = ()
    inputs: tuple[FieldSpec, ...] = ()
    enroll: EnrollSpec | None = None
    exits: tuple[ExitSpec, ...] = ()
    goal: GoalSpec | None = None
    deadline: DeadlineSpec | None = None
    time: TimeSpec = field(default_factory=TimeSpec)
    defaults: DefaultsSpec = field(default_factory=DefaultsSpec)
    tables: Mapping | None = None
    steps: tuple[Step, ...] = ()
    finally_: tuple[Step, ...] = ()
