"""Steps of the syntax tree as steps of the plan."""

from collections.abc import Callable
from typing import Any, cast

from playbook_dsl import plan
from playbook_dsl.lower.actions import action_step, fields, play_step, undo
from playbook_dsl.lower.policies import one_of, owners, word, words
from playbook_dsl.lower.values import expr, one_line, value
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import (
    ActionBody,
    AskBody,
    BranchBody,
    ExitSpec,
    ForEachBody,
    LockBody,
    OnErrorSpec,
    ParallelBody,
    PlayBody,
    RepeatBody,
    SetBody,
    SplitBody,
    StageBody,
    Step,
    StopBody,
    StopRepeatBody,
    TogetherBody,
    WaitBody,
    WaitUntilBody,
)
from playbook_dsl.timing.moments import WEEKDAYS, parse_until
from playbook_dsl.words import Word

Common = dict[str, Any]


class Lowering:
    """Turns a resolved file without errors into plan steps."""

    def __init__(self, found: Resolution) -> None:
        self.found = found
        self._bodies: dict[type, Callable[[Step, Any, Common], plan.Step]] = {
            ActionBody: self._action,
            PlayBody: self._play,
            WaitBody: self._wait,
            WaitUntilBody: self._wait_until,
            AskBody: self._ask,
            BranchBody: self._branch,
            ParallelBody: self._parallel,
            ForEachBody: self._for_each,
            RepeatBody: self._repeat,
            StageBody: self._stage,
            TogetherBody: self._together,
            LockBody: self._lock,
            SetBody: self._set,
            StopBody: self._stop,
            StopRepeatBody: self._stop_repeat,
            SplitBody: self._split,
        }

    def steps(self, given: tuple[Step, ...]) -> tuple[plan.Step, ...]:
        """Lower a list of steps."""
        return tuple(self._bodies[type(step.body)](step, step.body, self._common(step)) for step in given)

    def exits(self, given: tuple[ExitSpec, ...]) -> tuple[plan.Exit, ...]:
        """Lower exits; one without a name is called after its place."""
        return tuple(
            plan.Exit(
                name=word(leave.name) or f"exit_{number}",
                when=expr(leave.when),
                event=word(leave.event),
                then=cast(Any, leave.then),
                undo=words(leave.undo),
                steps=self.steps(leave.steps),
            )
            for number, leave in enumerate(given, 1)
        )

    def on_error(self, given: OnErrorSpec | None) -> plan.OnError | None:
        """Lower `on_error`."""
        if given is None:
            return None
        if given.do == "catch":
            return plan.OnError(do="catch", catch=plan.Catch(steps=self.steps(given.steps), undo=given.undo))
        if given.do == "hold":
            return plan.OnError(do="hold", hold=plan.Hold(hold_for=expr(given.hold_for), then=one_of(given.then, "undo")))
        return plan.OnError(do=cast(Any, given.do))

    def _common(self, step: Step) -> Common:
        return {
            "id": step.name,
            "title": word(step.title),
            "when": expr(step.when),
            "on_error": self.on_error(step.on_error or self._default_on_error(step)),
            "note": word(step.note),
            "line": step.place.line,
        }

    def _default_on_error(self, step: Step) -> OnErrorSpec | None:
        if not isinstance(step.body, ActionBody | PlayBody) or self.found.place_of[id(step)].section == "finally":
            return None
        return self.found.playbook.defaults.on_error

    def _action(self, step: Step, body: ActionBody, common: Common) -> plan.Step:
        return action_step(self.found, step, body, common)

    def _play(self, step: Step, body: PlayBody, common: Common) -> plan.Step:
        return play_step(self.found, body, common, undo(self.found, step.undo))

    def _wait(self, step: Step, body: WaitBody, common: Common) -> plan.Step:
        words_of_day = parse_until(body.until.scalar.text) if body.until else None
        return plan.WaitStep(
            **common,
            kind="wait",
            for_=expr(body.for_),
            until=None if words_of_day else expr(body.until),
            until_words=words_of_day.text if words_of_day else None,
            at=word(body.at),
            land_on_business_day=body.land_on is not None,
            fixed=body.fixed,
            while_paused=one_of(body.while_paused, "shift"),
        )

    def _wait_until(self, step: Step, body: WaitUntilBody, common: Common) -> plan.Step:
        alternatives = tuple(
            plan.Alternative(name=given.name.text, event=word(given.event), when=expr(given.when), then=self.steps(given.then))
            for given in body.alternatives
        )
        return plan.WaitUntilStep(
            **common,
            kind="wait_until",
            join=cast(Any, body.join),
            alternatives=alternatives,
            since=one_of(body.since, "start"),
            up_to=expr(body.up_to),
            on_timeout=self.steps(body.on_timeout),
            while_paused=one_of(body.while_paused, "shift"),
        )

    def _ask(self, step: Step, body: AskBody, common: Common) -> plan.Step:
        need = 1 if body.need is None else 0 if body.need.text == "all" else int(body.need.text)
        return plan.AskStep(
            **common,
            kind="ask",
            approval=body.approval,
            by=owners(body.by),
            ask_each=body.need is not None,
            need=need,
            question=value(body.question),
            form=fields(body.form),
            up_to=expr(body.up_to),
            remind=expr(body.remind),
            escalate=tuple(plan.Escalation(after=expr(rung.after) or "", to=owners(rung.to)) for rung in body.escalate),
            timeout_decision=one_of(body.timeout_decision, "reject") if body.timeout_decision else None,
            on_timeout=self.steps(body.on_timeout),
            on_reject=self.steps(body.on_reject),
            while_paused=one_of(body.while_paused, "shift"),
        )

    def _branch(self, step: Step, body: BranchBody, common: Common) -> plan.Step:
        cases = []
        for case in body.cases:
            when = expr(case.when)
            if body.value is not None and not (body.has_else and case is body.cases[-1]):
                when = f"({one_line(body.value.scalar.text)}) == {_as_source(case.name)}"
            cases.append(plan.Case(name=case.name.text, when=when, steps=self.steps(case.steps)))
        return plan.BranchStep(**common, kind="branch", cases=tuple(cases))

    def _parallel(self, step: Step, body: ParallelBody, common: Common) -> plan.Step:
        branches = tuple(
            plan.Case(name=branch.name.text, when=expr(branch.when), steps=self.steps(branch.steps)) for branch in body.branches
        )
        return plan.ParallelStep(**common, kind="parallel", branches=branches, first=body.first, rest=one_of(body.rest, "undo"))

    def _for_each(self, step: Step, body: ForEachBody, common: Common) -> plan.Step:
        return plan.ForEachStep(
            **common,
            kind="for_each",
            items=expr(body.items) or "[]",
            as_=word(body.as_) or "item",
            where=expr(body.where),
            limit=int(body.limit.text) if body.limit else None,
            at_once=int(body.at_once.text) if body.at_once else 1,
            steps=self.steps(body.steps),
            counts={name.text: expr(condition) or "" for name, condition in body.counts},
            until=expr(body.until),
            enough=int(body.enough.text) if body.enough else None,
        )

    def _repeat(self, step: Step, body: RepeatBody, common: Common) -> plan.Step:
        return plan.RepeatStep(
            **common,
            kind="repeat",
            steps=self.steps(body.steps),
            at_most=int(body.at_most.text) if body.at_most else 1,
            until=expr(body.until),
            every=expr(body.every),
            weekdays=tuple(WEEKDAYS.index(day.text.lower().removesuffix("s")) for day in body.weekdays),
            at=word(body.at),
            on_exhausted=self.steps(body.on_exhausted),
        )

    def _stage(self, step: Step, body: StageBody, common: Common) -> plan.Step:
        return plan.StageStep(
            **{**common, "title": word(body.title) or common["title"]},
            kind="stage",
            steps=self.steps(body.steps),
            up_to=expr(body.up_to),
            on_timeout=self.steps(body.on_timeout),
            exits=self.exits(body.exits),
            while_paused=one_of(body.while_paused, "shift"),
        )

    def _together(self, step: Step, body: TogetherBody, common: Common) -> plan.Step:
        return plan.TogetherStep(**common, kind="together", steps=self.steps(body.steps))

    def _lock(self, step: Step, body: LockBody, common: Common) -> plan.Step:
        return plan.LockStep(**common, kind="lock", name=word(body.name) or "", steps=self.steps(body.steps), up_to=expr(body.up_to))

    def _set(self, step: Step, body: SetBody, common: Common) -> plan.Step:
        return plan.SetStep(**common, kind="set", values={name.text: value(given) for name, given in body.values})

    def _stop(self, step: Step, body: StopBody, common: Common) -> plan.Step:
        return plan.StopStep(**common, kind="stop", outcome=word(body.outcome) or "completed", undo=body.undo)

    def _stop_repeat(self, step: Step, body: StopRepeatBody, common: Common) -> plan.Step:
        return plan.StopRepeatStep(**common, kind="stop_repeat")

    def _split(self, step: Step, body: SplitBody, common: Common) -> plan.Step:
        variants = tuple(
            plan.Variant(name=given.name.text, share=given.share or 0.0, steps=self.steps(given.steps)) for given in body.variants
        )
        return plan.SplitStep(**common, kind="split", variants=variants)


def _as_source(case: Word) -> str:
    """Give the name of a case as an expression: numbers and true or false as they are, all else as text."""
    if case.value is None or isinstance(case.value, str):
        quote = "'" if '"' in case.text else '"'
        return f"{quote}{case.text}{quote}"
    return "true" if case.value is True else "false" if case.value is False else case.text
