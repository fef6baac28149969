"""Control flow without a clock of its own: branch, split, parallel, stage, together, lock, set, stop."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime

from activities.contracts import LockCall
from playbook_dsl.plan import (
    BranchStep,
    Case,
    Exit,
    LockStep,
    ParallelStep,
    SetStep,
    SplitStep,
    StageStep,
    StopRepeatStep,
    StopStep,
    TogetherStep,
    Variant,
)
from playbook_dsl.values import to_json
from workflows.interpreter.errors import LeaveRepeat, StepFailed, Stopped
from workflows.interpreter.names import Frame
from workflows.interpreter.play import Watch
from workflows.interpreter.scope import Scope
from workflows.interpreter.undo import inside
from workflows.interpreter.walk import Done, Skip, Walk

Work = Callable[[Scope], Coroutine[object, object, None]]
"""A piece of work: called with the scope it may be left by, gives the coroutine that does it."""

LEAVES_QUEUES = 2
"""The version of the interpreter from which on a cancelled play leaves the queue of a lock; see `activities.contracts.INTERPRETER`."""

MAX_AT_ONCE = 200
"""More tasks than this at once would run into the substrate's two-second deadlock detector."""


async def run_branch(walk: Walk, step: BranchStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk the first case whose condition holds; the choice is kept, so that a later walk does not choose anew."""
    memo = walk.play.state.memo.setdefault(key, {})
    if "case" not in memo:
        memo["case"] = next(
            (index for index, case in enumerate(step.cases) if case.when is None or walk.play.names.holds(case.when, frame)), None
        )
    chosen = step.cases[memo["case"]] if memo["case"] is not None else None
    if chosen is None:
        return Done({"case": None}, detail="no case holds")
    walk.play.state.trace_line(f"case {key} {chosen.name}")
    await walk.block(chosen.steps, frame.inside(key), scope)
    return Done({"case": chosen.name}, detail=f"case {chosen.name}")


def chosen_variant(step: SplitStep, chain: str, key: str) -> Variant:
    """Give the variant that the hash of play and step falls into: random between plays, the same in every walk of one."""
    digest = hashlib.sha256(f"{chain}/{key}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64
    for variant in step.variants:
        point -= variant.share
        if point < 0:
            return variant
    return step.variants[-1]


async def run_split(walk: Walk, step: SplitStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk one of the variants."""
    chosen = chosen_variant(step, walk.play.run.chain, key)
    walk.play.state.trace_line(f"variant {key} {chosen.name}")
    await walk.block(chosen.steps, frame.inside(key), scope)
    return Done({"variant": chosen.name}, detail=f"variant {chosen.name}")


async def run_parallel(walk: Walk, step: ParallelStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk the branches side by side; join all, or the first n and deal with the rest."""
    names = walk.play.names
    chosen = [branch for branch in step.branches if branch.when is None or names.holds(branch.when, frame)]
    if not chosen:
        return Done({"finished": []}, detail="no branch chosen")
    wanted = min(step.first or len(chosen), len(chosen))
    finish_rest = step.rest == "finish"
    work = [(branch.name, _branch(walk, branch, frame, key)) for branch in chosen]
    memo = walk.play.state.memo.setdefault(key, {"finished": []})
    await side_by_side(walk, key, scope, work, memo["finished"], wanted if not finish_rest else len(chosen))
    finished: list[str] = list(memo["finished"])
    if step.rest == "undo":
        for branch in reversed(chosen):
            if branch.name not in finished:
                await walk.unwind.entries(inside(f"{key}/{branch.name}"))
    return Done({"finished": finished}, detail=", ".join(finished))


def _branch(walk: Walk, branch: Case, frame: Frame, key: str) -> Work:
    async def run(scope: Scope) -> None:
        await walk.block(branch.steps, frame.inside(key, f"{key}/{branch.name}"), scope)

    return run


async def side_by_side(
    walk: Walk, key: str, scope: Scope, work: list[tuple[str, Work]], finished: list[str], wanted: int, at_once: int = MAX_AT_ONCE
) -> None:
    """Run pieces of work, `at_once` at a time, until `wanted` are finished; then the others are left.

    `finished` collects names in the order they finish. The first failure leaves the others and is raised. Nothing is under way on return.
    """
    waiting = [piece for piece in work if piece[0] not in finished]
    running: dict[str, Scope] = {}
    failures: list[BaseException] = []

    async def one(name: str, run: Work, own: Scope) -> None:
        try:
            await run(own)
            finished.append(name)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # carried over to the parent, which raises it
            failures.append(error)

    def ended(name: str) -> Callable[[object], None]:
        def note(_task: object) -> None:
            del running[name]
            walk.play.board.notify()

        return note

    try:
        while len(finished) < wanted and not failures and (waiting or running):
            scope.check()
            while waiting and len(running) < min(at_once, MAX_AT_ONCE):
                name, run = waiting.pop(0)
                own = running[name] = Scope(scope)
                own.task = walk.play.runtime.spawn(one(name, run, own), f"{key}/{name}")
                # A callback, because a task that is cancelled before it began runs nothing of its own.
                own.task.add_done_callback(ended(name))
            if running:
                await walk.play.board.changed()
    finally:
        await _leave_all(walk, running)
    if failures:
        raise failures[0]
    scope.check()


async def _leave_all(walk: Walk, running: dict[str, Scope]) -> None:
    """Leave what is still under way and wait until attempts have come to their end."""
    for own in list(running.values()):
        own.leave()
    while running:
        try:
            await walk.play.board.changed()
        except asyncio.CancelledError:
            continue


async def run_together(walk: Walk, step: TogetherStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk steps that stand or fall together."""
    try:
        await walk.block(step.steps, frame.inside(key), scope)
    except StepFailed:
        await walk.unwind.entries(inside(key))
        raise
    return Done()


async def run_stage(walk: Walk, step: StageStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk a phase with its own time limit and exits; leaving it by either cancels what is under way inside."""
    play = walk.play
    memo = play.state.memo.setdefault(key, {})
    inner = frame.inside(key)
    if "left" not in memo:
        wait = play.waiting.opened(f"{key}.stage", shifts=step.while_paused == "shift")
        if step.up_to is not None and wait.until is None:
            wait.until = play.add(wait.opened_at, step.up_to, frame)
        memo_left = await _inside_stage(walk, step, inner, key, scope, wait.opened_at)
        memo["left"] = memo_left
        play.waiting.closed(f"{key}.stage")
        play.state.trace_line(f"left {key} {memo_left}")
    left: str = memo["left"]
    if left == "timeout":
        await walk.block(step.on_timeout, inner, scope)
    elif left.startswith("exit:"):
        await _after_exit(walk, step.exits[int(left.removeprefix("exit:"))], inner, key, scope)
    return Done({"left": left}, detail=None if left == "end" else f"left by {left}")


async def _inside_stage(walk: Walk, step: StageStep, inner: Frame, key: str, scope: Scope, since: datetime) -> str:
    play = walk.play
    left: list[str] = []
    own = Scope(scope)

    def leave(index: int, _exit: Exit) -> None:
        left.append(f"exit:{index}")
        own.leave()

    watch = Watch(step.exits, inner, since, leave)
    if step.exits:
        play.watches.append(watch)
        play.changed()

    async def run(piece: Scope) -> None:
        own.task, own.parent = piece.task, piece
        await walk.block(step.steps, inner, own)
        left.append("end")

    finished: list[str] = []
    try:
        if not left:
            await _with_limit(walk, key, scope, run, finished, left, own)
    finally:
        if watch in play.watches:
            play.watches.remove(watch)
    return left[0]


async def _with_limit(walk: Walk, key: str, scope: Scope, run: Work, finished: list[str], left: list[str], own: Scope) -> None:
    play = walk.play
    wait = play.state.waits[f"{key}.stage"]

    async def clock(_scope: Scope) -> None:
        if not await play.waiting.until(
            lambda: bool(left), lambda: play.waiting.shifted(wait.until, wait) if wait.until else None, f"limit of {key}"
        ):
            left.append("timeout")
            own.leave()

    work: list[tuple[str, Work]] = [("steps", run)]
    if wait.until is not None:
        work.append(("clock", clock))
    await side_by_side(walk, key, scope, work, finished, 1)


async def _after_exit(walk: Walk, leave: Exit, inner: Frame, key: str, scope: Scope) -> None:
    if leave.then == "undo":
        await walk.unwind.entries(inside(key))
    elif leave.then == "undo_steps":
        await walk.unwind.entries(lambda entry: entry.key in {inner.key(step) for step in leave.undo})
    await walk.block(leave.steps, inner, scope)


async def run_lock(walk: Walk, step: LockStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk steps while holding a lock of the account; it is given back whatever happens."""
    play = walk.play
    try:
        await _take_lock(walk, step, frame, key)
    except asyncio.CancelledError:
        # Left in the queue it would be given a lock that it does not use, and keep it to its end.
        if play.input.interpreter >= LEAVES_QUEUES and not play.draining:
            await release_lock(walk, key, step.name)
        raise
    forgotten = False
    try:
        await walk.block(step.steps, frame.inside(key), scope)
    except GeneratorExit:
        # A worker that forgets the play throws its coroutines away; nothing can be waited for any more, and the lock stays ours.
        forgotten = True
        raise
    finally:
        # While the history is being renewed the lock stays ours, too: the next walk takes it up again.
        if not play.draining and not forgotten:
            await release_lock(walk, key, step.name)
    return Done()


async def _take_lock(walk: Walk, step: LockStep, frame: Frame, key: str) -> None:
    play = walk.play
    locks = play.state.locks
    if locks.get(key, "asked") == "asked":
        locks[key] = "asked"
        call = LockCall(run=play.run, key=key, name=step.name, do="acquire", priority=_priority(walk))
        granted = await play.settle(play.runtime.lock(call), key)
        # The news that it is ours may have been faster than the answer that it is not.
        locks[key] = "held" if granted.granted or locks[key] == "held" else "queued"
    if locks[key] == "queued":
        play.progress.step(key, step, "waiting", detail=f"another play holds {step.name}")
        got = await walk.wait_for(key, lambda: locks[key] == "held" or key in play.state.skips, step.up_to, frame, f"lock {step.name}")
        if not got or locks[key] != "held":
            await release_lock(walk, key, step.name)
            if key in play.state.skips:
                raise Skip
            raise StepFailed(key, "LockTimeout", f"another play held {step.name} for too long")


async def release_lock(walk: Walk, key: str, name: str) -> None:
    """Give a lock back, or leave its queue."""
    play = walk.play
    await play.settle(play.runtime.lock(LockCall(run=play.run, key=key, name=name, do="release")), f"release {key}")
    play.state.locks.pop(key, None)


def _priority(walk: Walk) -> int:
    enroll = walk.play.plan.enroll
    return enroll.priority if enroll else 0


async def run_set(walk: Walk, step: SetStep, frame: Frame, _key: str, _scope: Scope) -> Done:
    """Name values. Pure: costs no event."""
    state = walk.play.state
    for name, node in step.values.items():
        state.vars[name] = to_json(walk.play.names.node(node, frame))
        walk.play.names.set_var(name, state.vars[name])
    return Done()


async def run_stop(_walk: Walk, step: StopStep, _frame: Frame, _key: str, _scope: Scope) -> Done:
    """End the play."""
    raise Stopped(step.outcome, undo=step.undo)


async def run_stop_repeat(walk: Walk, _step: StopRepeatStep, _frame: Frame, key: str, _scope: Scope) -> Done:
    """Leave the innermost repeat."""
    walk.play.state.trace_line(f"leave {key}")
    raise LeaveRepeat
