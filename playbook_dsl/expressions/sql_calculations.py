"""Arithmetic in a database query, with the results it has in memory."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Date, DateTime, Double, Integer, Numeric, Text, and_, case, func, literal
from sqlalchemy import cast as cast_to

from playbook_dsl.expressions.moments import has_fixed_length, negative
from playbook_dsl.expressions.sql_terms import FIRST_DATE, LAST_DATE, MOST_DIGITS, Element, Term, as_double, as_numeric, cannot
from playbook_dsl.expressions.tree import Arithmetic, Node
from playbook_dsl.timing.durations import approximate_seconds
from playbook_dsl.values import Duration

_DAY_S: Final = 86_400
_LONGEST_S: Final = 3_000 * 366 * _DAY_S
"""PostgreSQL's calendar reaches this far beyond the years 1 to 9999 on both sides."""
_FIRST_AT, _LAST_AT = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def calculate(node: Arithmetic, left: Term, right: Term) -> Term:
    """Give `left operator right`; NULL where memory has missing."""
    rule = _RULES.get((left.kind, node.operator, right.kind))
    if rule is None:
        cannot(node, f'"{node.operator}" between these cannot be turned into a query')
    return rule(node, left, right)


def negated(node: Node, term: Term) -> Term:
    """Give minus a number or money."""
    if term.kind not in ("number", "money"):
        cannot(node, "the minus of this cannot be turned into a query")
    return Term(-term.element, term.kind, term.size + 1, term.currency, high=term.high, low=term.low)


def _reach(node: Node, high: int, low: int) -> tuple[int, int]:
    if max(high, low) > MOST_DIGITS:
        cannot(node, "this calculation is too long for a query", "PB333", "write fewer operations")
    return max(high, 0), max(low, 0)


def _numbers(node: Arithmetic, left: Term, right: Term) -> Term:
    size = left.size + right.size + 1
    if node.operator in "+-":
        high, low = _reach(node, max(left.high, right.high) + 1, max(left.low, right.low) + 17)
        element = left.element + right.element if node.operator == "+" else left.element - right.element
        return Term(element, "number", size, high=high, low=low)
    if node.operator == "*":
        high, low = _reach(node, left.high + right.high, left.low + right.low)
        return Term(left.element * right.element, "number", size, high=high, low=low)
    if node.operator == "/":
        high, low = _reach(node, left.high + right.low, left.low + right.high)
        return Term(left.element / func.nullif(right.element, literal(0.0, Double)), "number", size, high=high, low=low)
    return _remainder(node, left, right)


def _remainder(node: Node, left: Term, right: Term) -> Term:
    divisor = func.nullif(as_numeric(right), literal(0, Numeric))
    rest = func.mod(as_numeric(left), divisor)
    element = case((and_(rest != 0, (rest < 0) != (divisor < 0)), rest + divisor), else_=rest)
    high, low = _reach(node, right.high, max(left.low, right.low) + 17)
    return Term(cast_to(element, Double), "number", 4 * (left.size + right.size) + 6, high=high, low=low)


def _same_currency(left: Term, right: Term, element: Element) -> Element:
    if left.currency is None or right.currency is None or left.currency is right.currency:
        return element
    return case((left.currency == right.currency, element))


def _moneys(node: Arithmetic, left: Term, right: Term) -> Term:
    size = left.size + right.size + 3
    high, low = _reach(node, max(left.high, right.high) + 1, max(left.low, right.low) + 17)
    if node.operator == "/":
        high, low = _reach(node, left.high + right.low, left.low + right.high)
        share = as_double(left) / func.nullif(as_double(right), literal(0.0, Double))
        return Term(_same_currency(left, right, share), "number", size, high=high, low=low)
    amount = left.element + right.element if node.operator == "+" else left.element - right.element
    return Term(_same_currency(left, right, amount), "money", size, left.currency, high=high, low=low)


def _scaled(node: Arithmetic, left: Term, right: Term) -> Term:
    if right.kind == "money":
        left, right = right, left
    size = left.size + right.size + 3
    if node.operator == "*":
        high, low = _reach(node, left.high + right.high, left.low + right.low)
        amount = as_double(left) * right.element
    else:
        high, low = _reach(node, left.high + right.low, left.low + right.high)
        amount = as_double(left) / func.nullif(right.element, literal(0.0, Double))
    return Term(cast_to(amount, Numeric), "money", size, left.currency, high=high, low=low)


def _joined(node: Arithmetic, left: Term, right: Term) -> Term:
    return Term(left.element.op("||", return_type=Text())(right.element), "text", left.size + right.size + 1)


def _dates_apart(node: Arithmetic, left: Term, right: Term) -> Term:
    days = cast_to(left.element - right.element, Integer)
    seconds = cast_to(days, Double) * literal(float(_DAY_S), Double)
    return Term(seconds, "duration", left.size + right.size + 3, days=days)


def _moments_apart(node: Arithmetic, left: Term, right: Term) -> Term:
    return Term(seconds_between(right, left), "duration", left.size + right.size + 3)


def seconds_between(first: Term, second: Term) -> Element:
    """Give the seconds from one moment to a later one."""
    return cast_to(func.extract("epoch", second.element - first.element), Double)


def _date_and_days(node: Arithmetic, left: Term, right: Term) -> Term:
    moment, span = (right, left) if left.kind == "duration" else (left, right)
    if span.days is None:
        cannot(node, "a span of this kind cannot be added in a query")
    days = span.days if node.operator == "+" else -span.days
    return _in_calendar(Term(moment.element + days, "date", moment.size + span.size + 1))


def _in_calendar(term: Term) -> Term:
    """Keep a date or moment within the years 1 to 9999; missing outside."""
    if term.kind == "date":
        kept = term.element.between(FIRST_DATE, LAST_DATE)
    else:
        kept = term.element.between(literal(_FIRST_AT, DateTime(timezone=True)), literal(_LAST_AT, DateTime(timezone=True)))
    return Term(case((kept, term.element)), term.kind, 2 * term.size + 3)


def shifted(node: Node, moment: Term, span: Duration, zone: str) -> Term:
    """Give a date or moment of a row after a span that is known before."""
    if span.business_days or span.working_seconds:
        cannot(node, "business days from a date of each account cannot be turned into a query", hint="count them from today")
    if abs(approximate_seconds(span)) > _LONGEST_S:
        cannot(node, "this span is too long for a query")
    if moment.kind == "date":
        return _shifted_date(moment, span)
    if (span.months or span.days) and zone != "UTC":
        cannot(node, "days of a time zone cannot be turned into a query", hint="use hours, or a date")
    if span.months:
        wall = func.timezone("UTC", moment.element) + func.make_interval(0, span.months)
        moment = _in_calendar(Term(func.timezone("UTC", wall), "datetime", moment.size + 4))
    seconds = func.make_interval(0, 0, 0, 0, 0, 0, literal(float(span.days * _DAY_S + span.seconds), Double))
    return _in_calendar(Term(moment.element + seconds, "datetime", moment.size + 2))


def _shifted_date(moment: Term, span: Duration) -> Term:
    if span.months:
        moved = cast_to(moment.element + func.make_interval(0, span.months), Date)
        moment = _in_calendar(Term(moved, "date", moment.size + 3))
    days = span.days + int(span.seconds // _DAY_S)
    return _in_calendar(Term(moment.element + literal(days, Integer), "date", moment.size + 2)) if days else moment


def gap_as_limit(span: Duration, kind: str) -> bool:
    """Tell whether `late - early < span` may be asked as `late < early + span`: same answer, and an index can serve it."""
    return has_fixed_length(span) and (not span.seconds or kind == "datetime")


def backwards(span: Duration, operator: str) -> Duration:
    """Give the span as it is added: turned around for a minus."""
    return negative(span) if operator == "-" else span


Rule = Callable[[Arithmetic, Term, Term], Term]
_RULES: Final[dict[tuple[str, str, str], Rule]] = {
    **{("number", operator, "number"): _numbers for operator in "+-*/%"},
    **{("money", operator, "money"): _moneys for operator in "+-/"},
    ("money", "*", "number"): _scaled,
    ("number", "*", "money"): _scaled,
    ("money", "/", "number"): _scaled,
    ("text", "+", "text"): _joined,
    ("date", "-", "date"): _dates_apart,
    ("datetime", "-", "datetime"): _moments_apart,
    ("date", "+", "duration"): _date_and_days,
    ("date", "-", "duration"): _date_and_days,
    ("duration", "+", "date"): _date_and_days,
}
