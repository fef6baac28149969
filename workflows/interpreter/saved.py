"""Works on the saved state of a finished play."""

from activities.contracts import JsonTree
from playbook_dsl.plan import AnyStep, Plan, child_blocks, walk
from workflows.interpreter.errors import Refused
from workflows.interpreter.state import RunState, dump_state, load_state


def retry_from(plan: Plan, saved: dict[str, JsonTree], key: str) -> dict[str, JsonTree]:
    """Give the state from which a finished play starts again at the step `key` (an id, outside loops).

    The steps before it keep their outcomes, except those whose effects were undone: they are done anew, as a new generation, so
    that the ledger does not take them for done.

    Raises:
        Refused: the plan has no such step, or it is inside a loop (then the loop itself is to be retried).
    """
    order = [step.id for step in walk(plan.steps)]
    if key not in order:
        raise Refused("no_such_step", f'the play has no step "{key}"; inside a loop, retry the loop itself')
    state = load_state(saved)
    redo = _steps_to_redo(plan, state, order[order.index(key) :])
    _forget(state, redo)
    state.ending = None
    state.holds.clear()
    for outcome in state.outcomes.values():
        outcome.then = None
    state.deadline_told = False
    return dump_state(state)


def _steps_to_redo(plan: Plan, state: RunState, later: list[str]) -> set[str]:
    """Give the retried step, all after it, all whose effects are gone, `finally`, and the blocks around any of them."""
    gone = {_id_of(entry.key) for entry in state.undo if entry.status in ("undone", "nothing", "conflict", "failed")}
    redo = set(later) | gone | {step.id for step in walk(plan.finally_)}
    redo |= {step.id for leave in plan.exits for step in walk(leave.steps)}
    for step in walk(plan.steps):
        if _holds_any(step, redo):
            redo.add(step.id)
    return redo


def _holds_any(step: AnyStep, ids: set[str]) -> bool:
    return any(inner.id in ids for block in child_blocks(step) for inner in walk(block))


def _forget(state: RunState, redo: set[str]) -> None:
    for key in [key for key in state.plays if _id_of(key) in redo]:
        # A sub-play that is done anew is another one: the first may have ended long ago, and would tell nobody again.
        state.generations[key] = state.generations.get(key, 0) + 1
    for key, asked in state.asks.items():
        if _id_of(key) in redo:
            # Its inbox items are closed: what is asked anew is a new round, or nobody would see it.
            state.asked_before[key] = state.asked_before.get(key, 0) + asked.rounds + 1
    for kept in (state.outcomes, state.memo, state.waits, state.asks, state.plays, state.locks, state.steps):
        for key in [key for key in kept if _id_of(key) in redo]:
            del kept[key]
    state.skips = [key for key in state.skips if _id_of(key) not in redo]
    for entry in state.undo:
        if _id_of(entry.key) in redo and entry.status != "open":
            state.generations[entry.key] = entry.generation + 1
    state.undo = [entry for entry in state.undo if entry.status in ("open", "kept")]


def _id_of(key: str) -> str:
    """Give the id of the outermost step a key belongs to: `loop[3].mail` and `loop[3].every` are of `loop`."""
    return key.split("[", 1)[0].split(".", 1)[0]
