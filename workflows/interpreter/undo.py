"""The undo stack: what was attempted, in the order it was completed, so that it can be taken back in reverse.

Plain data in the play's state; carrying it out is the walk's business.
"""

from collections.abc import Callable
from typing import Literal

from activities.contracts import JsonTree
from playbook_dsl.plan import ActionStep, PlayStep
from workflows.interpreter.names import Frame, json_of
from workflows.interpreter.state import RunState, UndoEntry


class UndoStack:
    """Reads and writes `state.undo`."""

    def __init__(self, state: RunState) -> None:
        """Work on this play's entries."""
        self._state = state

    def push(self, step: ActionStep | PlayStep, frame: Frame, key: str) -> UndoEntry:
        """Record an effect before it is attempted: an attempt with an unknown outcome is taken back too."""
        existing = self._open(key)
        if existing is not None:
            return existing
        entry = UndoEntry(
            key=key,
            title=step.title or step.id,
            action=step.action if isinstance(step, ActionStep) else f"play {step.playbook}",
            how=_how(step),
            seq=self._state.next_seq(),
            path=list(frame.path),
            generation=self._state.generations.get(key, 0),
            at_end=step.undo.at_end,
            because=step.undo.because,
            prefix=frame.prefix,
            names=json_of(frame.local),
        )
        if step.undo.by == "action":
            entry.action = step.undo.action or ""
            entry.inputs = dict(step.undo.inputs)
        self._state.undo.append(entry)
        return entry

    def completed(self, key: str) -> None:
        """Move an entry to the end of the order of completion."""
        entry = self._open(key)
        if entry is not None:
            entry.seq = self._state.next_seq()

    def withdraw(self, key: str) -> None:
        """Forget an effect that was recorded and then not attempted."""
        entry = self._open(key)
        if entry is not None:
            self._state.undo.remove(entry)

    def _open(self, key: str) -> UndoEntry | None:
        return next((entry for entry in self._state.undo if entry.key == key and entry.status == "open"), None)

    def open_entries(self, wanted: Callable[[UndoEntry], bool]) -> list[UndoEntry]:
        """Give the entries to take back, the last completed first. Failed ones are tried again."""
        found = [entry for entry in self._state.undo if entry.status in ("open", "failed") and wanted(entry)]
        return sorted(found, key=lambda entry: -entry.seq)

    def incomplete(self) -> bool:
        """Say whether something could not be taken back that should have been."""
        return any(entry.status == "failed" for entry in self._state.undo)

    def summary(self) -> dict[str, JsonTree]:
        """Give the step keys by what came of taking them back."""
        found: dict[str, list[str]] = {}
        for entry in self._state.undo:
            found.setdefault(entry.status, []).append(entry.key)
        return dict(found)


def _how(step: ActionStep | PlayStep) -> Literal["contract", "action", "play", "none"]:
    if isinstance(step, PlayStep):
        return "none" if step.undo.by == "none" else "play"
    if step.undo.by != "contract":
        return step.undo.by
    return "contract" if step.effect in ("reversible", "compensable") else "none"


def inside(block: str) -> Callable[[UndoEntry], bool]:
    """Give a filter for the entries inside a block (by its key)."""
    return lambda entry: block in entry.path
