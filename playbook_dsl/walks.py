"""Walking the syntax tree: which blocks a step holds, and where each step stands."""

from collections.abc import Iterator
from dataclasses import dataclass

from playbook_dsl.syntax import (
    AskBody,
    BranchBody,
    ForEachBody,
    LockBody,
    ParallelBody,
    PlaybookSpec,
    RepeatBody,
    SplitBody,
    StageBody,
    Step,
    TogetherBody,
    WaitUntilBody,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands. `path` names the blocks around it, outermost first: the step that holds the block, and the block's label."""

    step: Step
    path: tuple[tuple[Step, str], ...]
    section: str
    order: int

    def inside(self, kind: type) -> Step | None:
        """Give the innermost step around this one whose body is of a kind."""
        return next((step for step, _ in reversed(self.path) if isinstance(step.body, kind)), None)


def blocks_of(step: Step) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Give the blocks directly inside a step with their labels, in the order they are written."""
    body = step.body
    match body:
        case BranchBody():
            yield from ((f"case {case.name.text}", case.steps) for case in body.cases)
        case ParallelBody():
            yield from ((f"branch {branch.name.text}", branch.steps) for branch in body.branches)
        case SplitBody():
            yield from ((f"variant {variant.name.text}", variant.steps) for variant in body.variants)
        case WaitUntilBody():
            yield from ((f"then {alternative.name.text}", alternative.then) for alternative in body.alternatives)
            yield "on_timeout", body.on_timeout
        case AskBody():
            yield "on_timeout", body.on_timeout
            yield "on_reject", body.on_reject
        case StageBody():
            yield "steps", body.steps
            yield "on_timeout", body.on_timeout
            yield from ((f"exit {number}", leave.steps) for number, leave in enumerate(body.exits, 1))
        case RepeatBody():
            yield "steps", body.steps
            yield "on_exhausted", body.on_exhausted
        case ForEachBody() | TogetherBody() | LockBody():
            yield "steps", body.steps
    if step.on_error and step.on_error.do == "catch":
        yield "catch", step.on_error.steps


def sections(playbook: PlaybookSpec) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Give the lists of steps of a file: `steps`, those of the exits, and `finally`."""
    yield "steps", playbook.steps
    for number, leave in enumerate(playbook.exits, 1):
        yield f"exit {number}", leave.steps
    yield "finally", playbook.finally_


def places(playbook: PlaybookSpec) -> list[Place]:
    """Give every step of a file with its place, outer before inner, in the order they are written."""
    found: list[Place] = []

    def visit(steps: tuple[Step, ...], path: tuple[tuple[Step, str], ...], section: str) -> None:
        for step in steps:
            found.append(Place(step, path, section, len(found)))
            for label, block in blocks_of(step):
                visit(block, (*path, (step, label)), section)

    for section, steps in sections(playbook):
        visit(steps, (), section)
    return found
