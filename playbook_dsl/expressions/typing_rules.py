"""Which types an operator takes and gives."""

from typing import Final

from playbook_dsl.expressions.signatures import ORDERED
from playbook_dsl.types import DATE, DATETIME, DURATION, MONEY, NUMBER, TEXT, Type

_RESULTS: Final[dict[tuple[str, str, str], Type]] = {
    **{("number", operator, "number"): NUMBER for operator in "+-*/%"},
    ("text", "+", "text"): TEXT,
    ("money", "+", "money"): MONEY,
    ("money", "-", "money"): MONEY,
    ("money", "*", "number"): MONEY,
    ("number", "*", "money"): MONEY,
    ("money", "/", "number"): MONEY,
    ("money", "/", "money"): NUMBER,
    ("date", "-", "date"): DURATION,
    ("datetime", "-", "datetime"): DURATION,
    ("date", "+", "duration"): DATE,
    ("date", "-", "duration"): DATE,
    ("duration", "+", "date"): DATE,
    ("datetime", "+", "duration"): DATETIME,
    ("datetime", "-", "duration"): DATETIME,
    ("duration", "+", "datetime"): DATETIME,
    ("duration", "+", "duration"): DURATION,
    ("duration", "-", "duration"): DURATION,
}

_HINTS: Final[dict[tuple[str, str], str]] = {
    ("date", "datetime"): "today goes with a date, now with a date and time",
    ("number", "duration"): "give the number its unit, such as 30 days",
    ("date", "number"): "give the number its unit, such as 30 days; a date is written 2026-12-31",
    ("datetime", "number"): "give the number its unit, such as 30 days",
    ("date", "duration"): "write date - today < 90 days",
    ("datetime", "duration"): "write now - moment > 90 days",
    ("number", "text"): "a number stands without quotes",
    ("money", "text"): "money is written 500 EUR, without quotes",
    ("date", "text"): "a date is written without quotes: 2026-12-31",
    ("datetime", "text"): "compare with now, or with another date and time",
    ("bool", "text"): "write true or false without quotes",
    ("bool", "number"): "write true or false",
    ("list", "text"): "ask whether one is in the list: x in list",
    ("money", "number"): "give the number its currency, such as 500 EUR",
}


def result_of(left: Type, operator: str, right: Type) -> Type | None:
    """Give the type of an arithmetic operation, without regard to missing; None when there is no such operation."""
    known = {"any", "missing"}
    if left.kind in known and right.kind in known:
        return Type("any", optional=True)
    if left.kind in known or right.kind in known:
        fixed, position = (right.kind, 2) if left.kind in known else (left.kind, 0)
        possible = {result.kind for key, result in _RESULTS.items() if key[1] == operator and key[position] == fixed}
        if not possible:
            return None
        return Type(possible.pop() if len(possible) == 1 else "any", optional=True)
    return _RESULTS.get((left.kind, operator, right.kind))


def comparable(left: Type, right: Type, operator: str) -> bool:
    """Tell whether two kinds can be compared by == != < <= > or >=."""
    kinds = {left.kind, right.kind}
    if "any" in kinds or "missing" in kinds:
        return not kinds & {"record", "list"}
    if kinds == {"money", "number"}:
        return True
    if len(kinds) > 1:
        return False
    return left.kind in ORDERED or left.kind == "text" or (left.kind == "bool" and operator in ("==", "!="))


def hint_for(left: Type, right: Type) -> str | None:
    """Give what an author most likely meant by putting these two kinds together."""
    return _HINTS.get((left.kind, right.kind)) or _HINTS.get((right.kind, left.kind))
