"""Values on their way to Salesforce and back, and whether two of them are the same to it."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, cast

from activities.contracts import JsonTree
from activities.failures import BadInput
from playbook_dsl.values import Duration, Json, Money, Value, from_json

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def outgoing(values: Mapping[str, JsonTree]) -> dict[str, JsonTree]:
    """Give values as Salesforce takes them: an amount is a number, a list a multi-select.

    Raises:
        BadInput: Salesforce has no field for such a value.
    """
    return {name: _outgoing(name, from_json(cast(Json, tree))) for name, tree in values.items()}


def _outgoing(name: str, value: Value) -> JsonTree:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Money):
        return float(value.amount)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ";".join(cast(list[str], value))
    what = "a duration" if isinstance(value, Duration) else "a list of other things than texts" if isinstance(value, list) else "a record"
    raise BadInput(f'"{name}" cannot be {what}: Salesforce has no field for it')


def bound(tree: JsonTree) -> object:
    """Give a value to compare with in a query.

    Raises:
        BadInput: Salesforce cannot compare with it.
    """
    value = from_json(cast(Json, tree))
    if isinstance(value, Money):
        return value.amount
    if isinstance(value, Duration | dict):
        raise BadInput("a query compares with texts, numbers, dates and lists of them, not with durations or records")
    return [each.amount if isinstance(each, Money) else each for each in value] if isinstance(value, list) else value


def incoming(fields: Mapping[str, JsonTree]) -> dict[str, JsonTree]:
    """Give a record's fields with its dates as dates."""
    return {name: _incoming(value) for name, value in fields.items()}


def _incoming(value: JsonTree) -> JsonTree:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return _moment(value) or value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


def same(there: JsonTree, wanted: JsonTree) -> bool:
    """Say whether Salesforce means the same by both: it keeps no empty text, trims, and writes moments and numbers in its own way."""
    if isinstance(there, str) and isinstance(wanted, str):
        first, second = _moment(there), _moment(wanted)
        if first is not None and second is not None:
            return first == second
        return there.replace("\r\n", "\n").strip() == wanted.replace("\r\n", "\n").strip()
    if isinstance(there, bool) or isinstance(wanted, bool):
        return there is wanted or (wanted is None and there is False)
    if isinstance(there, int | float) and isinstance(wanted, int | float | str):
        try:
            return Decimal(str(there)) == Decimal(str(wanted))
        except ArithmeticError:
            return False
    return (there if there != "" else None) == (wanted if wanted != "" else None)


def differing(there: Mapping[str, JsonTree], wanted: Mapping[str, JsonTree]) -> list[str]:
    """Give the names of the fields that are something else than wanted."""
    return [name for name, value in wanted.items() if not same(there.get(name), value)]


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
