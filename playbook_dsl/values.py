"""The values expressions work on at run time, and their JSON form.

A value is None (missing), bool, int, float, str, `Money`, `date`, `datetime` (aware UTC), `Duration`, a list of values or a dict
(a record) of values. The JSON form marks what JSON has no word for: `{"$money": ["500", "EUR"]}`, `{"$date": "2026-11-23"}`,
`{"$datetime": "2026-11-23T07:00:00+00:00"}`, `{"$duration": {"days": 3}}`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal

from typing_extensions import TypeAliasType

# TypeAliasType because pydantic follows a recursive name only through it; the `type` statement needs Python 3.12.
Json = TypeAliasType("Json", "bool | int | float | str | list[Json] | dict[str, Json] | None")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency (ISO 4217 code, upper case)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time in the units it was written in, because months and business days have no fixed length.

    Units are added in this order: months, days, business days, working seconds, seconds. All may be negative.
    """

    months: int = 0
    days: int = 0
    business_days: int = 0
    working_seconds: int = 0
    seconds: float = 0


Value = TypeAliasType(
    "Value",
    "bool | int | float | str | Money | date | datetime | Duration | list[Value] | dict[str, Value] | None",
)

_DURATION_FIELDS = tuple(field.name for field in fields(Duration))


def to_json(value: Value) -> Json:
    """Give the JSON form of a value; the inverse of `from_json`.

    Raises:
        TypeError: the value is of none of the types above.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return _marked(value)


def _marked(value: Value) -> Json:
    if isinstance(value, Money):
        return {"$money": [str(value.amount), value.currency]}
    if isinstance(value, datetime):
        return {"$datetime": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Duration):
        return {"$duration": {name: amount for name in _DURATION_FIELDS if (amount := getattr(value, name))}}
    raise TypeError(f"{type(value).__name__} is not a playbook value")


def from_json(node: Json) -> Value:
    """Give the value behind its JSON form. An unknown mark is an ordinary record."""
    if isinstance(node, list):
        return [from_json(item) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((mark, body),) = node.items()
        read = _READERS.get(mark)
        if read is not None:
            return read(body)
    return {key: from_json(item) for key, item in node.items()}


def _money(body: Json) -> Money:
    match body:
        case [amount, currency]:
            return Money(Decimal(str(amount)), str(currency))
    raise ValueError("a $money mark holds an amount and a currency")


def _duration(body: Json) -> Duration:
    match body:
        case dict():
            return Duration(**body)  # type: ignore[arg-type]  # the writer of the mark is `_marked`
    raise ValueError("a $duration mark holds units and amounts")


_READERS: dict[str, Callable[[Json], Value]] = {
    "$money": _money,
    "$date": lambda body: date.fromisoformat(str(body)),
    "$datetime": lambda body: datetime.fromisoformat(str(body)),
    "$duration": _duration,
}
