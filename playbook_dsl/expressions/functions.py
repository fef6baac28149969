"""The functions of the language at run time. Each takes the evaluated arguments and the environment."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, cast

from playbook_dsl.expressions.environment import Env, calendar_of, zone_of
from playbook_dsl.expressions.letters import to_lower, to_upper
from playbook_dsl.expressions.operations import COMPARES, NUMBERS, Compare, add, compare, exact, operand, same, settle, subtract
from playbook_dsl.expressions.units import MOST_DAYS
from playbook_dsl.values import Duration, Money, Value

Arguments = Sequence[Value]
Function = Callable[[Arguments, Env], Value]

_WIDE: Final = Context(prec=200)
_MOST_DIGITS: Final = 12


def _first_present(arguments: Arguments, env: Env) -> Value:
    return next((value for value in arguments if value is not None), None)


def _len(arguments: Arguments, env: Env) -> Value:
    whole = arguments[0]
    return len(whole) if isinstance(whole, str | list) else None


def _lower(arguments: Arguments, env: Env) -> Value:
    return to_lower(arguments[0]) if isinstance(arguments[0], str) else None


def _upper(arguments: Arguments, env: Env) -> Value:
    return to_upper(arguments[0]) if isinstance(arguments[0], str) else None


def _contains(arguments: Arguments, env: Env) -> Value:
    whole, part = arguments
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    return isinstance(whole, list) and any(same(item, part) for item in whole)


def _starts_with(arguments: Arguments, env: Env) -> Value:
    whole, beginning = arguments
    return isinstance(whole, str) and isinstance(beginning, str) and whole.startswith(beginning)


def _round(arguments: Arguments, env: Env) -> Value:
    value = operand(arguments[0])
    digits = operand(arguments[1]) if len(arguments) > 1 else 0
    if digits.__class__ not in NUMBERS:
        return None
    places = max(-_MOST_DIGITS, min(_MOST_DIGITS, int(cast(float, digits))))
    if isinstance(value, Money):
        return Money(_rounded(value.amount, places), value.currency)
    if value.__class__ not in NUMBERS:
        return None
    rounded = _rounded(exact(cast(float, value)), places)
    return settle(int(rounded)) if places <= 0 else settle(float(rounded))


def _rounded(amount: Decimal, places: int) -> Decimal:
    """Round half away from zero, as people and PostgreSQL do."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_WIDE)


def _extreme(test: Compare) -> Function:
    def function(arguments: Arguments, env: Env) -> Value:
        items = arguments
        if len(arguments) == 1:
            if not isinstance(arguments[0], list):
                return None
            items = [item for item in arguments[0] if item is not None]
        if not items or any(item is None for item in items):
            return None
        best = items[0]
        for item in items[1:]:
            if compare(test, item, best, env):
                best = item
        return best

    return function


def _sum(arguments: Arguments, env: Env) -> Value:
    if not isinstance(arguments[0], list):
        return None
    items = [number for item in arguments[0] if (number := operand(item)) is not None]
    if not items:
        return 0
    if all(item.__class__ in NUMBERS for item in items):
        return settle(sum(cast("list[float]", items)))
    total: Value = items[0]
    for item in items[1:]:
        total = add(total, item, env)
    return total if isinstance(total, Money) else None


def _truths(arguments: Arguments) -> list[bool]:
    items = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
    return [item is True for item in items]


def _any(arguments: Arguments, env: Env) -> Value:
    return any(_truths(arguments))


def _all(arguments: Arguments, env: Env) -> Value:
    return arguments[0] is not None and all(_truths(arguments))


def _count_true(arguments: Arguments, env: Env) -> Value:
    return sum(_truths(arguments))


def _span(part: str) -> Function:
    def function(arguments: Arguments, env: Env) -> Value:
        number = operand(arguments[0])
        if number.__class__ not in NUMBERS or abs(cast(float, number)) > MOST_DAYS:
            return None
        return Duration(**{part: int(cast(float, number))})

    return function


def _days_between(arguments: Arguments, env: Env) -> Value:
    match arguments:
        case [datetime() as first, datetime() as second]:
            between = subtract(second, first, env)
            return between.seconds / 86_400 if isinstance(between, Duration) else None
        case [datetime(), _] | [_, datetime()]:
            return None
        case [date() as first, date() as second]:
            return (second - first).days
    return None


def _business_days_between(arguments: Arguments, env: Env) -> Value:
    days = [value.astimezone(zone_of(env)).date() if isinstance(value, datetime) else value for value in arguments]
    match days:
        case [date() as first, date() as second]:
            return calendar_of(env).business_days_between(first, second)
    return None


def _percent_change(arguments: Arguments, env: Env) -> Value:
    old, new = (operand(value) for value in arguments)
    if isinstance(old, Money) and isinstance(new, Money) and old.currency == new.currency:
        old, new = float(old.amount), float(new.amount)
    if old.__class__ not in NUMBERS or new.__class__ not in NUMBERS or not old:
        return None
    before, after = float(cast(float, old)), float(cast(float, new))
    return settle((after - before) / abs(before) * 100)


def _in_play(arguments: Arguments, env: Env) -> Value:
    ask = cast("Callable[[str], bool] | None", env.get("$in_play"))
    return ask is not None and isinstance(arguments[0], str) and bool(ask(arguments[0]))


def _open_tasks(arguments: Arguments, env: Env) -> Value:
    ask = cast("Callable[[], int] | None", env.get("$open_tasks"))
    return 0 if ask is None else ask()


FUNCTIONS: Final[dict[str, Function]] = {
    "all": _all,
    "any": _any,
    "business_days": _span("business_days"),
    "business_days_between": _business_days_between,
    "coalesce": _first_present,
    "contains": _contains,
    "count_true": _count_true,
    "days": _span("days"),
    "days_between": _days_between,
    "default": _first_present,
    "in_play": _in_play,
    "len": _len,
    "lower": _lower,
    "max": _extreme(COMPARES[">"]),
    "min": _extreme(COMPARES["<"]),
    "open_tasks": _open_tasks,
    "percent_change": _percent_change,
    "round": _round,
    "starts_with": _starts_with,
    "sum": _sum,
    "upper": _upper,
}
"""What each function of `signatures` does."""
