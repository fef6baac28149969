"""Which steps were added, removed, moved, renamed or changed between two plans. A step is what its id says it is."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

from playbook_dsl.diff.change import Change
from playbook_dsl.diff.fields import VALUE_FIELDS, field_changes, said
from playbook_dsl.explain.blocks import blocks
from playbook_dsl.explain.words import list_words, quoted
from playbook_dsl.plan import ActionStep, Plan, Step, walk
from playbook_dsl.values import Json

_RENAMED = "for undo, results and analytics this is another step; keep the id if it is the same one"


@dataclass(frozen=True)
class Place:
    """Where a step stands: in which step and block (both empty at the top), and after which step of the same block."""

    step: Step
    parent: str
    block: str
    label: str
    index: int
    after: str | None

    @property
    def where(self) -> str:
        """Give the place in words."""
        inside = (
            f" in {quoted(self.parent)}" + (f" ({self.label})" if self.label else "") if self.parent else self.label and f" in {self.label}"
        )
        return f"{inside} after {quoted(self.after)}" if self.after else f"{inside} at the beginning" if inside else " at the beginning"


def places(plan: Plan) -> dict[str, Place]:
    """Give every step of the plan with its place, in the order of the file."""
    found: dict[str, Place] = {}
    _place_block(plan.steps, ("", "steps", ""), found)
    for leave in plan.exits:
        _place_block(leave.steps, ("", f"exit {leave.name}", f"exit {quoted(leave.name)}"), found)
    _place_block(plan.finally_, ("", "finally", "finally"), found)
    return found


def _place_block(steps: tuple[Step, ...], at: tuple[str, str, str], found: dict[str, Place]) -> None:
    after = None
    for index, step in enumerate(steps):
        found.setdefault(step.id, Place(step, *at, index, after))
        after = step.id
        for block in blocks(step):
            _place_block(block.steps, (step.id, block.name, block.label), found)


def step_changes(old: Plan, new: Plan) -> Iterator[Change]:
    """Give what changed in the steps: those that stay in the order of the new file, then those removed."""
    before, after = places(old), places(new)
    removed = {name: place for name, place in before.items() if name not in after}
    renamed = _renamings(removed, {name: place for name, place in after.items() if name not in before})
    moved = _moved(before, after)
    for name, place in after.items():
        if name not in before:
            yield from _added(place, after, before, renamed.get(name))
            continue
        if name in moved:
            yield Change(f"step {quoted(name)}", "moved", f"moved{before[name].where} → {place.where.strip()}")
        yield from _changed(before[name].step, place.step)
    for name, place in removed.items():
        if place.parent not in removed:
            yield _removed(name, place, removed)


def _added(place: Place, after: dict[str, Place], before: dict[str, Place], old_name: str | None) -> Iterator[Change]:
    if place.parent and place.parent not in before and old_name is None:
        return
    inside = [step.id for block in blocks(place.step) for step in walk(block.steps) if step.id not in before and step.id in after]
    words = f"({_verb(place.step)}) added{place.where}" + (f", with {list_words(map(quoted, inside))} inside" if inside else "")
    change = Change(f"step {quoted(place.step.id)}", "added", words, after=own_fields(place.step))
    yield replace(change, meaning=f"it looks like {quoted(old_name)} under another id: {_RENAMED}") if old_name else change


def _removed(name: str, place: Place, removed: dict[str, Place]) -> Change:
    inside = [step.id for block in blocks(place.step) for step in walk(block.steps) if step.id in removed]
    words = f"({_verb(place.step)}) removed" + (f", with {list_words(map(quoted, inside))} inside" if inside else "")
    return Change(f"step {quoted(name)}", "removed", words, before=own_fields(place.step))


def _verb(step: Step) -> str:
    return step.action if isinstance(step, ActionStep) else step.kind


def own_fields(step: Step) -> dict[str, Json]:
    """Give what a step says itself, without id, line and the steps inside it."""
    fields = _without_steps(said(step))
    return {key: value for key, value in fields.items() if key not in ("id", "line")}


def _without_steps(fields: dict[str, Json]) -> dict[str, Json]:
    return {
        key: value if key in VALUE_FIELDS else _thinned(value)
        for key, value in fields.items()
        if not _is_steps(value) or key in VALUE_FIELDS
    }


def _thinned(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_steps(value)
    return [_thinned(item) for item in value] if isinstance(value, list) else value


def _is_steps(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and {"id", "kind"} <= item.keys() for item in value)


_FIELD_NAMES = {"when": "if", "timeout_s": "timeout", "counts": "count", "join": "join", "values": "value"}
_SPOKEN = {"inputs", "cases", "branches", "variants", "alternatives", "values", "form"}


def _changed(old: Step, new: Step) -> Iterator[Change]:
    where = f"step {quoted(new.id)}"
    if _verb(old) != _verb(new):
        meaning = "plays under way undo the old effect as their own version says"
        yield Change(where, "changed", f"verb {_verb(old)} → {_verb(new)}", own_fields(old), own_fields(new), meaning)
        return
    before, after = _with_message_apart(own_fields(old)), _with_message_apart(own_fields(new))
    for found in field_changes(before, after):
        path = found.path[1:] if found.path[0] in _SPOKEN and len(found.path) > 1 else found.path
        words = replace(found, path=tuple(_FIELD_NAMES.get(part, part) for part in path)).words()
        yield Change(where, "changed", words, _json(found.before), _json(found.after), _meaning(found.path[0]))


def _with_message_apart(fields: dict[str, Json]) -> dict[str, Json]:
    message = fields.pop("message", None)
    if isinstance(message, dict):
        fields |= {"text of the message": message.get("body"), "subject of the message": message.get("subject")}
    return fields


def _json(node: object) -> Json:
    return node if node is None or isinstance(node, bool | int | float | str | list | dict) else None


def _meaning(field: str) -> str | None:
    return {
        "undo": "plays under way undo it as their own version says",
        "effect": "the action itself changed, not the playbook",
    }.get(field)


def _moved(before: dict[str, Place], after: dict[str, Place]) -> set[str]:
    """Give the steps in both that stand in another block, or out of the order that most of their block kept."""
    both = [name for name in after if name in before]
    moved = {name for name in both if (before[name].parent, before[name].block) != (after[name].parent, after[name].block)}
    stayed: dict[tuple[str, str], list[str]] = {}
    for name in both:
        if name not in moved:
            stayed.setdefault((after[name].parent, after[name].block), []).append(name)
    for names in stayed.values():
        kept = _longest_rising([before[name].index for name in names])
        moved.update(name for position, name in enumerate(names) if position not in kept)
    return moved


def _longest_rising(numbers: list[int]) -> set[int]:
    """Give the positions of one longest rising subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int | None] = []
    for position, number in enumerate(numbers):
        at = bisect_left(tails, number)
        previous.append(ends[at - 1] if at else None)
        tails[at : at + 1] = [number]
        ends[at : at + 1] = [position]
    found: set[int] = set()
    step = ends[-1] if ends else None
    while step is not None:
        found.add(step)
        step = previous[step]
    return found


def _renamings(removed: dict[str, Place], added: dict[str, Place]) -> dict[str, str]:
    """Pair added with removed steps that say the same, or do the same in the same place: new id → old id."""
    pairs: dict[str, str] = {}
    free = dict(removed)
    for same in (_says_the_same, _stands_there):
        for name, place in added.items():
            if name in pairs:
                continue
            old = next((candidate for candidate, other in free.items() if same(other, place)), None)
            if old is not None:
                pairs[name] = old
                del free[old]
    return pairs


def _says_the_same(old: Place, new: Place) -> bool:
    return _verb(old.step) == _verb(new.step) and own_fields(old.step) == own_fields(new.step)


def _stands_there(old: Place, new: Place) -> bool:
    return _verb(old.step) == _verb(new.step) and (old.parent, old.block, old.index) == (new.parent, new.block, new.index)
