"""A `.test.yaml` file as it was written, each part with its place."""

from dataclasses import dataclass, field

from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.source import Span


@dataclass(slots=True)
class Given:
    """What is so before the play starts. `variants` chooses the branch of a `split` by step id."""

    clock: Scalar | None = None
    account: Mapping | None = None
    facts: Mapping | None = None
    inputs: Mapping | None = None
    event: Mapping | None = None
    plays: tuple[Scalar, ...] = ()
    open_tasks: Scalar | None = None
    closed: tuple[Scalar, ...] = ()
    variants: Mapping | None = None


@dataclass(slots=True)
class Happening:
    """Something that happens to the play. `do` is the key that says what; `subject` is what stands under it."""

    span: Span
    at: Scalar
    do: str
    subject: Node
    fields: Mapping | None = None
    by: Scalar | None = None
    comment: Scalar | None = None
    step: Scalar | None = None
    undo: bool = False
    outcome: Scalar | None = None


@dataclass(slots=True)
class Effect:
    """One expected effect: a step id (or step key, or an action), and inputs it must have had."""

    name: Scalar
    inputs: Mapping | None = None


@dataclass(slots=True)
class Expected:
    """What must have come of the play; what is None is not looked at."""

    span: Span
    outcome: Scalar | None = None
    effects: tuple[Effect, ...] | None = None
    never: tuple[Scalar, ...] = ()
    undone: tuple[Scalar, ...] | None = None
    ran: tuple[Scalar, ...] = ()
    not_run: tuple[Scalar, ...] = ()
    asked: tuple[Scalar, ...] | None = None
    ended: Scalar | None = None
    values: Mapping | None = None


@dataclass(slots=True)
class Case:
    """One test. `mocks` and `undo_mocks` map step ids to replies."""

    name: Scalar
    given: Given
    mocks: Mapping | None
    undo_mocks: Mapping | None
    happens: tuple[Happening, ...]
    expected: Expected


@dataclass(slots=True)
class TestFile:
    """All tests of a file, for one playbook."""

    __test__ = False  # not a test of ours, whatever pytest thinks of the name

    playbook: Scalar | None
    cases: tuple[Case, ...] = field(default_factory=tuple)
