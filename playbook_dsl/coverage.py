"""Undo coverage: how many effects of a play can be taken back, and which cannot."""

from dataclasses import dataclass

from playbook_dsl.catalog import Catalog
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import ActionBody, PlayBody, Step


@dataclass(frozen=True, slots=True)
class Coverage:
    """`undoable` of `total` effects can be taken back; `not_undone` are the ids of the steps whose effect stays."""

    undoable: int
    total: int
    not_undone: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give the line `check` prints."""
        effects = "effect" if self.total == 1 else "effects"
        rest = f"; not undone: {', '.join(self.not_undone)}" if self.not_undone else ""
        return f"{self.undoable} of {self.total} {effects}{rest}"


def coverage_of(found: Resolution) -> Coverage:
    """Count the effects of a play. What `finally` does is meant to stay and does not count."""
    total, kept = 0, []
    for place in found.places:
        if place.section == "finally" or not has_effect(place.step, found.catalog):
            continue
        total += 1
        if not is_undoable(place.step, found.catalog):
            kept.append(place.step.name)
    return Coverage(total - len(kept), total, tuple(kept))


def has_effect(step: Step, catalog: Catalog) -> bool:
    """Say whether a step changes something outside the play."""
    if isinstance(step.body, ActionBody):
        action = catalog.actions.get(step.body.action.text)
        return action is not None and action.effect != "read"
    return isinstance(step.body, PlayBody)


def is_undoable(step: Step, catalog: Catalog) -> bool:
    """Say whether a step's effect can be taken back: by its own `undo`, or by its action's contract."""
    if step.undo is not None and (step.undo.none or step.undo.action is not None):
        return not step.undo.none
    if isinstance(step.body, ActionBody):
        action = catalog.actions.get(step.body.action.text)
        return action is not None and action.undo is not None
    return True
