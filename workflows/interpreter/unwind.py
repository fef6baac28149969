"""Takes effects back: in reverse order of completion, looking first, and never stopped by a cancel."""

from collections.abc import Callable

from activities.contracts import ActionCall, PlayControl, UndoCall
from playbook_dsl.plan import Retry
from playbook_dsl.values import Value, from_json
from workflows.interpreter.names import Frame
from workflows.interpreter.play import Play
from workflows.interpreter.runtime import ActionFailed
from workflows.interpreter.state import UndoEntry

UNDO_RETRY = Retry(attempts=10, first_s=2, factor=2, at_most_s=300)


class Unwind:
    """Carries out the entries of the undo stack."""

    def __init__(self, play: Play) -> None:
        """Work on this play."""
        self._play = play

    async def entries(self, wanted: Callable[[UndoEntry], bool], *, force: bool = False) -> None:
        """Take back the wanted entries, the last completed first; a failure does not stop the others."""
        for entry in self._play.undo.open_entries(wanted):
            if entry.status == "open" or entry.how != "none":
                await self._one(entry, force)

    async def _one(self, entry: UndoEntry, force: bool) -> None:
        play = self._play
        try:
            if entry.how == "none":
                entry.status, entry.detail = "kept", entry.because or "cannot be taken back"
            elif entry.how == "contract":
                await self._by_contract(entry, force)
            elif entry.how == "play":
                await self._sub_play(entry, force)
            else:
                await self._by_action(entry)
        except ActionFailed as failed:
            entry.status, entry.detail = "failed", failed.message
        shown = {"kept": "done", "nothing": "undone", "failed": "undo_failed"}.get(entry.status, entry.status)
        play.state.trace_line(f"undo {entry.key} {entry.status}")
        if entry.status != "kept":
            play.progress.undone(entry.key, entry.title, shown, entry.detail)

    async def _by_contract(self, entry: UndoEntry, force: bool) -> None:
        call = UndoCall(run=self._play.run, key=entry.key, title=entry.title, action=entry.action, generation=entry.generation, force=force)
        result = await self._play.settle(self._play.runtime.undo(call, f"undo {entry.title}"), f"undo {entry.key}")
        entry.status, entry.detail = result.status, result.detail

    async def _by_action(self, entry: UndoEntry) -> None:
        play = self._play
        names = {name: from_json(tree) for name, tree in entry.names.items()}
        frame = Frame(entry.prefix, tuple(entry.path), names, self._results(entry.prefix))
        call = ActionCall(
            run=play.run,
            key=f"{entry.key}.undo",
            title=f"undo {entry.title}",
            action=entry.action,
            inputs=play.names.nodes(entry.inputs, frame),
            effect="compensable",
            generation=entry.generation,
        )
        await play.settle(play.runtime.perform(call, UNDO_RETRY, 30.0, call.title), call.key)
        entry.status = "undone"

    def _results(self, prefix: str) -> dict[str, Value]:
        """Give the step results as they were readable at a loop's turn."""
        play = self._play
        results: dict[str, Value] = dict(play.root.steps)
        for key, outcome in play.state.outcomes.items():
            if prefix and key.startswith(prefix) and outcome.status == "done":
                results[key.removeprefix(prefix)] = from_json(outcome.output)
        return results

    async def _sub_play(self, entry: UndoEntry, force: bool) -> None:
        play = self._play
        sub = play.state.plays.get(entry.key)
        if sub is None:
            entry.status = "nothing"
            return
        sub.outcome = None
        control = PlayControl(run=play.run, key=entry.key, workflow_id=sub.workflow_id, do="undo", force=force)
        await play.settle(play.runtime.control_play(control), f"undo {entry.key}")
        await play.waiting.until(lambda: sub.outcome is not None, lambda: None, f"undo {entry.title}")
        failed = sub.outcome == "undo_incomplete"
        entry.status = "failed" if failed else "undone"
        entry.detail = "the sub-play could not be undone completely" if failed else None
