"""Which bands of health no playbook reaches.

A playbook reaches a band when a condition of its entry or of its steps asks about health and can come out as yes there. Everything else an
expression reads may be anything, each time it is read, so the answer errs on one side only: a band that is said to be out of reach is; one
that is said to be reached need not be. Playbooks that never ask about health reach nobody because of it. Exits, goals and `suppress` keep
accounts out, and do not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from playbook_dsl.enrollment import Trigger
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.tree import Comparison, IfElse, IsMissing, Items, Literal, Logic, Node, Not, children, path_of
from playbook_dsl.plan import BranchStep, Plan, walk
from playbook_dsl.scorecard.card import BAND_NAMES, Band, Card

SCORE: Final = ("health", "score")
BAND: Final = ("health", "band")
_FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Span:
    """The scores of a band: from `low` to `high`, both included; scores are whole numbers unless a person says otherwise."""

    band: Band
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Can:
    """How a condition can come out."""

    be_true: bool
    be_false: bool


_ANYTHING: Final = Can(True, True)


@dataclass(frozen=True, slots=True)
class Reach:
    """A playbook and the bands it reaches; `asks` is whether it asks about health at all."""

    playbook: str
    bands: frozenset[Band]
    asks: bool


def spans_of(card: Card) -> tuple[Span, ...]:
    """Give the scores of each band of a card."""
    return (Span("green", card.green, 100), Span("yellow", card.yellow, card.green - 1e-6), Span("red", 0, card.yellow - 1e-6))


def unreached(card: Card, plans: list[Plan]) -> tuple[Band, ...]:
    """Give the bands of a card that no plan reaches, the best first."""
    reached = frozenset(band for plan in plans for band in reach_of(card, plan).bands)
    return tuple(band for band in BAND_NAMES if band not in reached)


def reach_of(card: Card, plan: Plan) -> Reach:
    """Give the bands that a playbook reaches: by its entry where that asks about health, else by the conditions of its steps."""
    audience = plan.enroll.audience if plan.enroll else None
    triggers = plan.enroll.triggers if plan.enroll else ()
    asking = [trigger for trigger in triggers if _is_of_health(trigger) or any(_asks(source) for source in _conditions_of(trigger))]
    whole = audience is not None and _asks(audience)
    steps = [source for source in _conditions_of_steps(plan) if _asks(source)]
    found: set[Band] = set()
    for span in spans_of(card):
        if audience is not None and not how(audience, span).be_true:
            continue
        if whole or asking:
            inside = any(_lets_in(trigger, span) for trigger in asking) or (whole and (not asking or len(asking) < len(triggers)))
        else:
            inside = any(how(source, span).be_true for source in steps)
        if inside:
            found.add(span.band)
    return Reach(plan.playbook, frozenset(found), whole or bool(asking) or bool(steps))


def _conditions_of(trigger: Trigger) -> list[str]:
    becomes = trigger.spec.get("becomes")
    sources = (trigger.when, becomes.get("$expr") if isinstance(becomes, dict) else becomes)
    return [source for source in sources if isinstance(source, str)]


def _conditions_of_steps(plan: Plan) -> Iterator[str]:
    for step in walk(plan.steps):
        if step.when:
            yield step.when
        if isinstance(step, BranchStep):
            yield from (case.when for case in step.cases if case.when)


def _lets_in(trigger: Trigger, span: Span) -> bool:
    return (not _is_of_health(trigger) or _crosses(trigger, span)) and all(how(source, span).be_true for source in _conditions_of(trigger))


def _is_of_health(trigger: Trigger) -> bool:
    return trigger.kind == "score" and trigger.spec.get("score") == "health"


def _crosses(trigger: Trigger, span: Span) -> bool:
    """Say whether an account can be in the band after the crossing that a trigger waits for."""
    below, above = _number(trigger.spec.get("drops_below")), _number(trigger.spec.get("rises_above"))
    if below is None and above is None:
        return True
    return (below is not None and span.low < below) or (above is not None and span.high > above)


def _number(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found)


def _asks(source: str) -> bool:
    tree = read(source).tree
    return tree is not None and _mentions(tree)


def _mentions(tree: Node) -> bool:
    return path_of(tree) in (SCORE, BAND) or any(_mentions(child) for child in children(tree))


def how(source: str, span: Span) -> Can:
    """Say how a condition can come out on accounts of a band."""
    tree = read(source).tree
    return _ANYTHING if tree is None else _how(tree, span)


def _how(node: Node, span: Span) -> Can:
    match node:
        case Literal(value=bool() as value):
            return Can(value, not value)
        case Not(operand=operand):
            inner = _how(operand, span)
            return Can(inner.be_false, inner.be_true)
        case Logic(operator="and", operands=operands):
            parts = [_how(operand, span) for operand in operands]
            return Can(all(part.be_true for part in parts), any(part.be_false for part in parts))
        case Logic(operands=operands):
            parts = [_how(operand, span) for operand in operands]
            return Can(any(part.be_true for part in parts), all(part.be_false for part in parts))
        case IsMissing(operand=operand, negated=negated) if path_of(operand) in (SCORE, BAND):
            return Can(negated, not negated)
        case IfElse(condition=condition, then=then, otherwise=otherwise):
            test, yes, no = _how(condition, span), _how(then, span), _how(otherwise, span)
            true = (test.be_true and yes.be_true) or (test.be_false and no.be_true)
            return Can(true, (test.be_true and yes.be_false) or (test.be_false and no.be_false))
        case Comparison():
            return _compared(node, span)
    return _ANYTHING


def _compared(node: Comparison, span: Span) -> Can:
    left, right, operator = node.left, node.right, node.operator
    if path_of(right) in (SCORE, BAND) and operator in _FLIPPED:
        left, right, operator = right, left, _FLIPPED[operator]
    if path_of(left) == BAND:
        return _of_band(operator, right, span)
    if path_of(left) == SCORE and isinstance(right, Literal):
        value = _number(right.value)
        return _ANYTHING if value is None else _of_score(operator, value, span)
    return _ANYTHING


def _of_band(operator: str, right: Node, span: Span) -> Can:
    if isinstance(right, Literal) and operator in ("==", "!="):
        same = right.value == span.band
    elif isinstance(right, Items) and all(isinstance(item, Literal) for item in right.items):
        same = span.band in [item.value for item in right.items if isinstance(item, Literal)]
    else:
        return _ANYTHING
    holds = same if operator in ("==", "in") else not same
    return Can(holds, not holds)


def _of_score(operator: str, value: float, span: Span) -> Can:
    below, above = span.low < value, span.high > value
    among = span.low <= value <= span.high
    return {
        "<": Can(below, among or above),
        "<=": Can(below or among, above),
        ">": Can(above, among or below),
        ">=": Can(above or among, below),
        "==": Can(among, True),
        "!=": Can(True, among),
    }.get(operator, _ANYTHING)
