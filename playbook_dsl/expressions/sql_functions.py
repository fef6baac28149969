"""The functions of the language in a database query."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sqlalchemy import ARRAY, JSON, Double, Integer, Text, and_, case, func, literal, or_
from sqlalchemy import cast as cast_to

from playbook_dsl.expressions.letters import CAPITALS, SMALL
from playbook_dsl.expressions.sql_calculations import seconds_between
from playbook_dsl.expressions.sql_terms import Condition, Element, Term, as_double, as_kind, as_numeric, bounded, cannot, finite, is_present
from playbook_dsl.expressions.tree import Call, Items, Literal, Node
from playbook_dsl.expressions.units import MOST_DAYS

_DAY_S: Final = 86_400.0
_MOST_DIGITS: Final = 12
_COMPARED_ALIKE: Final = frozenset({"number", "date", "datetime"})


class Lowers(Protocol):
    """What turns parts into terms and conditions."""

    def value(self, node: Node) -> Term:
        """Give a part as a value."""
        ...

    def condition(self, node: Node, *, strict: bool) -> Condition:
        """Give a part as a condition; `strict` when NULL must not stand for no."""
        ...

    def membership(self, node: Node, value: Node, items: Node) -> Condition:
        """Give whether a list holds a value, NULL when either is missing."""
        ...


Rule = Callable[[Lowers, Call], Term]


def call_condition(lowers: Lowers, node: Call) -> Condition | None:
    """Give a function that answers yes or no, never NULL; None when it is not one."""
    rule = _CONDITIONS.get(node.function)
    return None if rule is None else rule(lowers, node)


def call_value(lowers: Lowers, node: Call) -> Term:
    """Give a function as a value."""
    rule = _VALUES.get(node.function)
    if rule is None:
        cannot(node, f'"{node.function}" cannot be turned into a query')
    return rule(lowers, node)


def _argument(lowers: Lowers, node: Call, position: int, kind: str) -> Term:
    argument = node.arguments[position]
    return as_kind(argument, lowers.value(argument), kind)


def _contains(lowers: Lowers, node: Call) -> Condition:
    whole = lowers.value(node.arguments[0])
    if whole.kind == "list":
        return func.coalesce(lowers.membership(node, node.arguments[1], node.arguments[0]), False)
    text, part = as_kind(node.arguments[0], whole, "text"), _argument(lowers, node, 1, "text")
    return func.coalesce(func.strpos(text.element, part.element) > 0, False)


def _starts_with(lowers: Lowers, node: Call) -> Condition:
    text, beginning = _argument(lowers, node, 0, "text"), _argument(lowers, node, 1, "text")
    return func.coalesce(func.starts_with(text.element, beginning.element), False)


def _truths(lowers: Lowers, node: Call) -> list[Condition]:
    items: Sequence[Node] = node.arguments
    if len(items) == 1 and isinstance(items[0], Items):
        items = items[0].items
    elif len(items) == 1:
        kind = lowers.value(items[0]).kind
        if kind != "bool":
            cannot(items[0], "the items of a list of each account cannot be asked of the database")
    return [lowers.condition(item, strict=True) for item in items]


def _any(lowers: Lowers, node: Call) -> Condition:
    return or_(literal(False), *_truths(lowers, node))


def _all(lowers: Lowers, node: Call) -> Condition:
    return and_(literal(True), *_truths(lowers, node))


def _count_true(lowers: Lowers, node: Call) -> Term:
    total: Element = literal(0.0, Double)
    truths = _truths(lowers, node)
    for truth in truths:
        total = total + case((truth, literal(1.0, Double)), else_=literal(0.0, Double))
    return Term(total, "number", 4 * len(truths) + 1)


def _first_present(lowers: Lowers, node: Call) -> Term:
    arguments = node.arguments
    terms = [lowers.value(argument) for argument in arguments]
    kinds = {term.kind for term in terms} - {"missing", "json"}
    if len(kinds) != 1:
        cannot(node, f'"{node.function}" over these cannot be turned into a query')
    (kind,) = kinds
    if kind in ("duration", "list", "record"):
        cannot(node, f'"{node.function}" of {kind} cannot be turned into a query')
    present = [is_present(term) for term in terms]
    same = [as_kind(argument, term, kind) for argument, term in zip(arguments, terms, strict=True)]
    element = case(*((there, term.element) for there, term in zip(present, same, strict=True)))
    currency = case(*((there, term.currency) for there, term in zip(present, same, strict=True))) if kind == "money" else None
    return Term(element, kind, 2 * sum(term.size for term in same) + len(same), currency)


def _len(lowers: Lowers, node: Call) -> Term:
    term = lowers.value(node.arguments[0])
    if term.kind == "list" and isinstance(term.element.type, JSON):
        length = func.jsonb_array_length(term.element)
    elif term.kind == "list" and isinstance(term.element.type, ARRAY):
        length = func.cardinality(term.element)
    else:
        term = as_kind(node.arguments[0], term, "text")
        length = func.char_length(term.element)
    return Term(cast_to(length, Double), "number", term.size + 2)


def _translated(old: str, new: str) -> Rule:
    def rule(lowers: Lowers, node: Call) -> Term:
        term = _argument(lowers, node, 0, "text")
        return Term(func.translate(term.element, literal(old, Text), literal(new, Text)), "text", term.size + 1)

    return rule


def _round(lowers: Lowers, node: Call) -> Term:
    term = lowers.value(node.arguments[0])
    term = bounded(term if term.kind == "money" else as_kind(node.arguments[0], term, "number"))
    places = 0
    if len(node.arguments) == 2:
        digits = node.arguments[1]
        if not isinstance(digits, Literal) or not isinstance(digits.value, int):
            cannot(digits, "the digits to round to must be a whole number written down")
        places = min(digits.value, _MOST_DIGITS)
    rounded = func.round(as_numeric(term), literal(places, Integer))
    if term.kind == "money":
        return Term(rounded, "money", term.size + 1, term.currency)
    return Term(cast_to(rounded, Double), "number", term.size + 2)


def _extreme(name: str) -> Rule:
    def rule(lowers: Lowers, node: Call) -> Term:
        single = node.arguments[0] if len(node.arguments) == 1 else None
        if single is not None and not isinstance(single, Items):
            cannot(single, "the items of a list of each account cannot be asked of the database")
        items = single.items if isinstance(single, Items) else node.arguments
        terms = [lowers.value(item) for item in items]
        kinds = {term.kind for term in terms} - {"missing"}
        if len(kinds) != 1 or not kinds <= _COMPARED_ALIKE:
            cannot(node, f'"{node.function}" over these cannot be turned into a query')
        (kind,) = kinds
        terms = [as_kind(item, term, kind) for item, term in zip(items, terms, strict=True)]
        best = getattr(func, name)(*(term.element for term in terms))
        if single is None:
            best = case((and_(*(term.element.is_not(None) for term in terms)), best))
        return Term(best, kind, 2 * sum(term.size for term in terms) + 2)

    return rule


def _sum(lowers: Lowers, node: Call) -> Term:
    single = node.arguments[0]
    if not isinstance(single, Items):
        cannot(single, "the items of a list of each account cannot be asked of the database")
    total: Element = literal(0.0, Double)
    size = 1
    for item in single.items:
        term = bounded(as_kind(item, lowers.value(item), "number"))
        if term.kind != "number":
            cannot(item, "a sum of money cannot be turned into a query", hint="write a + b")
        total = total + func.coalesce(term.element, literal(0.0, Double))
        size += term.size + 2
    return Term(total, "number", size)


def _days(lowers: Lowers, node: Call) -> Term:
    number = bounded(_argument(lowers, node, 0, "number"))
    days = case((func.abs(number.element) <= MOST_DAYS, cast_to(func.trunc(number.element), Integer)))
    return Term(cast_to(days, Double) * literal(_DAY_S, Double), "duration", 4 * number.size + 4, days=days)


def _days_between(lowers: Lowers, node: Call) -> Term:
    first, second = (lowers.value(argument) for argument in node.arguments)
    kind = first.kind if first.kind in ("date", "datetime") else second.kind
    if kind not in ("date", "datetime"):
        cannot(node, "days between these cannot be counted in a query")
    first, second = (finite(as_kind(argument, term, kind)) for argument, term in zip(node.arguments, (first, second), strict=True))
    days: Element
    if kind == "date":
        days = cast_to(cast_to(second.element - first.element, Integer), Double)
    else:
        days = seconds_between(first, second) / literal(_DAY_S, Double)
    return Term(days, "number", first.size + second.size + 3)


def _percent_change(lowers: Lowers, node: Call) -> Term:
    old, new = (lowers.value(argument) for argument in node.arguments)
    kind = "money" if "money" in (old.kind, new.kind) else "number"
    old, new = (bounded(as_kind(argument, term, kind)) for argument, term in zip(node.arguments, (old, new), strict=True))
    before, after = as_double(old), as_double(new)
    change: Element = (after - before) / func.nullif(func.abs(before), literal(0.0, Double)) * literal(100.0, Double)
    if old.currency is not None and new.currency is not None:
        change = case((old.currency == new.currency, change))
    return Term(change, "number", 2 * old.size + new.size + 6, high=64, low=94)


_CONDITIONS: Final[dict[str, Callable[[Lowers, Call], Condition]]] = {
    "all": _all,
    "any": _any,
    "contains": _contains,
    "starts_with": _starts_with,
}
_VALUES: Final[dict[str, Rule]] = {
    "coalesce": _first_present,
    "count_true": _count_true,
    "days": _days,
    "days_between": _days_between,
    "default": _first_present,
    "len": _len,
    "lower": _translated(CAPITALS, SMALL),
    "max": _extreme("greatest"),
    "min": _extreme("least"),
    "percent_change": _percent_change,
    "round": _round,
    "sum": _sum,
    "upper": _translated(SMALL, CAPITALS),
}
