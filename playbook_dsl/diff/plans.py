"""Two versions of a playbook, compared in words."""

from collections.abc import Iterator, Mapping

from playbook_dsl.diff.change import Change
from playbook_dsl.diff.fields import ABSENT, field_changes, said, shown
from playbook_dsl.diff.steps import step_changes
from playbook_dsl.explain.words import quoted
from playbook_dsl.plan import Plan
from playbook_dsl.plan_part import PlanPart
from playbook_dsl.values import Json

UNDER_WAY = "Plays under way finish on the version they started with; the changes hold for accounts that enter from now on."
NO_CHANGE = "The two versions do the same."

_HEAD = ("title", "owner", "labels", "tables")


def compare(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Give every difference that matters to a play, in the order of a playbook file. Layout, comments and line numbers do not count."""
    return (*_head(old, new), *_inputs(old, new), *_enroll(old, new), *_endings(old, new), *_rules(old, new), *step_changes(old, new))


def render(changes: tuple[Change, ...]) -> str:
    """Give the changes as text, one a line, and what they mean for plays under way."""
    if not changes:
        return f"{NO_CHANGE}\n"
    return "".join(f"{change.line()}\n" for change in changes) + f"\n{UNDER_WAY}\n"


def to_json(old: Plan, new: Plan, changes: tuple[Change, ...]) -> Json:
    """Give the form `diff --json` prints; the digests say which two versions were compared."""
    return {
        "before": {"playbook": old.playbook, "digest": old.digest()},
        "after": {"playbook": new.playbook, "digest": new.digest()},
        "changes": [change.to_json() for change in changes],
    }


def _head(old: Plan, new: Plan) -> Iterator[Change]:
    if old.playbook != new.playbook:
        meaning = "this is another playbook: plays under way and their history stay with the old name"
        yield Change("playbook", "changed", f"{old.playbook} → {new.playbook}", old.playbook, new.playbook, meaning)
    for name in _HEAD:
        yield from _differences(name, {name: _dump(getattr(old, name))}, {name: _dump(getattr(new, name))}, own_name=True)


def _dump(part: object) -> Json:
    match part:
        case PlanPart():
            return said(part)
        case list() | tuple():
            return [_dump(item) for item in part]
        case dict():
            return {str(key): _dump(value) for key, value in part.items()}
        case None | bool() | int() | float() | str():
            return part
    return str(part)


def _differences(where: str, old: Json, new: Json, *, own_name: bool = False, meaning: str | None = None) -> Iterator[Change]:
    for found in field_changes(old, new):
        path = found.path[1:] if own_name else found.path
        words = _renamed(found.words(), found.path, path)
        before, after = (None if side is ABSENT else _dump(side) for side in (found.before, found.after))
        yield Change(where, "changed", words, before, after, meaning)


def _renamed(words: str, full: tuple[str, ...], path: tuple[str, ...]) -> str:
    return words if full == path else f"{' '.join(path)} {words.removeprefix(' '.join(full)).lstrip()}".strip()


def _named_parts(kind: str, old: dict[str, Json], new: dict[str, Json], meaning: str | None = None) -> Iterator[Change]:
    """Compare parts that have names: those of the new version in its order, then those removed."""
    for name, part in new.items():
        where = f"{kind} {quoted(name)}"
        if name not in old:
            yield Change(where, "added", f"added: {shown(part)}", None, part, meaning)
        else:
            yield from _differences(where, _spoken(old[name]), _spoken(part), meaning=meaning)
    for name, part in old.items():
        if name not in new:
            yield Change(f"{kind} {quoted(name)}", "removed", "removed", part, None, meaning)


def _spoken(part: Json) -> Json:
    """Give the part with the author's keys."""
    return {_KEYS.get(key, key): value for key, value in part.items()} if isinstance(part, dict) else part


_KEYS = {"when": "if", "minimum": "min", "maximum": "max"}


def _inputs(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = ({field.name: field for field in plan.inputs} for plan in (old, new))
    for change in _named_parts("input", _fields(before), _fields(after)):
        name = change.where.removeprefix("input “").removesuffix("”")
        meaning = None
        if change.what == "added" and after[name].required and after[name].default is None and after[name].from_ is None:
            meaning = "whoever starts the play must give it now"
        if change.what == "removed":
            meaning = "whoever still gives it when starting the play is refused"
        yield Change(change.where, change.what, change.words, change.before, change.after, meaning)


def _fields(parts: Mapping[str, PlanPart], *without: str) -> dict[str, Json]:
    return {name: {key: value for key, value in said(part).items() if key not in ("name", *without)} for name, part in parts.items()}


def _enroll(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = (said(plan.enroll) if plan.enroll else {} for plan in (old, new))
    yield from _named_parts("trigger", _triggers(before.pop("triggers", [])), _triggers(after.pop("triggers", [])))
    yield from _differences("enroll", before, after)


def _triggers(given: Json) -> dict[str, Json]:
    """Give the triggers by name; one without an id of its own is called after its kind, so that its number may change."""
    found: dict[str, Json] = {}
    for trigger in given if isinstance(given, list) else []:
        if not isinstance(trigger, dict):
            continue
        kind, spec = str(trigger.get("kind")), trigger.get("spec")
        name = str(trigger.get("id"))
        name = kind if name.removeprefix(f"{kind}_").isdigit() else name
        number = next(count for count in range(1, len(found) + 2) if _numbered(name, count) not in found)
        keys = {key: value for key, value in trigger.items() if key not in ("id", "kind", "spec")}
        found[_numbered(name, number)] = {**(spec if isinstance(spec, dict) else {}), **keys}
    return found


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} {number}"


def _endings(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = ({leave.name: leave for leave in plan.exits} for plan in (old, new))
    yield from _named_parts("exit", _fields(before, "steps"), _fields(after, "steps"))
    for name in ("goal", "deadline"):
        yield from _whole(name, _dump(getattr(old, name)), _dump(getattr(new, name)))


def _whole(name: str, old: Json, new: Json) -> Iterator[Change]:
    if old is None and new is not None:
        yield Change(name, "added", f"added: {shown(new)}", None, new)
    elif new is None and old is not None:
        yield Change(name, "removed", "removed", old, None)
    else:
        yield from _differences(name, _spoken(old), _spoken(new))


def _rules(old: Plan, new: Plan) -> Iterator[Change]:
    yield from _differences("time", _dump(old.time), _dump(new.time))
    yield from _differences("defaults retry", _dump(old.retry), _dump(new.retry))
