"""What triggers watch, and whether what happened makes them fire. Pure: who asks has read what is needed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import eq
from typing import Final, cast

from enrollment.rules import Scope, evaluate
from playbook_dsl.enrollment import Trigger
from playbook_dsl.expressions.operations import compare
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.scope import CLOCK_NAMES
from playbook_dsl.expressions.tree import Call, Literal, Name, Node, children, path_of
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, approximate_seconds
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Duration, Json, Value, from_json, to_json

LATE_FOR: Final = timedelta(days=7)
"""How long after its day a trigger with `after` or `same_day` still fires for an account whose date was set late."""
SETTLES_AT_MOST: Final = 12
"""A burst that does not end is taken as it is after so many times `settle`."""
_ASKS_THE_ROW: Final = frozenset({"in_play", "open_tasks"})
_LONGEST_SPAN_DAYS: Final = 1_100
_NO_FACTS: Final[Scope] = {}


@dataclass(frozen=True)
class Reads:
    """What an expression reads: paths as written, whether the clock, and whether more of the account than its facts."""

    paths: frozenset[str]
    clock: bool
    row: bool


@dataclass(frozen=True)
class Moment:
    """When a date trigger fires for an account, for which date (`mark`), and until when it may be late."""

    mark: str
    at: datetime
    late_until: datetime


def reads(source: str) -> Reads:
    """Give what an expression reads."""
    nodes = list(_nodes(read(source).tree))
    paths = frozenset(".".join(path) for node in nodes if (path := path_of(node)) is not None)
    calls = {node.function for node in nodes if isinstance(node, Call)}
    return Reads(paths - CLOCK_NAMES.keys(), bool(paths & CLOCK_NAMES.keys()), bool(calls & _ASKS_THE_ROW))


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    yield node
    if path_of(node) is None or isinstance(node, Name):
        for child in children(node):
            yield from _nodes(child)


def expression_of(trigger: Trigger, key: str) -> str | None:
    """Give the source of a key that holds an expression."""
    found = trigger.spec.get(key)
    return str(found["$expr"]) if isinstance(found, dict) and "$expr" in found else None


def subject_of(trigger: Trigger) -> str:
    """Give what a trigger is about: the event, the score, the fact, the segment, the date, the condition."""
    return expression_of(trigger, trigger.kind) or str(trigger.spec.get(trigger.kind))


def reads_of(trigger: Trigger) -> Reads:
    """Give what decides whether a trigger fires."""
    match trigger.kind:
        case "change" | "unchanged":
            return Reads(frozenset({subject_of(trigger)}), clock=trigger.kind == "unchanged", row=False)
        case "score":
            return Reads(frozenset({f"{subject_of(trigger)}.score"}), clock=False, row=False)
        case "segment":
            return Reads(frozenset({"account.segment"}), clock=False, row=False)
        case "becomes":
            return reads(subject_of(trigger))
        case "date":
            sources = [subject_of(trigger), *(source for key in ("before", "after") if (source := expression_of(trigger, key)))]
            return Reads(frozenset().union(*(reads(source).paths for source in sources)), clock=True, row=False)
    return Reads(frozenset(), clock=False, row=False)


def span_of(source: str | None) -> timedelta:
    """Give about how long a duration is that reads nothing; none is 0."""
    found = evaluate(source, _NO_FACTS) if source else None
    return timedelta(seconds=approximate_seconds(found)) if isinstance(found, Duration) else timedelta(0)


def settles_for(trigger: Trigger) -> timedelta:
    """Give how long a burst of a trigger settles."""
    return span_of(trigger.settle)


def held_until(trigger: Trigger, since: datetime, scope: Scope) -> datetime:
    """Give when something has held as long as `for` wants; at once without it."""
    source = expression_of(trigger, "for")
    found = evaluate(source, scope) if source else None
    return _after(since, found, scope) if isinstance(found, Duration) else since


def _after(at: datetime, span: Duration, scope: Scope) -> datetime:
    try:
        return add(at, span, _calendar(scope))
    except TimingError:
        return at


def _calendar(scope: Scope) -> BusinessCalendar:
    found = scope.get("$calendar")
    return found if isinstance(found, BusinessCalendar) else BusinessCalendar()


def needs_facts(trigger: Trigger) -> bool:
    """Say whether more than the change itself is needed to know whether a trigger fires."""
    calculated = any(isinstance(trigger.spec.get(key), dict) for key in ("from", "to"))
    return trigger.kind in ("becomes", "date") or calculated or "for" in trigger.spec


def change_fits(trigger: Trigger, before: Json, after: Json, scope: Scope) -> bool:
    """Say whether a change of the watched fact is one that a `change` or `segment` trigger is about."""
    was, now = from_json(before), from_json(after)
    if trigger.kind == "segment":
        name = subject_of(trigger)
        return (was == name) != (now == name) and (now == name) == bool(trigger.spec.get("enters"))
    wanted = (("from", was), ("to", now))
    return all(_equal(_given(trigger.spec[key], scope), value, scope) for key, value in wanted if key in trigger.spec)


def _given(node: object, scope: Scope) -> Value:
    if isinstance(node, Mapping) and "$expr" in node:
        return evaluate(str(node["$expr"]), scope)
    return from_json(cast(Json, node))


def _equal(left: Value, right: Value, scope: Scope) -> bool:
    if left is None or right is None:
        return left is right
    return compare(eq, left, right, scope)


@dataclass(frozen=True)
class Crossing:
    """The numbers of a `score` trigger. `start` is where it has to come from, `within` how long ago at most."""

    path: str
    threshold: float
    start: float
    falls: bool
    within: timedelta | None


def crossing_of(trigger: Trigger) -> Crossing:
    """Give the numbers of a `score` trigger."""
    falls = "drops_below" in trigger.spec
    threshold = float(cast(float, trigger.spec["drops_below" if falls else "rises_above"]))
    start = trigger.spec.get("from")
    within = expression_of(trigger, "within")
    return Crossing(
        path=f"{subject_of(trigger)}.score",
        threshold=threshold,
        start=float(start) if isinstance(start, int | float) else threshold,
        falls=falls,
        within=span_of(within) if within else None,
    )


def moment_of(trigger: Trigger, scope: Scope) -> Moment | None:
    """Give when a date trigger fires for an account; None when it has no such date."""
    source = subject_of(trigger)
    day = evaluate(source, scope)
    if not isinstance(day, date):
        return None
    before, after = expression_of(trigger, "before"), expression_of(trigger, "after")
    shifted = f"({source}) - ({before})" if before else f"({source}) + ({after})" if after else source
    fires = evaluate(shifted, scope)
    if not isinstance(fires, date):
        return None
    at = _begin(fires, scope)
    late_until = _begin(day, scope) + timedelta(days=1) if before else at + LATE_FOR
    marked = to_json(day)
    return Moment(str(next(iter(marked.values())) if isinstance(marked, dict) else marked), at, late_until)


def fires_late(trigger: Trigger, moment: Moment, now: datetime, scope: Scope) -> bool:
    """Say whether a date that was only now set or moved fires at once: its day is today, or it is late and may be."""
    if moment.at > now:
        return False
    midnight = now.astimezone(_calendar(scope).tz).replace(hour=0, minute=0, second=0, microsecond=0)
    if moment.at >= midnight:
        return True
    return trigger.spec.get("late") != "skip" and now < moment.late_until


def _begin(day: date, scope: Scope) -> datetime:
    """Give a moment as it is, and the first one of a day in the account's zone."""
    if isinstance(day, datetime):
        return day
    return datetime.combine(day, time(0), _calendar(scope).tz).astimezone(UTC)


def shifts_of(trigger: Trigger) -> tuple[int, int]:
    """Give between how many days before its date (negative) and after it a date trigger may fire, a few more rather than too few."""
    source = expression_of(trigger, "before") or expression_of(trigger, "after")
    if source is None:
        return (-2, 2)
    found = reads(source)
    tree = read(source).tree
    spans = [node.value for node in _nodes(tree) if isinstance(node, Literal) and isinstance(node.value, Duration)]
    plain = not any(isinstance(node, Call) for node in _nodes(tree)) and not (found.paths and not spans)
    days = [approximate_seconds(span) / 86_400 for span in spans] if plain and spans else [0.0, float(_LONGEST_SPAN_DAYS)]
    least, most = min(days), max(days)
    least, most = int(least * 0.8) - 4, int(most * 1.2) + 4
    return (-most, -least) if expression_of(trigger, "before") else (least, most)
