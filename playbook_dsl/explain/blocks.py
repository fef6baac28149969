"""The blocks of steps inside a step, with the words that lead to them."""

from collections.abc import Iterator
from dataclasses import dataclass

from playbook_dsl.explain.words import condition_words, counted, duration_words, quoted, share_words
from playbook_dsl.plan import (
    AskStep,
    BranchStep,
    ForEachStep,
    LockStep,
    ParallelStep,
    RepeatStep,
    SplitStep,
    StageStep,
    Step,
    TogetherStep,
    WaitUntilStep,
)


@dataclass(frozen=True)
class Block:
    """Steps inside a step. `label` leads to them in words (empty: they simply follow); `name` is stable and short.

    Names the author chose have a word before them, so that a case called "catch" is no catch.

    `kind`: body, choice (one of them is taken), side (all at once), later (taken on a time-out, a refusal, an exit or an error).
    """

    name: str
    kind: str
    label: str
    steps: tuple[Step, ...]


def blocks(step: Step) -> Iterator[Block]:
    """Give every block directly inside a step, in the order of the file, empty ones too."""
    yield from _alternatives(step)
    yield from _bodies(step)
    if step.on_error and step.on_error.catch:
        label = "if it fails, it is undone and then" if step.on_error.catch.undo else "if it fails"
        yield Block("catch", "later", label, step.on_error.catch.steps)


def _alternatives(step: Step) -> Iterator[Block]:
    match step:
        case BranchStep():
            for index, case in enumerate(step.cases, 1):
                label = f"if {condition_words(case.when)}" if case.when else "otherwise"
                yield Block(f"case {case.name or index}", "choice", label, case.steps)
        case ParallelStep():
            for branch in step.branches:
                when = f" (only if {condition_words(branch.when)})" if branch.when else ""
                yield Block(f"branch {branch.name}", "side", f"side by side: {quoted(branch.name)}{when}", branch.steps)
        case SplitStep():
            for variant in step.variants:
                label = f"variant {quoted(variant.name)}, {share_words(variant.share)} of the accounts"
                yield Block(f"variant {variant.name}", "choice", label, variant.steps)
        case WaitUntilStep():
            for alternative in step.alternatives:
                yield Block(f"then {alternative.name}", "choice", f"once {quoted(alternative.name)} came", alternative.then)
            yield _timeout(step.up_to, step.on_timeout)
        case AskStep():
            yield _timeout(step.up_to, step.on_timeout)
            yield Block("on_reject", "later", "if the answer is no", step.on_reject)


def _bodies(step: Step) -> Iterator[Block]:
    match step:
        case StageStep():
            yield Block("steps", "body", "", step.steps)
            yield _timeout(step.up_to, step.on_timeout)
            for leave in step.exits:
                yield Block(f"exit {leave.name}", "later", f"when it is left by {quoted(leave.name)}", leave.steps)
        case RepeatStep():
            yield Block("steps", "body", "", step.steps)
            label = f"after {counted(step.at_most, 'turn')} without success"
            yield Block("on_exhausted", "later", label, step.on_exhausted)
        case ForEachStep() | TogetherStep() | LockStep():
            yield Block("steps", "body", "", step.steps)


def _timeout(up_to: str | None, steps: tuple[Step, ...]) -> Block:
    return Block("on_timeout", "later", f"if {duration_words(up_to)} pass without it" if up_to else "when the time is up", steps)
