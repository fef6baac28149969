"""Parts of a database query: a value as a column expression, with what must be known of it to calculate on."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from math import log10
from typing import Any, Final, NoReturn, TypeAlias

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Numeric,
    Text,
    and_,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.types import TypeEngine

from playbook_dsl.expressions.operations import LARGEST_OPERAND
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.tree import Node
from playbook_dsl.timing.durations import approximate_seconds
from playbook_dsl.values import Duration, Money, Value

MOST_PARTS: Final = 5_000
MOST_DIGITS: Final = 300
"""A double has 308 digits before its point; PostgreSQL refuses the whole query when one row goes beyond."""
_OPERAND_DIGITS: Final = int(log10(LARGEST_OPERAND))

FIRST_DATE: Final[ColumnElement[date]] = literal_column("'0001-01-01'::date", Date)
LAST_DATE: Final[ColumnElement[date]] = literal_column("'9999-12-31'::date", Date)

_AS_ASYNCPG_STORES: Final = {"9999-12-31": "infinity", "0001-01-01": "-infinity"}

Element: TypeAlias = ColumnElement[Any]  # SQLAlchemy finds the types of results itself
_WHOLE: Final[Element] = literal_column("'{}'::text[]")
Condition: TypeAlias = ColumnElement[bool]


class Cannot(Exception):  # a finding, told to the author
    """A part cannot be turned into a query."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def cannot(node: Node, message: str, code: str = "PB332", hint: str | None = None) -> NoReturn:
    """Refuse a part."""
    raise Cannot(Problem(code, message, node.offset, node.length, hint))


@dataclass(frozen=True)
class Term:
    """A value in a query; SQL's NULL is missing.

    `kind` is that of its type, or `json` for JSON whose kind only each row knows. Money has its amount in `element` and its `currency`
    beside; a duration has its usual length in seconds in `element` and, where it is a whole number of them, its `days`. `size` counts
    the parts it is made of. A number lies between 10**-low and 10**high, or is 0.
    """

    element: Element
    kind: str
    size: int = 1
    currency: Element | None = None
    days: Element | None = None
    high: int = _OPERAND_DIGITS
    low: int = _OPERAND_DIGITS


def constant(value: Value) -> Term | None:
    """Give a value that is known before the query runs; None for one that no query can hold."""
    match value:
        case bool():
            return Term(literal(value, Boolean), "bool")
        case int() | float():
            digits = 0 if not value else int(log10(abs(value)))
            return Term(literal(float(value), Double), "number", high=max(digits + 1, 0), low=max(1 - digits, 0))
        case str():
            return Term(literal(value, Text), "text")
        case Money():
            return Term(literal(value.amount, Numeric), "money", currency=literal(value.currency, Text))
        case datetime():
            return Term(literal(value, DateTime(timezone=True)), "datetime")
        case date():
            return Term(literal(value, Date), "date")
        case Duration():
            return Term(literal(approximate_seconds(value), Double), "duration")
        case None:
            return Term(null(), "missing")
    return None


def column_term(element: Element, kind: str, currency: Element | None) -> Term:
    """Give a column as a term of its declared kind."""
    if isinstance(element.type, JSON):
        return Term(element, "json") if kind == "any" else replace(from_json_column(element, kind), size=4)
    if kind == "number" and not isinstance(element.type, Double):
        element = cast_to(element, Double)
    if kind == "money":
        return Term(cast_to(element, Numeric), kind, currency=currency)
    return Term(element, kind)


def from_json_column(element: Element, kind: str) -> Term:
    """Give the value of a JSON column where it is of `kind`, missing where it is not."""
    shape, text = func.jsonb_typeof(element), element.op("#>>", return_type=Text())(_WHOLE)
    match kind:
        case "text":
            return Term(case((shape == "string", text)), kind, size=4)
        case "number":
            exact = cast_to(text, Numeric)
            size = func.abs(case((shape == "number", exact)))
            fits = or_(size == 0, and_(size > literal(Decimal("1e-300"), Numeric), size < literal(Decimal("1e300"), Numeric)))
            return Term(case((fits, cast_to(exact, Double))), kind, size=8)
        case "bool":
            return Term(case((shape == "boolean", cast_to(text, Boolean))), kind, size=4)
        case "date":
            day = element.op("->>", return_type=Text())(literal("$date", Text))
            return Term(cast_to(case(_AS_ASYNCPG_STORES, value=day, else_=day), Date), kind, size=5)
        case "datetime":
            return Term(cast_to(element.op("->>", return_type=Text())(literal("$datetime", Text)), DateTime(timezone=True)), kind, size=3)
        case "money":
            pair = element.op("->")(literal("$money", Text))
            amount = cast_to(pair.op("->>", return_type=Text())(0), Numeric)
            return Term(amount, kind, size=8, currency=pair.op("->>", return_type=Text())(1))
    return Term(case((shape == {"list": "array", "record": "object"}.get(kind, ""), element)), kind, size=4)


def is_present(term: Term) -> Condition:
    """Tell in a query that a value is not missing."""
    if term.kind == "json":
        return func.coalesce(func.jsonb_typeof(term.element), "null") != "null"
    return term.element.is_not(None)


_SQL_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "bool": Boolean(),
    "date": Date(),
    "datetime": DateTime(timezone=True),
    "duration": Double(),
    "money": Numeric(),
    "number": Double(),
}


def as_kind(node: Node, term: Term, kind: str) -> Term:
    """Give a term as a value of `kind`; a JSON value of another kind is missing."""
    if term.kind == "json":
        if kind in ("json", "any", "missing"):
            cannot(node, "the type of this is not known, so it cannot be asked of the database", hint="declare the field with its type")
        return replace(from_json_column(term.element, kind), size=term.size * 3 + 4)
    if term.kind == "missing":
        nothing = cast_to(null(), _SQL_TYPES.get(kind, Text()))
        return replace(term, kind=kind, element=nothing, currency=cast_to(null(), Text))
    return term


def bounded(term: Term) -> Term:
    """Give a number or an amount as it counts in a calculation: missing when it is too large or too small."""
    if term.kind not in ("number", "money"):
        return term
    size = func.abs(term.element)
    none, least, most = (_like(term, number) for number in (0.0, 1 / LARGEST_OPERAND, LARGEST_OPERAND))
    fits = and_(size <= most, or_(term.element == none, size >= least))
    return replace(term, element=case((fits, term.element)), size=term.size * 4 + 3, high=_OPERAND_DIGITS, low=_OPERAND_DIGITS)


def finite(term: Term) -> Term:
    """Give a date as it counts in a calculation: asyncpg stores 9999-12-31, which many systems use for "never", as infinity."""
    if term.kind != "date":
        return term
    kept = case((term.element > LAST_DATE, LAST_DATE), (term.element < FIRST_DATE, FIRST_DATE), else_=term.element)
    return replace(term, element=kept, size=3 * term.size + 4)


def _like(term: Term, number: float) -> Element:
    return literal(Decimal(number), Numeric) if term.kind == "money" else literal(number, Double)


def as_double(term: Term) -> Element:
    """Give a number or the amount of money as a double."""
    return cast_to(term.element, Double) if term.kind == "money" else term.element


def as_numeric(term: Term) -> Element:
    """Give a number or the amount of money in decimal digits."""
    return term.element if term.kind == "money" else cast_to(term.element, Numeric)
