"""Walks a block of steps. A step that left an outcome in an earlier walk is passed; a step that fails is dealt with as its author said."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from activities.contracts import AskCall, AskUpdate, JsonTree
from playbook_dsl.expressions.evaluate import EvaluationError
from playbook_dsl.plan import ActionStep, AnyStep, Catch, Hold, OnError, Step
from playbook_dsl.values import from_json
from workflows.interpreter.errors import LeaveRepeat, StepFailed, Stopped
from workflows.interpreter.names import Frame
from workflows.interpreter.play import Play
from workflows.interpreter.runtime import ActionFailed
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import Held, Outcome
from workflows.interpreter.undo import inside
from workflows.interpreter.unwind import Unwind


class Skip(Exception):
    """A person skipped the step under way."""


class Done:
    """What a step's handler gives back: the output and, for live outputs, the object they follow. `status` may be skipped."""

    def __init__(
        self, output: dict[str, JsonTree] | None = None, *, live: str | None = None, status: str = "done", detail: str | None = None
    ) -> None:
        """Say what the step produced."""
        self.output = output or {}
        self.live = live
        self.status = status
        self.detail = detail


Handler = Callable[["Walk", Any, Frame, str, Scope], Awaitable[Done]]


class Walk:
    """One walk over the plan. `handlers` says how each kind of step is done."""

    def __init__(self, play: Play, handlers: dict[str, Handler]) -> None:
        """Walk this play."""
        self.play = play
        self.unwind = Unwind(play)
        self._handlers = handlers

    async def block(self, steps: tuple[Step, ...], frame: Frame, scope: Scope) -> None:
        """Walk the steps in order."""
        for step in steps:
            await self.step(step, frame, scope)

    async def step(self, step: AnyStep, frame: Frame, scope: Scope) -> None:
        """Walk one step, unless an earlier walk did."""
        play, key = self.play, frame.key(step.id)
        recorded = play.state.outcomes.get(key)
        if recorded is not None:
            if frame.prefix and recorded.status == "done":
                play.keep_result(frame, step.id, recorded.output, recorded.live)
            _fail_again(key, recorded)
            return
        await self.gate(scope)
        await self._attempt(step, frame, key, scope)

    async def gate(self, scope: Scope) -> None:
        """Hold before a step: while paused, when the scope is left, when the history is long."""
        play = self.play
        scope.check()
        if play.state.paused:
            await play.waiting.until(lambda: True, lambda: None, "paused")
            scope.check()
        if play.draining or play.runtime.history_is_long():
            play.draining = True
            play.scope.leave()
            raise asyncio.CancelledError

    async def _attempt(self, step: AnyStep, frame: Frame, key: str, scope: Scope) -> None:
        caught = self.play.state.memo.get(key, {}).get("caught")
        if caught is not None and step.on_error is not None and step.on_error.catch is not None:
            await self._catch(step.on_error.catch, frame, key, scope, caught)
            return
        begun = False
        while True:
            try:
                begun = begun or self._begins(step, frame, key)
                done = await self._handlers[step.kind](self, step, frame, key, scope) if begun else Done(status="skipped")
            except Skip:
                done = Done(status="skipped", detail="skipped by a person")
            except (LeaveRepeat, Stopped):
                # No outcome is kept: a walk taken up again must come to the same end, not pass it.
                self.play.progress.step(key, step, "done")
                raise
            except (ActionFailed, EvaluationError, StepFailed) as failed:
                if await self._failed(step, frame, key, scope, _step_failed(key, failed)):
                    continue
                return
            self._finish(step, frame, key, done)
            return

    def _begins(self, step: AnyStep, frame: Frame, key: str) -> bool:
        """Say whether the step is wanted; its `if` is looked at once, so that a retry is not passed over."""
        play = self.play
        if key in play.state.skips or (step.when is not None and not play.names.holds(step.when, frame)):
            return False
        play.progress.step(key, step, "running")
        return True

    def _finish(self, step: AnyStep, frame: Frame, key: str, done: Done) -> None:
        play = self.play
        status: Literal["done", "skipped"] = "skipped" if done.status == "skipped" else "done"
        play.state.outcomes[key] = Outcome(status, done.output, at=play.runtime.now(), live=done.live)
        play.state.memo.pop(key, None)
        play.state.trace_line(f"{status} {key}")
        if status == "done":
            play.keep_result(frame, step.id, done.output, done.live)
        play.progress.step(key, step, status, detail=done.detail, output=done.output or None)
        play.changed()

    async def _failed(self, step: AnyStep, frame: Frame, key: str, scope: Scope, error: StepFailed) -> bool:
        """Deal with a failed step as `on_error` says. Gives True when it is to be tried again; raises when the failure goes on."""
        play, rule = self.play, step.on_error or OnError()
        own = error.key == key
        play.state.trace_line(f"failed {key} {error.code}")
        play.progress.step(key, step, "failed", detail=error.message, error=dict(error.as_record()))
        if own and error.code == "Nobody" and isinstance(step, ActionStep) and step.if_nobody == "hold" and step.on_error is None:
            return await self._hold(step, Hold(), frame, key, scope, error)
        if step.on_error is None or rule.do == "undo":
            if own:
                self._note_failure(key, error.as_record(), "raise")
            raise error
        if rule.do == "stop":
            self._note_failure(key, error.as_record(), "stop")
            raise Stopped("failed", undo=False, error=error.as_record())
        if rule.do == "hold":
            return await self._hold(step, rule.hold or Hold(), frame, key, scope, error)
        if rule.catch is not None:
            await self._catch(rule.catch, frame, key, scope, dict(error.as_record()))
            return False
        self._note_failure(key, error.as_record())
        play.changed()
        return False

    def _note_failure(self, key: str, error: Mapping[str, JsonTree], then: Literal["raise", "stop"] | None = None) -> None:
        self.play.state.outcomes[key] = Outcome("failed", error=dict(error), at=self.play.runtime.now(), then=then)

    async def _catch(self, catch: Catch, frame: Frame, key: str, scope: Scope, error: dict[str, JsonTree]) -> None:
        # Kept until the steps are through: a walk taken up in between goes on with them, not with the failed step.
        self.play.state.memo[key] = {"caught": error}
        if catch.undo:
            block = inside(key)
            await self.unwind.entries(lambda entry: entry.key == key or block(entry))
        await self.block(catch.steps, frame.inside(f"{key}/catch").with_names({"error": from_json(error)}), scope)
        self.play.state.memo.pop(key, None)
        self._note_failure(key, error)
        self.play.changed()

    async def _hold(self, step: AnyStep, rule: Hold, frame: Frame, key: str, scope: Scope, error: StepFailed) -> bool:
        play = self.play
        if key not in play.state.holds:
            play.state.held_times[key] = play.state.held_times.get(key, 0) + 1
        held = play.state.holds.setdefault(key, Held(error.code, error.message, play.runtime.now()))
        play.progress.step(key, step, "held", detail=error.message, error=dict(error.as_record()))
        why = f'step "{step.title or step.id}" failed: {error.message}'
        await self.put_in_inbox(step, key, "hold", why, round_=play.state.held_times[key] - 1)
        decided = await self.wait_for(key, lambda: held.decision is not None, rule.hold_for, frame, f"held: {step.title or step.id}")
        decision = held.decision if decided else {"continue": "skip", "undo": "undo", "stop": "stop"}[rule.then]
        play.state.holds.pop(key, None)
        await self.close_inbox(key, f"decided: {decision}")
        scope.check()
        play.state.trace_line(f"held {key} {decision}")
        if decision == "retry":
            play.progress.step(key, step, "running")
            return True
        if decision == "skip":
            self._finish(step, frame, key, Done(status="skipped", detail=f"skipped after: {error.message}"))
            return False
        if decision == "stop":
            self._note_failure(key, error.as_record(), "stop")
            raise Stopped("failed", undo=False, error=error.as_record())
        self._note_failure(key, error.as_record(), "raise")
        raise error

    async def wait_for(
        self, key: str, done: Callable[[], bool], limit: str | None, frame: Frame, summary: str, *, shifts: bool = True
    ) -> bool:
        """Wait until `done()`, at most for the duration `limit`. False: the time is over."""
        play = self.play
        wait = play.waiting.opened(key, shifts=shifts)
        if limit is not None and wait.until is None:
            wait.until = play.add(wait.opened_at, limit, frame)
        finished = await play.waiting.until(done, lambda: play.waiting.shifted(wait.until, wait) if wait.until else None, summary)
        play.waiting.closed(key)
        return finished

    async def put_in_inbox(
        self, step: AnyStep, key: str, kind: str, why: str, by: tuple[str, ...] = ("csm", "role:cs_ops"), *, round_: int = 0
    ) -> None:
        """Put an item about a step into the inbox of the first of `by` that resolves; when nobody does, lists still show the step.

        `round_` counts the times the step was held before: a step that fails again is a new question.
        """
        call = AskCall(run=self.play.run, key=key, kind=kind, round=round_, title=step.title or step.id, why=why, by=by)
        try:
            await self.play.settle(self.play.runtime.ask(call, why), f"inbox {key}")
        except ActionFailed as failed:
            self.play.state.trace_line(f"failed inbox {key} {failed.code}")

    async def close_inbox(self, key: str, reason: str) -> None:
        """Take the items about a step out of the inboxes."""
        await self.play.settle(
            self.play.runtime.update_ask(AskUpdate(run=self.play.run, key=key, do="close", reason=reason)), f"inbox {key}"
        )


def _fail_again(key: str, recorded: Outcome) -> None:
    """Let a recorded failure go on as it did in the walk that met it first."""
    if recorded.then is None or recorded.error is None:
        return
    error = {name: str(value) for name, value in recorded.error.items()}
    if recorded.then == "stop":
        raise Stopped("failed", undo=False, error=error)
    raise StepFailed(key, error["code"], error["message"])


def _step_failed(key: str, error: ActionFailed | EvaluationError | StepFailed) -> StepFailed:
    if isinstance(error, StepFailed):
        return error
    code = error.code if isinstance(error, ActionFailed) else "Expression"
    return StepFailed(key, code, str(error))
