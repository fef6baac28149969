"""The part of the syntax tree below `enroll`."""

from dataclasses import dataclass, field

from playbook_dsl.nodes import Node
from playbook_dsl.source import Span
from playbook_dsl.words import Expression, Owners, Value, Word


@dataclass(slots=True)
class TriggerSpec:
    """One line of `when`. `keys` are the fields of its kind; expressions among them are `Expression`, all else nodes."""

    span: Span
    kind: str
    subject: Node
    id: Word | None = None
    when: Expression | None = None
    settle: Expression | None = None
    keys: dict[str, Node | Expression | Value] = field(default_factory=dict)

    @property
    def place(self) -> Span:
        """Give where a finding about the trigger points."""
        return self.subject.span


@dataclass(slots=True)
class SuppressSpec:
    """One line of `suppress`."""

    when: Expression | None
    then: Word | None


@dataclass(slots=True)
class HoldoutSpec:
    """`holdout`."""

    span: Span
    share: float | None = None
    stratify: tuple[Expression, ...] = ()
    measure: Word | None = None


@dataclass(slots=True)
class LimitsSpec:
    """`limits`; `per_owner` is a count per time, such as `3 per week`."""

    at_once: Word | None = None
    per_day: Word | None = None
    per_owner: Word | None = None


@dataclass(slots=True)
class BudgetSpec:
    """`budget`: how many messages of a channel per time, counted per contact or account over all plays."""

    channels: tuple[tuple[Word, Word], ...] = ()
    per: Word | None = None


@dataclass(slots=True)
class LaunchSpec:
    """`launch`."""

    approve_by: Owners | None = None
    waves: tuple[Word, ...] = ()
    gate_after: Expression | None = None
    halt_if: Expression | None = None


@dataclass(slots=True)
class EnrollSpec:
    """`enroll`."""

    span: Span
    triggers: tuple[TriggerSpec, ...] = ()
    audience: Expression | None = None
    suppress: tuple[SuppressSpec, ...] = ()
    existing: Word | None = None
    again_after: Expression | None = None
    again_key: Expression | None = None
    while_active: Word | None = None
    holdout: HoldoutSpec | None = None
    limits: LimitsSpec | None = None
    budget: BudgetSpec | None = None
    launch: LaunchSpec | None = None
    priority: Word | None = None
    start_roles: tuple[Word, ...] = ()
