"""How a play ends, whatever the reason: cancel what waits, undo as asked, give back what was lent, `finally`, outcome."""

from collections.abc import Awaitable

from activities.contracts import AskCall, AskUpdate, PlayControl
from playbook_dsl.plan import Step
from workflows.interpreter.errors import LeaveRepeat, StepFailed, Stopped
from workflows.interpreter.runtime import ActionFailed
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import Ending, UndoEntry
from workflows.interpreter.walk import Walk


async def end(walk: Walk, ending: Ending) -> str:
    """Carry the ending out and give the outcome. Phases done in an earlier history are not done again."""
    play = walk.play
    play.watches.clear()
    for phase, work in enumerate((_close_open, _take_back, _give_back, _finally)):
        if ending.phase <= phase:
            await work(walk, ending)
            ending.phase = phase + 1
    _note_incomplete(walk, ending)
    if play.undo.incomplete():
        await _tell_owner(walk)
    play.state.trace_line(f"outcome {ending.outcome}")
    return ending.outcome


async def _close_open(walk: Walk, ending: Ending) -> None:
    play = walk.play
    play.progress.close_open_steps()
    for key in [key for key, asked in play.state.asks.items() if asked.open] + list(play.state.holds):
        if key in play.state.asks:
            play.state.asks[key].open = False
        call = AskUpdate(run=play.run, key=key, do="close", reason=f"the play ended: {ending.outcome}")
        await quietly(walk, play.runtime.update_ask(call), f"inbox {key}")
    play.state.holds.clear()
    if ending.undo != "all":
        await _cancel_sub_plays(walk, ending)


async def _cancel_sub_plays(walk: Walk, ending: Ending) -> None:
    """Cancel the sub-plays this play waited for, except those about to be undone; one that goes on by itself does so."""
    play = walk.play
    for key, sub in list(play.state.plays.items()):
        if sub.waited and sub.outcome is None and key not in play.state.outcomes and not _is_named(key, ending):
            control = PlayControl(run=play.run, key=key, workflow_id=sub.workflow_id, do="cancel")
            await quietly(walk, play.runtime.control_play(control), f"cancel {key}")


async def _take_back(walk: Walk, ending: Ending) -> None:
    play = walk.play
    if ending.undo == "all":
        await play.progress.flush("undoing")
        await walk.unwind.entries(lambda _entry: True, force=ending.force)
    elif ending.undo == "steps":
        await walk.unwind.entries(lambda entry: _is_named(entry.key, ending))
    if ending.exit is not None:
        await _guarded_block(walk, play.plan.exits[ending.exit].steps, ending)


def _is_named(key: str, ending: Ending) -> bool:
    """Say whether the ending names this step to be undone, in whichever turn of a loop."""
    return key in ending.steps or key.rsplit("].", 1)[-1] in ending.steps


async def _give_back(walk: Walk, _ending: Ending) -> None:
    """Give back what was lent for the play (`undo: at_end`), on success too."""
    lent: set[str] = {entry.key for entry in walk.play.state.undo if entry.at_end and entry.status == "open"}
    if lent:
        await walk.unwind.entries(lambda entry: _is_lent(entry, lent))


def _is_lent(entry: UndoEntry, lent: set[str]) -> bool:
    return entry.key in lent


def _note_incomplete(walk: Walk, ending: Ending) -> None:
    if walk.play.undo.incomplete() and (ending.outcome != "failed" or ending.undo != "none"):
        ending.outcome = "undo_incomplete"


async def _finally(walk: Walk, ending: Ending) -> None:
    # Its steps may read `run.outcome`.
    _note_incomplete(walk, ending)
    await _guarded_block(walk, walk.play.plan.finally_, ending)


async def _guarded_block(walk: Walk, steps: tuple[Step, ...], ending: Ending) -> None:
    """Walk closing steps, each whatever became of the one before; the first error of the play is not hidden by theirs."""
    for step in steps:
        try:
            await walk.step(step, walk.play.root, Scope())
        except StepFailed as error:
            if ending.error is None:
                ending.error = dict(error.as_record())
        except (Stopped, LeaveRepeat):
            return


async def _tell_owner(walk: Walk) -> None:
    """Open an inbox item for the owner: something could not be taken back."""
    play = walk.play
    failed = ", ".join(entry.title for entry in play.state.undo if entry.status == "failed")
    call = AskCall(
        run=play.run,
        key="undo_incomplete",
        round=play.state.next_seq(),
        kind="notice",
        title=f"Could not undo: {failed}",
        why=f'"{play.plan.title}" was undone, but not completely; it can be tried again',
        by=("csm", "role:cs_ops"),
    )
    await quietly(walk, play.runtime.ask(call, call.title), "undo_incomplete")


async def quietly(walk: Walk, work: Awaitable[object], name: str) -> None:
    """Do something on the side: its failure is noted, not raised."""
    try:
        await walk.play.settle(work, name)
    except ActionFailed as failed:
        walk.play.state.trace_line(f"failed {name} {failed.code}")
