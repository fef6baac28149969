"""The pass that gives every expression its scope: the play is walked in the order it runs, and each step adds what it leaves behind."""

from collections.abc import Callable
from typing import Any

from playbook_dsl.catalog import Catalog
from playbook_dsl.diagnostics import Report
from playbook_dsl.nodes import Document
from playbook_dsl.resolve.actions import resolve_action, resolve_play
from playbook_dsl.resolve.enroll import resolve_enroll
from playbook_dsl.resolve.env import Env
from playbook_dsl.resolve.forms import is_day_in_words
from playbook_dsl.resolve.outputs import for_each_output, output_of, repeat_output
from playbook_dsl.resolve.resolution import MAX_STEPS, Resolution
from playbook_dsl.resolve.scopes import ERROR, RUN_AT_END, WHY_MISSING, base_names, event_type, field_type
from playbook_dsl.syntax import (
    ActionBody,
    AskBody,
    Body,
    BranchBody,
    ExitSpec,
    ForEachBody,
    LockBody,
    ParallelBody,
    PlayBody,
    PlaybookSpec,
    RepeatBody,
    SetBody,
    SplitBody,
    StageBody,
    Step,
    TogetherBody,
    WaitBody,
    WaitUntilBody,
)
from playbook_dsl.types import ANY, NUMBER, TEXT, Type, record
from playbook_dsl.walks import places
from playbook_dsl.words import Expression


def has_too_many_steps(playbook: PlaybookSpec, report: Report) -> bool:
    """Say, and report, whether a file has more steps than a play can carry; checking them would take seconds."""
    steps = places(playbook)
    if len(steps) <= MAX_STEPS:
        return False
    message = f"this is step number {MAX_STEPS + 1:,}; a playbook may have at most {MAX_STEPS:,}"
    report.error("PB119", steps[MAX_STEPS].step.place, message, hint="split it into playbooks started with `play`")
    return True


def resolve(playbook: PlaybookSpec, document: Document, catalog: Catalog, report: Report) -> Resolution:
    """Give every expression of a file its scope and types."""
    found = Resolution(playbook, document, catalog, report)
    start = Env(base_names(playbook, catalog), why={**WHY_MISSING, **_loop_names(found)})
    _Walk(found).playbook(playbook, start)
    return found


def _loop_names(found: Resolution) -> dict[str, str]:
    """Say of the names of loops where they stand, for places where they do not."""
    loops = [(place.step, place.step.body) for place in found.places if isinstance(place.step.body, ForEachBody)]
    facts = {fact.path.partition(".")[0] for fact in found.catalog.facts}
    return {body.as_.text: f'it stands only inside "{step.name}"' for step, body in loops if body.as_ and body.as_.text not in facts}


class _Walk:
    def __init__(self, found: Resolution) -> None:
        self.found = found
        self._bodies: dict[type, Callable[[Step, Any, Env], Env]] = {
            WaitUntilBody: self._wait_until,
            AskBody: self._ask,
            BranchBody: self._branch,
            ParallelBody: self._parallel,
            SplitBody: self._split,
            ForEachBody: self._for_each,
            RepeatBody: self._repeat,
            StageBody: self._stage,
            TogetherBody: self._inner_steps,
            LockBody: self._inner_steps,
            SetBody: self._set,
        }

    def playbook(self, playbook: PlaybookSpec, start: Env) -> None:
        """Walk the file."""
        found = self.found
        for field in playbook.inputs:
            if field.from_ is not None:
                field.from_.expects = field_type(field).maybe()
                found.expression(field.from_, start)
        if playbook.enroll:
            resolve_enroll(found, playbook.enroll, start)
        end = self.block(playbook.steps, start)
        self._exits(playbook.exits, end.unsure())
        self._goal(playbook, start)
        calendar = playbook.time.calendar
        if calendar and "." in calendar.text:
            found.expression(Expression(calendar, TEXT.maybe(), '"calendar"'), start)
        if playbook.deadline:
            found.expression(playbook.deadline.after, start)
        if playbook.defaults.on_error:
            found.expression(playbook.defaults.on_error.hold_for, start)
        closing = end.unsure()
        self.block(playbook.finally_, Env({**closing.base, "run": RUN_AT_END}, closing.why, closing.steps, closing.vars, lenient=True))

    def _goal(self, playbook: PlaybookSpec, start: Env) -> None:
        if playbook.goal:
            for expression in (playbook.goal.when, playbook.goal.within, playbook.goal.by):
                self.found.expression(expression, start)

    def _exits(self, exits: tuple[ExitSpec, ...], env: Env) -> None:
        for leave in exits:
            inside = env.with_local({"arrived": event_type(self.found.catalog, leave.event.text)}) if leave.event else env
            self.found.expression(leave.when, inside)
            self.block(leave.steps, inside)

    def block(self, steps: tuple[Step, ...], env: Env) -> Env:
        """Walk a list of steps and give the scope behind it."""
        for step in steps:
            env = self.step(step, env)
        return env

    def step(self, step: Step, env: Env) -> Env:
        """Walk one step and give the scope behind it."""
        found = self.found
        found.env_before[id(step)] = env
        found.expression(step.when, env, step)
        own = env.with_step(step.name, output_of(step, found.catalog))
        after = self._bodies.get(type(step.body), self._plain)(step, step.body, own)
        self._policies(step, env, after)
        return env.behind([after]) if self._may_leave_nothing(step) else after

    def _may_leave_nothing(self, step: Step) -> bool:
        """Say whether the play may go on behind a step that left no result."""
        acts = isinstance(step.body, ActionBody | PlayBody)
        rule = step.on_error or (self.found.playbook.defaults.on_error if acts else None)
        if step.when is not None or (rule is not None and rule.do in ("continue", "catch")):
            return True
        return isinstance(step.body, ActionBody) and (
            step.review is not None or (step.body.if_nobody is not None and step.body.if_nobody.text == "skip")
        )

    def _policies(self, step: Step, before: Env, after: Env) -> None:
        found = self.found
        if step.review:
            found.expression(step.review.up_to, before, step)
        if step.on_error:
            found.expression(step.on_error.hold_for, before, step)
            self._catch(step.on_error.steps, before.behind([after]))
        if step.undo and step.undo.action and step.undo.inputs:
            resolve_action(found, step, ActionBody(step.undo.action, step.undo.inputs), after)

    def _catch(self, steps: tuple[Step, ...], env: Env) -> None:
        self.block(steps, env.with_local({"error": ERROR}))

    def _plain(self, step: Step, body: Body, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        match body:
            case ActionBody():
                resolve_action(self.found, step, body, before)
            case PlayBody():
                resolve_play(self.found, step, body, before)
            case WaitBody():
                self.found.expression(body.for_, before, step)
                if body.until and not is_day_in_words(body.until.scalar.text):
                    self.found.expression(body.until, before, step)
        return own

    def _wait_until(self, step: Step, body: WaitUntilBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        self.found.expression(body.up_to, before, step)
        ends = []
        for alternative in body.alternatives:
            arrived = event_type(self.found.catalog, alternative.event.text) if alternative.event else None
            self.found.expression(alternative.when, before.with_local({"arrived": arrived}) if arrived else before, step)
            ends.append(self.block(alternative.then, own.with_local({"arrived": arrived}) if arrived else own))
        ends.append(self.block(body.on_timeout, own))
        return own.behind(ends)

    def _ask(self, step: Step, body: AskBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        self.found.value(body.question, before, step)
        for expression in (body.up_to, body.remind, *(escalation.after for escalation in body.escalate)):
            self.found.expression(expression, before, step)
        return own.behind([self.block(body.on_timeout, own), self.block(body.on_reject, own)])

    def _branch(self, step: Step, body: BranchBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        self.found.expression(body.value, before, step)
        ends = []
        for case in body.cases:
            self.found.expression(case.when, before, step)
            ends.append(self.block(case.steps, before))
        return own.behind(ends)

    def _parallel(self, step: Step, body: ParallelBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        after = own
        for branch in body.branches:
            self.found.expression(branch.when, before, step)
            end = self.block(branch.steps, before)
            after = after.behind([end], sure=body.first == 0 and branch.when is None)
        return after

    def _split(self, step: Step, body: SplitBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        return own.behind([self.block(variant.steps, before) for variant in body.variants])

    def _for_each(self, step: Step, body: ForEachBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        items = self.found.expression(body.items, before, step)
        item = items.item if items is not None and items.kind == "list" and items.item else ANY
        name = body.as_.text if body.as_ else "item"
        inside = before.with_local({name: item, "index": NUMBER})
        self.found.expression(body.where, inside, step)
        end = self.block(body.steps, inside.with_local({"total": NUMBER}))
        for _, condition in body.counts:
            self.found.expression(condition, end, step)
        counts = record({count.text: NUMBER for count, _ in body.counts})
        self.found.expression(body.until, before.with_local({"counts": counts, "total": NUMBER}), step)
        return before.with_step(step.name, for_each_output(body, item, dict(end.steps)))

    def _repeat(self, step: Step, body: RepeatBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        self.found.expression(body.every, before, step)
        end = self.block(body.steps, before.with_local({"turn": NUMBER}))
        self.found.expression(body.until, end, step)
        after = before.with_step(step.name, repeat_output(body, dict(end.steps)))
        after = after.with_vars({name: kind.maybe() for name, kind in end.vars.items() if name not in before.vars})
        return after.behind([self.block(body.on_exhausted, after)])

    def _stage(self, step: Step, body: StageBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        self.found.expression(body.up_to, before, step)
        end = self.block(body.steps, before)
        self._exits(body.exits, end.unsure())
        cut_short = bool(body.exits) or body.up_to is not None
        after = own.behind([end], sure=not cut_short)
        return after.behind([self.block(body.on_timeout, after)])

    def _inner_steps(self, step: Step, body: TogetherBody | LockBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        if isinstance(body, LockBody):
            self.found.expression(body.up_to, before, step)
        return own.behind([self.block(body.steps, before)], sure=True)

    def _set(self, step: Step, body: SetBody, own: Env) -> Env:
        before = self.found.env_before[id(step)]
        kinds: dict[str, Type] = {}
        for name, value in body.values:
            kinds[name.text] = self.found.value(value, before, step) or ANY
        return own.with_vars(kinds)
