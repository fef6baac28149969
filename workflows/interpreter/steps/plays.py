"""`play`: another playbook on the same account."""

from activities.contracts import PlayCall
from playbook_dsl.plan import PlayStep
from workflows.interpreter.errors import StepFailed
from workflows.interpreter.names import Frame
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import SubPlay
from workflows.interpreter.walk import Done, Skip, Walk

BAD_ENDS = ("failed", "undone", "undo_incomplete")


async def run_play(walk: Walk, step: PlayStep, frame: Frame, key: str, _scope: Scope) -> Done:
    """Start a sub-play and, unless told otherwise, wait for its end. It is undone with its parent."""
    play = walk.play
    sub = play.state.plays.get(key)
    if sub is None:
        play.undo.push(step, frame, key)
        call = PlayCall(
            run=play.run,
            key=key,
            generation=play.state.generations.get(key, 0),
            playbook=step.playbook,
            inputs=play.names.nodes(step.inputs, frame),
            parent=play.run.run_id,
        )
        workflow_id = await play.settle(play.runtime.start_play(call, f"play {step.playbook}"), key)
        play.undo.completed(key)
        sub = play.state.plays.setdefault(key, SubPlay(workflow_id))
        sub.workflow_id = workflow_id
    if step.wait:
        sub.waited = True
        play.progress.step(key, step, "waiting", detail=f"play {step.playbook}")
        await play.waiting.until(lambda: sub.outcome is not None or key in play.state.skips, lambda: None, f"play {step.playbook}")
        if sub.outcome is None:
            raise Skip
        await play.refresh_facts()
    if sub.outcome in BAD_ENDS:
        raise StepFailed(key, "PlayFailed", f'the play "{step.playbook}" ended as {sub.outcome}')
    return Done({"play": sub.workflow_id, "outcome": sub.outcome}, detail=sub.outcome or "started")
