"""Which effects of a play can be taken back, and how, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from playbook_dsl.catalog import Catalog
from playbook_dsl.explain.words import counted, list_words
from playbook_dsl.plan import ActionStep, Plan, PlayStep, Step, Undo, walk


@dataclass(frozen=True)
class StepUndo:
    """How one effect is taken back. `how`: "undone", "lent" (given back when the play ends, whatever the reason) or "stays"."""

    step_id: str
    how: Literal["undone", "lent", "stays"]
    words: str


def undo_of_steps(plan: Plan, catalog: Catalog) -> tuple[StepUndo, ...]:
    """Give the undo of every step of the plan that has an effect, in the order of the file; `finally` is not undone and not counted."""
    return tuple(found for step in _steps_of(plan) if (found := undo_of(step, catalog)) is not None)


def undo_of(step: Step, catalog: Catalog) -> StepUndo | None:
    """Say how the effect of a step is taken back; None for a step without one."""
    if isinstance(step, PlayStep):
        if step.undo.by == "contract":
            return StepUndo(step.id, "undone", f"what “{step.playbook}” did is undone in its own way")
        return _overridden(step, step.undo)
    if not isinstance(step, ActionStep) or step.effect == "read":
        return None
    if step.undo.by != "contract":
        return _overridden(step, step.undo)
    known = catalog.actions.get(step.action)
    words = known.undo if known and known.undo else _DEFAULT.get(step.effect)
    return _undone(step, step.undo, words) if words else StepUndo(step.id, "stays", "it cannot be taken back")


_DEFAULT = {"reversible": "the earlier value is put back", "compensable": "a counter-action is done, which leaves a trace"}


def _overridden(step: ActionStep | PlayStep, undo: Undo) -> StepUndo:
    if undo.by == "none":
        return StepUndo(step.id, "stays", f"on purpose: {undo.because}" if undo.because else "it cannot be taken back")
    return _undone(step, undo, f"by {undo.action} instead")


def _undone(step: ActionStep | PlayStep, undo: Undo, words: str) -> StepUndo:
    return StepUndo(step.id, "lent", f"{words}, also when the play ends well") if undo.at_end else StepUndo(step.id, "undone", words)


def _steps_of(plan: Plan) -> Iterator[Step]:
    yield from walk(plan.steps)
    for leave in plan.exits:
        yield from walk(leave.steps)


def coverage_words(found: tuple[StepUndo, ...]) -> str:
    """Give "6 of 8 effects can be undone; not undone: intro, tip"."""
    if not found:
        return "The play has no effects that would need undoing"
    stays = [one.step_id for one in found if one.how == "stays"]
    words = f"{len(found) - len(stays)} of {counted(len(found), 'effect')} can be undone"
    return words + (f"; not undone: {list_words(stays, 'and')}" if stays else "")
