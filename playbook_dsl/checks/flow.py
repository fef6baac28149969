"""Control flow: steps that are never reached, loops that are never left, choices that cannot be made."""

import re
from itertools import pairwise

from playbook_dsl.diagnostics import Report
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.source import Span
from playbook_dsl.syntax import (
    AlternativeSpec,
    AskBody,
    BranchBody,
    ExitSpec,
    ParallelBody,
    RepeatBody,
    SplitBody,
    StageBody,
    Step,
    StopBody,
    StopRepeatBody,
    WaitUntilBody,
)
from playbook_dsl.types import Type
from playbook_dsl.walks import Place, blocks_of, sections
from playbook_dsl.words import Word

_OF_EVENT = re.compile(r"(?<![\w.\"'])event\.(?P<field>\w+)")


def check_steps_exist(found: Resolution, report: Report) -> None:
    """PB412 (warning): a playbook has at least one step."""
    slug = found.playbook.slug
    if not found.playbook.steps and not report.has_errors:
        report.warning("PB412", slug.span if slug else found.playbook.span, "the playbook has no steps", hint="add a step below steps:")


def check_reached(found: Resolution, report: Report) -> None:
    """PB411: no step stands behind one that always ends the play or the turn."""
    blocks = [steps for _, steps in sections(found.playbook)]
    blocks += [steps for place in found.places for _, steps in blocks_of(place.step)]
    for steps in blocks:
        for step, following in pairwise(steps):
            if isinstance(step.body, StopBody | StopRepeatBody) and step.when is None and step.verb:
                message = f'step "{following.name}" is never reached: "{step.verb.text}" stands before it'
                report.error("PB411", following.place, message, hint=f'give "{step.name}" an if, or remove what stands behind it')
                break


def check_loops(found: Resolution, report: Report) -> None:
    """PB410: `stop_repeat` stands inside a `repeat`."""
    for place in found.places:
        body = place.step.body
        if isinstance(body, StopRepeatBody) and place.inside(RepeatBody) is None:
            report.error(
                "PB410", place.step.place, '"stop_repeat" stands outside of every "repeat"', hint="to end the play, write stop: {}"
            )


def check_arrived(found: Resolution, report: Report) -> None:
    """PB258: beside `event:` the fields are those of `arrived`; `event` is what started the play."""
    watched: list[ExitSpec | AlternativeSpec] = [*found.playbook.exits]
    for place in found.places:
        body = place.step.body
        if isinstance(body, StageBody | WaitUntilBody):
            watched += body.exits if isinstance(body, StageBody) else body.alternatives
    for one in watched:
        read = _OF_EVENT.search(one.when.scalar.text) if one.event and one.when else None
        if one.event and one.when and read and "arrived" not in one.when.scalar.text:
            message = f'"{read.group()}" is of the event that started the play, not of "{short(one.event.text)}"'
            report.warning("PB258", one.when.scalar.span, message, hint=f"write arrived.{read['field']}")


def check_choices(found: Resolution, report: Report) -> None:
    """PB414, PB416: shares of a split sum to 100%; a branch by value names each value once; cases and branches are more than none."""
    for place in found.places:
        body, step = place.step.body, place.step
        if isinstance(body, SplitBody):
            _check_shares(report, step, body)
        elif isinstance(body, ParallelBody) and len(body.branches) == 1:
            report.warning("PB416", step.place, f'"{step.name}" has one branch; nothing runs side by side')
        elif isinstance(body, BranchBody) and body.value is not None:
            _check_cases(found, report, body)


def _check_shares(report: Report, step: Step, body: SplitBody) -> None:
    shares = [variant.share for variant in body.variants if variant.share is not None]
    if len(body.variants) < 2:
        report.error(
            "PB414", step.place, "a split has at least two variants", hint="write {a: {share: 50%, steps: []}, b: {share: 50%, steps: […]}}"
        )
    elif len(shares) == len(body.variants) and abs(sum(shares) - 1) > 0.0005:
        report.error("PB414", step.place, f'the shares of "{step.name}" sum to {sum(shares) * 100:g}%, not to 100%')


def _check_cases(found: Resolution, report: Report, body: BranchBody) -> None:
    kind = found.type_of(body.value.scalar) if body.value else None
    for case in (body.cases[:-1] if body.has_else else body.cases) if kind else ():
        name = case.name
        if kind is not None and kind.options and name.text not in kind.options:
            near = report.nearest(name.text, kind.options)
            hint = f'did you mean "{near}"?' if near else f"legal: {', '.join(sorted(kind.options))}"
            report.error("PB352", name.span, f'the value is never "{name.text}"', hint=hint)
        elif kind is not None and not _fits(name, kind):
            instead = "write true: and false:" if kind.kind == "bool" else None
            report.error("PB350", name.span, f'the value is {kind.present()}, so it is never "{name.text}"', hint=instead)


def _fits(name: Word, kind: Type) -> bool:
    """Say whether a case can be a value of a type; only text, numbers and true or false can be told apart by a name."""
    value = name.value
    if kind.kind == "any":
        return True
    if isinstance(value, bool):
        return kind.kind == "bool"
    return kind.kind == ("number" if isinstance(value, int | float) else "text")


def check_time_outs(found: Resolution, report: Report) -> None:
    """PB419: what happens on a time-out stands only where there is one."""
    for place in found.places:
        body, step = place.step.body, place.step
        if isinstance(body, WaitUntilBody | AskBody | StageBody) and body.up_to is None:
            decision = body.timeout_decision if isinstance(body, AskBody) else None
            if body.on_timeout or decision:
                at: Span = decision.span if decision else step.place
                hint = "add up_to: 3 business days, or leave on_timeout out"
                report.error("PB419", at, f'"{step.name}" never times out, so "on_timeout" means nothing', hint=hint)


def check_asks(found: Resolution, report: Report) -> None:
    """PB415: no more answers are wanted than people are asked."""
    for place in found.places:
        body = place.step.body
        if not isinstance(body, AskBody) or body.need is None:
            continue
        if body.need.text == "all":
            continue
        count = body.need.value
        people = len(body.by.specs) if body.by else 0
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            report.error("PB110", body.need.span, f'"need" takes a whole number or "all", not "{body.need.text}"')
        elif people and count > people:
            hint = f"name more people, or write need: {people}"
            report.error("PB415", body.need.span, f"{count} answers are wanted, but only {people} are asked", hint=hint)


def check_since(found: Resolution, report: Report) -> None:
    """PB201, PB217: `since` is start, now, or a step that has run by then."""
    for place in found.places:
        body = place.step.body
        if not isinstance(body, WaitUntilBody) or body.since is None or body.since.text in ("start", "now"):
            continue
        since = body.since
        target = found.by_id.get(since.text)
        if target is None:
            near = report.nearest(since.text, [*found.by_id, "start", "now"])
            hint = f'did you mean "{near}"?' if near else "legal: start, now, or the id of a step before this one"
            report.error("PB201", since.span, f'no step has the id "{since.text}"', hint=hint)
        elif since.text not in found.env_before[id(place.step)].steps:
            report.error(
                "PB217",
                since.span,
                f'step "{since.text}" has not run by then',
                hint="legal: start, now, or the id of a step before this one",
            )


def check_finally(found: Resolution, report: Report) -> None:
    """PB417: `finally` ends nothing and waits for nobody without a limit."""
    for place in found.places:
        if place.section != "finally":
            continue
        step = place.step
        if isinstance(step.body, StopBody):
            report.error("PB417", step.place, '"stop" means nothing in finally: the play has ended', hint="leave it out")
        elif step.on_error is not None and step.on_error.do == "hold":
            hint = "write on_error: continue; the error is reported anyway"
            report.error("PB417", step.on_error.span, "finally waits for nobody, so nothing in it is held", hint=hint)
        elif _may_wait_for_ever(place):
            report.error("PB417", step.place, "finally cannot be cancelled, so nothing in it may wait without a limit", hint="add up_to")


def _may_wait_for_ever(place: Place) -> bool:
    body = place.step.body
    return isinstance(body, WaitUntilBody | AskBody) and body.up_to is None
