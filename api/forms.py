"""Checks what somebody filled in against a form (a playbook's inputs, a question), and gives the values in the language's JSON form."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from api.problems import FieldProblem
from playbook_dsl.plan import FormField
from playbook_dsl.timing.durations import parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Json, Money, from_json, to_json

MAX_TEXT = 10_000
MAX_ITEMS = 1_000


class _Wrong(Exception):
    """A value that does not fit its field; the message completes "<field> …"."""


def check_form(form: Sequence[FormField], given: Mapping[str, Json], pointer: str) -> tuple[dict[str, Json], list[FieldProblem]]:
    """Check the given values field by field, and fill in defaults.

    Args:
        form: the fields.
        given: what was filled in, by field name; plain JSON, or the marked form of the language (`{"$date": "2026-12-01"}`).
        pointer: where the values stand in the request, such as `#/inputs`.

    Returns:
        The values in JSON form, and what is wrong; with anything wrong the values are not complete.
    """
    values: dict[str, Json] = {}
    wrong: list[FieldProblem] = []
    known = {field.name for field in form}
    for name in given:
        if name not in known:
            legal = ", ".join(sorted(known)) or "none"
            wrong.append(
                FieldProblem(pointer=f"{pointer}/{name[:80]}", detail=f"is no field of the form; its fields are: {legal}", code="unknown")
            )
    for field in form:
        value = given.get(field.name)
        if value is None:
            if field.default is not None:
                values[field.name] = field.default
            elif field.required:
                wrong.append(FieldProblem(pointer=f"{pointer}/{field.name}", detail="must be filled in", code="missing"))
            else:
                values[field.name] = None
            continue
        try:
            values[field.name] = _read(field, field.type, value)
        except _Wrong as error:
            wrong.append(FieldProblem(pointer=f"{pointer}/{field.name}", detail=str(error), code="bad_value"))
    return values, wrong


def _read(field: FormField, kind: str, value: Json) -> Json:
    if kind == "list":
        return _list(field, value)
    read = _READERS.get(kind, _text)
    found = read(field, value)
    return found


def _list(field: FormField, value: Json) -> Json:
    if not isinstance(value, list):
        raise _Wrong("must be a list")
    if len(value) > MAX_ITEMS:
        raise _Wrong(f"may have at most {MAX_ITEMS} items")
    found: list[Json] = []
    for number, item in enumerate(value, 1):
        try:
            found.append(_read(field, field.item or "text", item))
        except _Wrong as error:
            raise _Wrong(f"item {number} {error}") from None
    return found


def _text(field: FormField, value: Json) -> Json:
    if not isinstance(value, str):
        raise _Wrong(f"must be text, and is {_shown(value)}")
    limit = MAX_TEXT if field.maximum is None else int(field.maximum)
    if len(value) > limit:
        raise _Wrong(f"may have at most {limit} characters, and has {len(value)}")
    if field.minimum is not None and len(value) < field.minimum:
        raise _Wrong(f"must have at least {field.minimum:g} characters")
    return value


def _one_of(field: FormField, value: Json) -> Json:
    if value not in field.options:
        raise _Wrong(f"must be one of {', '.join(field.options)}, and is {_shown(value)}")
    return value


def _number(field: FormField, value: Json) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong(f"must be a number, and is {_shown(value)}")
    _within(field, float(value), _shown(value))
    return value


def _integer(field: FormField, value: Json) -> Json:
    found = _number(field, value)
    if isinstance(found, float) and not found.is_integer():
        raise _Wrong(f"must be a whole number, and is {_shown(value)}")
    return int(found) if isinstance(found, float) else found


def _within(field: FormField, amount: float, shown: str) -> None:
    if field.minimum is not None and amount < field.minimum:
        raise _Wrong(f"must be at least {field.minimum:g}, and is {shown}")
    if field.maximum is not None and amount > field.maximum:
        raise _Wrong(f"must be at most {field.maximum:g}, and is {shown}")


def _bool(field: FormField, value: Json) -> Json:
    if not isinstance(value, bool):
        raise _Wrong(f"must be true or false, and is {_shown(value)}")
    return value


_MONEY = re.compile(r"\s*(-?\d{1,15}(?:\.\d{1,6})?)\s*([A-Z]{3})\s*")


def _money(field: FormField, value: Json) -> Json:
    match value:
        case {"$money": [amount, currency]} | {"amount": amount, "currency": currency}:
            text = f"{amount} {currency}"
        case str():
            text = value
        case _:
            text = ""
    found = _MONEY.fullmatch(text)
    try:
        money = Money(Decimal(found[1]), found[2]) if found else None
    except InvalidOperation:
        money = None
    if money is None:
        raise _Wrong(f'must be an amount with its currency, such as "500 EUR", and is {_shown(value)}')
    _within(field, float(money.amount), text)
    return to_json(money)


def _date(field: FormField, value: Json) -> Json:
    text = value.get("$date") if isinstance(value, dict) else value
    try:
        return to_json(date.fromisoformat(text if isinstance(text, str) and len(text) == 10 else ""))
    except ValueError:
        raise _Wrong(f"must be a date such as 2026-12-01, and is {_shown(value)}") from None


def _duration(field: FormField, value: Json) -> Json:
    try:
        return to_json(from_json(value) if isinstance(value, dict) and "$duration" in value else parse_duration(str(value)))
    except (TimingError, TypeError, ValueError):
        raise _Wrong(f'must be a duration such as "3 business days", and is {_shown(value)}') from None


def _shown(value: Json) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


_READERS: dict[str, Callable[[FormField, Json], Json]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "money": _money,
    "bool": _bool,
    "date": _date,
    "duration": _duration,
    "one_of": _one_of,
}
