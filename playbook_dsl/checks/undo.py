"""Undo: effects that cannot be taken back, and rules that say nothing."""

from bisect import bisect_right

from playbook_dsl.coverage import has_effect, is_undoable
from playbook_dsl.diagnostics import Report
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import (
    ActionBody,
    AskBody,
    BranchBody,
    ExitSpec,
    LockBody,
    PlayBody,
    SplitBody,
    StageBody,
    Step,
    StopBody,
    TogetherBody,
    WaitBody,
    WaitUntilBody,
)
from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.walks import Place

_HOUR_S = 3600.0
# How many steps behind an irreversible one are looked at; nobody writes that many cases of one branch.
_MOST_LOOKED_AT = 200


def check_irreversible(found: Resolution, report: Report) -> None:
    """PB401 (warning): a step that cannot be undone stands before one that can fail, and nobody has said that this is meant."""
    failing = [place for place in found.places if _may_fail(place.step)]
    for place in found.places:
        if place.section != "steps" or not _stays(found, place.step) or place.step.undo is not None:
            continue
        first = bisect_right(failing, place.order, key=lambda other: other.order)
        candidates = failing[first : first + _MOST_LOOKED_AT]
        later = next((other for other in candidates if other.section == place.section and not _exclusive(place, other)), None)
        if later is not None:
            name, line = later.step.name, later.step.place.line
            report.warning(
                "PB401",
                place.step.place,
                f'step "{place.step.name}" cannot be undone, but the later step "{name}" (line {line}) can fail',
                hint="if that is meant, add undo: {none: true, because: …}",
            )


def _stays(found: Resolution, step: Step) -> bool:
    return isinstance(step.body, ActionBody) and has_effect(step, found.catalog) and not is_undoable(step, found.catalog)


def _may_fail(step: Step) -> bool:
    return isinstance(step.body, ActionBody | PlayBody) and (step.on_error is None or step.on_error.do == "undo")


def _exclusive(one: Place, other: Place) -> bool:
    for (step, label), (other_step, other_label) in zip(one.path, other.path, strict=False):
        if step is not other_step:
            return False
        if label != other_label:
            return isinstance(step.body, BranchBody | SplitBody | WaitUntilBody | AskBody)
    return False


def check_undo_rules(found: Resolution, report: Report) -> None:
    """PB402, PB404: `undo` stands only where there is an effect, and lends only what can be given back."""
    for place in found.places:
        step = place.step
        action = found.catalog.actions.get(step.body.action.text) if isinstance(step.body, ActionBody) else None
        if step.undo is None or action is None:
            continue
        if action.effect == "read":
            report.error("PB402", step.undo.span, f'"{action.name}" only reads; there is nothing to undo', hint="leave undo out")
        elif step.undo.at_end and step.undo.action is None and action.undo is None:
            message = f'"{action.name}" cannot be undone, so it cannot be given back at the end'
            report.error("PB404", step.undo.span, message, hint="name an action that takes it back: undo: {at_end: true, <action>: {…}}")
        elif step.undo.action is not None:
            other = found.catalog.actions.get(step.undo.action.text)
            if other is not None and other.effect == "read":
                report.error("PB402", step.undo.action.span, f'"{other.name}" only reads; it undoes nothing')


def check_exit_undo(found: Resolution, report: Report) -> None:
    """PB201, PB406: `then: {undo: […]}` names steps that exist and can be undone."""
    for leave in _exits(found):
        for word in leave.undo:
            target = found.by_id.get(word.text)
            if target is None:
                near = report.nearest(word.text, found.by_id)
                hint = f'did you mean "{near}"?' if near else None
                report.error("PB201", word.span, f'no step has the id "{word.text}"', hint=hint)
            elif not has_effect(target.step, found.catalog) and not _holds_steps(target.step):
                report.error("PB406", word.span, f'step "{word.text}" has no effect to undo', hint="name steps that change something")
            elif _stays(found, target.step):
                report.warning("PB406", word.span, f'step "{word.text}" cannot be undone; it will be listed as not undone')


def _exits(found: Resolution) -> list[ExitSpec]:
    own = list(found.playbook.exits)
    return own + [leave for place in found.places if isinstance(place.step.body, StageBody) for leave in place.step.body.exits]


def _holds_steps(step: Step) -> bool:
    return not isinstance(step.body, ActionBody | PlayBody | WaitBody | StopBody)


def check_held_blocks(found: Resolution, report: Report) -> None:
    """PB405: `together` and `lock` hold no question to a person, no wait over one hour and no irreversible step without a reason."""
    for place in found.places:
        around = place.inside(TogetherBody) or place.inside(LockBody)
        if around is None or around.verb is None or (isinstance(around.body, TogetherBody) and around.body.is_tasks):
            continue
        problem = _unfit(found, place.step)
        if problem is not None:
            message, hint = problem
            report.error(
                "PB405", place.step.place, f'step "{place.step.name}" {message}, which "{around.verb.text}" may not hold', hint=hint
            )


def _unfit(found: Resolution, step: Step) -> tuple[str, str] | None:
    body = step.body
    if isinstance(body, AskBody):
        return "asks a person", "ask before the block"
    if isinstance(body, ActionBody) and body.wait:
        return "waits for a person's task", "leave out wait: true, or wait after the block"
    span = body.for_ if isinstance(body, WaitBody) else body.up_to if isinstance(body, WaitUntilBody) else None
    if isinstance(body, WaitBody | WaitUntilBody) and (span is None or _seconds(span.scalar.text) > _HOUR_S):
        return "may wait longer than one hour", "wait before or after the block"
    if _stays(found, step) and not (step.undo and step.undo.because):
        return "cannot be undone", "add undo: {none: true, because: …}, or move it behind the block"
    return None


def _seconds(text: str) -> float:
    try:
        return approximate_seconds(parse_duration(text))
    except TimingError:
        return float("inf")
