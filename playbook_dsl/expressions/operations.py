"""What operators do at run time. A missing value, a value of the wrong type and two currencies all give missing, and a comparison no."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Context, Decimal
from math import isfinite
from operator import eq, ge, gt, le, lt, ne
from typing import Final, cast

from playbook_dsl.expressions.environment import Env
from playbook_dsl.expressions.moments import negative, plus, shift_date, shift_datetime
from playbook_dsl.timing.durations import approximate_seconds
from playbook_dsl.values import Duration, Money, Value

NUMBERS: Final = frozenset({int, float})
LARGEST_EXACT: Final = 2**53
LARGEST_OPERAND: Final = 1e30
"""A value larger than this, or smaller than its inverse, counts as missing in a calculation, so that no product leaves the range."""
MOST_TEXT: Final = 100_000
MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""What an operator becomes when its sides change places."""
_COMPARED_AS_THEY_ARE: Final = frozenset({bool, str, date})
_FIFTEEN_DIGITS: Final = 10**15
_WIDE: Final = Context(prec=200)

Compare = Callable[[object, object], bool]
COMPARES: Final[dict[str, Compare]] = {
    "==": eq,
    "!=": ne,
    "<": cast(Compare, lt),
    "<=": cast(Compare, le),
    ">": cast(Compare, gt),
    ">=": cast(Compare, ge),
}


class EvaluationError(Exception):
    """An evaluation went over its budget, or met a value of a shape that no checked expression meets."""


def operand(value: Value) -> Value:
    """Give a value as it counts in a calculation."""
    if value.__class__ is float or value.__class__ is int:
        size = abs(value)
        if not size <= LARGEST_OPERAND or (size and size < 1 / LARGEST_OPERAND):  # "not <=" holds for not-a-number too
            return None
        return float(value) if size > LARGEST_EXACT else value
    if isinstance(value, Money) and value.amount and not 1 / LARGEST_OPERAND <= abs(value.amount) <= LARGEST_OPERAND:
        return None
    return value


def settle(result: float) -> Value:
    """Give a result as a number of the language: doubles, whole ones as int while that is exact; missing beyond."""
    if result.__class__ is int:
        return result if -LARGEST_EXACT <= result <= LARGEST_EXACT else float(result)
    return result if isfinite(result) else None


def exact(number: float) -> Decimal:
    """Give a number in decimal digits, the 15 that a double keeps for certain (as PostgreSQL casts it)."""
    return Decimal(f"{number:.15g}") if number.__class__ is float or abs(number) >= _FIFTEEN_DIGITS else Decimal(number)


def currency_of(env: Env) -> str | None:
    """Give the account's currency, in which bare numbers beside money are meant."""
    account = env.get("account")
    currency = account.get("currency") if isinstance(account, Mapping) else None
    return currency if isinstance(currency, str) else None


def compare(test: Compare, left: Value, right: Value, env: Env) -> bool:
    """Compare two values that are not missing; no when they cannot be compared."""
    if left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return _compare_numbers(test, cast(float, left), cast(float, right))
    if left.__class__ is right.__class__ and left.__class__ in _COMPARED_AS_THEY_ARE:
        return test(left, right)
    match left, right:
        case Money(), Money():
            return left.currency == right.currency and test(left.amount, right.amount)
        case Money(), _ if right.__class__ in NUMBERS:
            return _is_own_currency(left, env) and _compare_amounts(test, left.amount, cast(float, right))
        case _, Money() if left.__class__ in NUMBERS:
            return _is_own_currency(right, env) and _compare_amounts(test, cast(float, left), right.amount)
        case Duration(), Duration():
            return test(approximate_seconds(left), approximate_seconds(right))
        case datetime(), datetime():
            return (left.tzinfo is None) == (right.tzinfo is None) and test(left, right)
    return False


def _compare_numbers(test: Compare, left: float, right: float) -> bool:
    try:
        return test(float(left), float(right))
    except OverflowError:
        return False


def _is_own_currency(money: Money, env: Env) -> bool:
    return currency_of(env) in (None, money.currency)


def _compare_amounts(test: Compare, left: float | Decimal, right: float | Decimal) -> bool:
    try:
        first, second = (side if isinstance(side, Decimal) else exact(side) for side in (left, right))
    except OverflowError:
        return False
    return not first.is_nan() and not second.is_nan() and test(first, second)


def same(left: Value, right: Value) -> bool:
    """Tell whether a list's item is the value looked for."""
    return left is not None and right is not None and compare(eq, left, right, {})


def add(left: Value, right: Value, env: Env) -> Value:
    """Give left + right for what is not two numbers."""
    match left, right:
        case str(), str():
            if len(left) + len(right) > MOST_TEXT:
                raise EvaluationError(f"a text grew over {MOST_TEXT} characters")
            return left + right
        case Money(), Money() if left.currency == right.currency:
            return Money(left.amount + right.amount, left.currency)
        case Duration(), Duration():
            return plus(left, right)
        case Duration(), date():
            return _shift(right, left, env)
        case date(), Duration():
            return _shift(left, right, env)
    return None


def subtract(left: Value, right: Value, env: Env) -> Value:
    """Give left - right for what is not two numbers."""
    match left, right:
        case Money(), Money() if left.currency == right.currency:
            return Money(left.amount - right.amount, left.currency)
        case Duration(), Duration():
            return plus(left, negative(right))
        case date(), Duration():
            return _shift(left, negative(right), env)
        case datetime(), datetime() if (left.tzinfo is None) == (right.tzinfo is None):
            return Duration(seconds=(left - right).total_seconds())
        case (datetime(), _) | (_, datetime()):
            return None
        case date(), date():
            return Duration(days=(left - right).days)
    return None


def _shift(moment: date, span: Duration, env: Env) -> Value:
    return shift_datetime(moment, span, env) if isinstance(moment, datetime) else shift_date(moment, span, env)


def multiply(left: Value, right: Value, env: Env) -> Value:
    """Give left * right for what is not two numbers."""
    if right.__class__ is Money:
        left, right = right, left
    if isinstance(left, Money) and right.__class__ in NUMBERS:
        return _money(float(left.amount) * float(right), left.currency)  # type: ignore[arg-type]  # a number, see above
    return None


def divide(left: Value, right: Value, env: Env) -> Value:
    """Give left / right for what is not two numbers. Nothing is divided by zero: that is missing."""
    if not isinstance(left, Money):
        return None
    if isinstance(right, Money):
        same_currency = left.currency == right.currency and right.amount
        return settle(float(left.amount) / float(right.amount)) if same_currency else None
    if right.__class__ in NUMBERS and right:
        return _money(float(left.amount) / float(right), left.currency)  # type: ignore[arg-type]  # a number, see above
    return None


def _money(amount: float, currency: str) -> Value:
    return Money(exact(amount), currency) if isfinite(amount) else None


def remainder(left: Value, right: Value, env: Env) -> Value:
    """Give no value: only numbers have a remainder."""
    return None


def divide_numbers(left: float, right: float) -> Value:
    """Give left / right, missing for a division by zero."""
    return settle(left / right) if right else None


def remainder_of_numbers(left: float, right: float) -> Value:
    """Give what is left of `left` after taking out whole `right`s; it has the sign of `right`, like in Python."""
    if not right:
        return None
    if left.__class__ is int and right.__class__ is int and max(abs(left), abs(right)) < _FIFTEEN_DIGITS:
        return left % right
    divisor = exact(right)
    rest = _WIDE.remainder(exact(left), divisor)
    if rest and (rest < 0) != (divisor < 0):
        rest += divisor
    return settle(float(rest))
