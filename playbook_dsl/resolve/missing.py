"""Why a step that exists cannot be read at another step's place."""

from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import BranchBody, ForEachBody, ParallelBody, RepeatBody, SplitBody, Step, WaitUntilBody
from playbook_dsl.walks import Place


def why_not_here(target: Place, reader: Step | None, found: Resolution) -> str:
    """Give the reason as the rest of a sentence."""
    name, line = target.step.name, target.step.place.line
    own = found.place_of.get(id(reader))
    if own is None:
        return _outside(target) or f'step "{name}" (line {line}) has not run when this is looked at'
    if own.step is target.step:
        return "a step cannot read its own result before it has run"
    if target.section == "finally" and own.section != "finally":
        return f'step "{name}" (line {line}) runs only in finally, after the play has ended'
    split = _parting(own, target)
    if split is not None:
        return split
    loop = _outside(target, own)
    if loop is not None:
        return loop
    if any(step is own.step for step, _ in target.path):
        return f'step "{name}" (line {line}) stands inside this very step and has not run when this is read'
    if any(step is target.step for step, _ in own.path):
        return f'step "{name}" (line {line}) is the block around this step and is not over yet'
    return f'step "{name}" runs later (line {line})'


def _parting(own: Place, target: Place) -> str | None:
    """Give the reason when the two stand in different blocks of the same step."""
    for (own_step, own_label), (target_step, target_label) in zip(own.path, target.path, strict=False):
        if own_step is not target_step:
            return None
        if own_label != target_label:
            line = target.step.place.line
            if isinstance(own_step.body, ParallelBody):
                return f'step "{target.step.name}" (line {line}) runs side by side with this one, in another branch of "{own_step.name}"'
            if isinstance(own_step.body, BranchBody | SplitBody | WaitUntilBody):
                return f'step "{target.step.name}" (line {line}) stands in another case of "{own_step.name}", and only one of them runs'
            return None
    return None


def _outside(target: Place, own: Place | None = None) -> str | None:
    """Give the reason when the target stands in a loop that the reader is not in."""
    around = {id(step) for step, _ in own.path} if own else set()
    name = target.step.name
    for step, label in target.path:
        if id(step) in around or label != "steps":
            continue
        if own is not None and target.order > own.order:
            return None
        if isinstance(step.body, ForEachBody):
            return f'step "{name}" runs once for each item; its results are in "steps.{step.name}.items"'
        if isinstance(step.body, RepeatBody):
            return f'step "{name}" runs once each turn; the last turn\'s result is "steps.{step.name}.{name}"'
    return None
