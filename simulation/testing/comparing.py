"""What a test expects against what came of the play: differences, each with its place in the test file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from activities.contracts import JsonTree
from playbook_dsl.catalog import Catalog
from playbook_dsl.diagnostics import Report, quoted_words
from playbook_dsl.expressions.template import print_value
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.nodes import Sequence as ListNode
from playbook_dsl.plan import ActionStep, Plan, walk
from playbook_dsl.source import Span
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Value, from_json
from simulation.runtime import Happening as Done
from simulation.testing.cases import Case, Effect, Expected
from simulation.testing.offsets import read_offset
from simulation.testing.replies import step_of
from simulation.testing.running import Actual

_RAN = ("done", "undone", "conflict", "undo_failed", "failed", "cancelled", "waiting", "running", "held")


@dataclass(frozen=True)
class Difference:
    """One way in which the play was not as expected. `lines` draw it."""

    span: Span
    message: str
    lines: tuple[str, ...] = ()


def check_names(case: Case, plan: Plan, catalog: Catalog, report: Report) -> None:
    """Report expected steps that the playbook does not have: such an expectation would hold, or fail, for the wrong reason."""
    steps = [*walk(plan.steps), *walk(plan.finally_), *(step for leave in plan.exits for step in walk(leave.steps))]
    ids = {step.id for step in steps}
    actions = {step.action for step in steps if isinstance(step, ActionStep)}
    expected = case.expected
    for words, legal in (
        ([effect.name for effect in expected.effects or ()], ids | actions),
        (list(expected.undone or ()) + list(expected.ran) + list(expected.not_run) + list(expected.asked or ()), ids),
    ):
        for word in words:
            if step_of(word.text) not in legal:
                report.error("PB201", word.span, f'no step has the id "{word.text}"', suggest=(word.text, sorted(legal)))
    for word in expected.never:
        if word.text not in ids and word.text not in catalog.actions:
            what = "action is called" if "." in word.text else "step has the id"
            report.error("PB201", word.span, f'no {what} "{word.text}"', suggest=(word.text, sorted({*ids, *catalog.actions})))


def compare(case: Case, plan: Plan, actual: Actual, calendar: BusinessCalendar) -> list[Difference]:
    """Give everything that differs, in the order of the file."""
    expected = case.expected
    found = [Difference(span, message) for span, message in actual.trouble]
    checks: Sequence[Callable[[Expected, Plan, Actual], list[Difference]]] = (_outcome, _effects, _never, _undone, _ran, _asked, _values)
    for check in checks:
        found += check(expected, plan, actual)
    found += _ended(expected, actual, calendar)
    return sorted(found, key=lambda difference: (difference.span.line, difference.span.column))


def effects_of(plan: Plan, actual: Actual) -> list[Done]:
    """Give what the play did to the world, reads and undoing left out."""
    reads = {step.id for step in walk((*plan.steps, *plan.finally_)) if isinstance(step, ActionStep) and step.effect == "read"}
    found = []
    for done in actual.done:
        did = done.what in ("perform", "play") and done.status != "skipped"
        if did and not done.key.endswith(".undo") and step_of(done.key) not in reads:
            found.append(done)
    return found


def _outcome(expected: Expected, _plan: Plan, actual: Actual) -> list[Difference]:
    wanted = expected.outcome
    if wanted is None or wanted.text == actual.outcome:
        return []
    why = f" ({actual.error.get('step')}: {actual.error.get('message')})" if actual.error else ""
    return [Difference(wanted.span, f'the outcome is "{actual.outcome}"{why}, not "{wanted.text}"')]


def _effects(expected: Expected, plan: Plan, actual: Actual) -> list[Difference]:
    if expected.effects is None:
        return []
    happened = effects_of(plan, actual)
    pairs = _aligned(expected.effects, happened)
    found = []
    if any(wanted is None or done is None for wanted, done in pairs):
        missing = next((wanted for wanted, done in pairs if wanted and not done), None)
        at = missing or next(iter(expected.effects), None)
        drawing = tuple(_drawn(wanted, done, actual) for wanted, done in pairs)
        found.append(Difference(at.name.span if at else expected.span, "the effects are not the expected ones", drawing))
    for wanted, done in pairs:
        if wanted and done and wanted.inputs:
            found += _inputs(wanted, done, actual.zone)
    return found


def _aligned(wanted: Sequence[Effect], happened: Sequence[Done]) -> list[tuple[Effect | None, Done | None]]:
    """Pair expected and actual effects so that as many as possible match in order (longest common subsequence)."""
    best = [[0] * (len(happened) + 1) for _ in range(len(wanted) + 1)]
    for i in reversed(range(len(wanted))):
        for j in reversed(range(len(happened))):
            same = 1 + best[i + 1][j + 1] if _is(wanted[i].name, happened[j]) else 0
            best[i][j] = max(same, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[Effect | None, Done | None]] = []
    i = j = 0
    while i < len(wanted) or j < len(happened):
        if i < len(wanted) and j < len(happened) and _is(wanted[i].name, happened[j]) and best[i][j] == 1 + best[i + 1][j + 1]:
            pairs.append((wanted[i], happened[j]))
            i, j = i + 1, j + 1
        elif i < len(wanted) and (j == len(happened) or best[i + 1][j] >= best[i][j + 1]):
            pairs.append((wanted[i], None))
            i += 1
        else:
            pairs.append((None, happened[j]))
            j += 1
    return pairs


def _is(name: Scalar, done: Done) -> bool:
    return name.text in (done.key, step_of(done.key), done.action)


def _drawn(wanted: Effect | None, done: Done | None, actual: Actual) -> str:
    if done is None:
        return f"- {wanted.name.text if wanted else '':<24} expected, did not happen"
    mark = "+" if wanted is None else " "
    extra = "   happened, not expected" if wanted is None else ""
    return f"{mark} {done.key:<24} {done.action:<16} {when(done.at, actual)}{extra}"


def when(at: datetime, actual: Actual) -> str:
    """Give a moment as people at the account see it, with the day of the play."""
    local = at.astimezone(ZoneInfo(actual.zone))
    day = (local.date() - actual.start.astimezone(ZoneInfo(actual.zone)).date()).days
    return f"day {day:<3} {local:%a %d %b %H:%M}"


def _inputs(wanted: Effect, done: Done, zone: str) -> list[Difference]:
    found = []
    for entry in wanted.inputs.entries if wanted.inputs else ():
        had = done.inputs.get(entry.key.text)
        if not _same(entry.value, had, zone):
            message = f'"{entry.key.text}" of "{done.key}" is {_shown(had, zone)}, not {_node_text(entry.value)}'
            found.append(Difference(entry.value.span, message))
    return found


def _same(node: Node, had: JsonTree, zone: str) -> bool:
    """Compare a written value with a value of a play: records field by field (others may be there), all else as it prints.

    A date or a moment may also be written as a mock has it, on the clock of the account.
    """
    if isinstance(node, Mapping):
        return isinstance(had, dict) and all(_same(entry.value, had.get(entry.key.text), zone) for entry in node.entries)
    if isinstance(node, ListNode):
        return (
            isinstance(had, list) and len(had) == len(node.items) and all(_same(*pair, zone) for pair in zip(node.items, had, strict=True))
        )
    if isinstance(had, list) and len(had) == 1:
        return _same(node, had[0], zone)
    value = from_json(had)
    return node.value == value or node.text in (str(had), _printed(value, zone), _as_mocked(value, zone))


def _as_mocked(value: Value, zone: str) -> str | None:
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else None


def _printed(value: Value, zone: str) -> str:
    try:
        return print_value(value, {"$zone": zone})
    except (TypeError, ValueError):
        return str(value)


def _shown(had: JsonTree, zone: str) -> str:
    return "missing" if had is None else f'"{_printed(from_json(had), zone)}"'


def _node_text(node: Node) -> str:
    return f'"{node.text}"' if isinstance(node, Scalar) else "as written here"


def _never(expected: Expected, plan: Plan, actual: Actual) -> list[Difference]:
    return [
        Difference(word.span, f'"{word.text}" must never happen, but step "{done.key}" did it on {when(done.at, actual)}')
        for word in expected.never
        for done in effects_of(plan, actual)
        if _is(word, done)
    ]


def _undone(expected: Expected, _plan: Plan, actual: Actual) -> list[Difference]:
    if expected.undone is None:
        return []
    happened = [done.key.removesuffix(".undo") for done in actual.done if done.what == "undo" or done.key.endswith(".undo")]
    wanted = [word.text for word in expected.undone]
    if len(wanted) == len(happened) and all(name in (key, step_of(key)) for name, key in zip(wanted, happened, strict=True)):
        return []
    span = expected.undone[0].span if expected.undone else expected.span
    return [Difference(span, f"undone were {_listed(happened)}, not {_listed(wanted)} (last effect first)")]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "no effects"


def _ran(expected: Expected, _plan: Plan, actual: Actual) -> list[Difference]:
    keys = [key for key, step in actual.steps.items() if step["status"] in _RAN]
    ran = {*keys, *map(step_of, keys)}
    found = [Difference(word.span, f'step "{word.text}" did not run') for word in expected.ran if word.text not in ran]
    return found + [Difference(word.span, f'step "{word.text}" ran') for word in expected.not_run if word.text in ran]


def _asked(expected: Expected, _plan: Plan, actual: Actual) -> list[Difference]:
    if expected.asked is None:
        return []
    asked = list(dict.fromkeys(step_of(done.key) for done in actual.done if done.what == "ask"))
    missing = [word for word in expected.asked if step_of(word.text) not in asked]
    found = [Difference(word.span, f'nobody was asked by "{word.text}"') for word in missing]
    wanted = {step_of(word.text) for word in expected.asked}
    extra = [name for name in asked if name not in wanted]
    if extra:
        found.append(
            Difference(expected.asked[0].span if expected.asked else expected.span, f"people were asked by {quoted_words(extra)} too")
        )
    return found


def _values(expected: Expected, _plan: Plan, actual: Actual) -> list[Difference]:
    """Compare results of steps (`call.status`) and values of `set` (`vars.depth`)."""
    found = []
    for entry in expected.values.entries if expected.values else ():
        root, _, path = entry.key.text.partition(".")
        at: JsonTree = actual.vars if root == "vars" else cast(dict[str, JsonTree], actual.steps.get(root) or {}).get("output")
        for name in path.split("."):
            at = at.get(name) if isinstance(at, dict) else None
        if not _same(entry.value, at, actual.zone):
            found.append(Difference(entry.key.span, f'"{entry.key.text}" is {_shown(at, actual.zone)}, not {_node_text(entry.value)}'))
    return found


def _ended(expected: Expected, actual: Actual, calendar: BusinessCalendar) -> list[Difference]:
    if expected.ended is None:
        return []
    text = expected.ended.text
    try:
        wanted = read_offset(text, actual.start, actual.start, calendar)
    except TimingError as error:
        return [Difference(expected.ended.span, str(error))]
    exact = ":" in text
    there = actual.ended_at.astimezone(calendar.tz)
    same = there.replace(second=0, microsecond=0) == wanted if exact else there.date() == wanted.astimezone(calendar.tz).date()
    return [] if same else [Difference(expected.ended.span, f'the play ended on {when(actual.ended_at, actual)}, not on "{text}"')]
