"""SOQL of parts: names are checked, values are quoted, and nothing that an author or a record says is ever read as SOQL."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from simple_salesforce.format import format_soql

from connectors.errors import Rejected

SoqlValue: TypeAlias = Any
"""Text, a number, a truth value, a date, a datetime, None, or a list of these."""

MOST_ROWS: Final = 2_000
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}")
_ID: Final = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_CONDITION: Final = re.compile(r"\s*(?P<field>[A-Za-z0-9_.]+)\s*(?P<operator>!=|<=|>=|<|>|=|contains|starts with)?\s*")
_ORDER: Final = re.compile(r"\s*(?P<field>[A-Za-z0-9_.]+)(?:\s+(?P<way>asc|desc))?\s*", re.IGNORECASE)


class BadQuery(Rejected):
    """A name or a value that cannot stand in a request; nothing was sent. The message is for authors."""


@dataclass(frozen=True)
class Condition:
    """One condition; the conditions of a query hold together."""

    field: str
    operator: str
    value: SoqlValue


def object_name(name: str) -> str:
    """Check the API name of an object.

    Raises:
        BadQuery: it is none.
    """
    if not _NAME.fullmatch(name):
        raise BadQuery(f'"{name}" is not the API name of an object; write one such as Account or Risk__c')
    return name


def field_path(name: str) -> str:
    """Check the API name of a field, with the relationships to it.

    Raises:
        BadQuery: it is none.
    """
    if not _PATH.fullmatch(name):
        raise BadQuery(f'"{name}" is not the API name of a field; write one such as Name, Risk_Stage__c or Owner.Email')
    return name


def record_id(given: str) -> str:
    """Check the form of a record's id.

    Raises:
        BadQuery: it is none.
    """
    if not _ID.fullmatch(given):
        raise BadQuery(f'"{given}" is not the id of a Salesforce record; it has 15 or 18 letters and digits')
    return given


def read_condition(name: str, value: SoqlValue) -> Condition:
    """Read a condition as authors write it: `Name`, `Amount >=` or `Name contains` with its value.

    Raises:
        BadQuery: the name has another form.
    """
    found = _CONDITION.fullmatch(name)
    if found is None:
        raise BadQuery(f'"{name}" is no condition: write a field, and behind it !=, <, <=, >, >=, contains or starts with')
    return Condition(field_path(found["field"]), found["operator"] or "=", value)


def select(
    object_: str, fields: Sequence[str], where: Sequence[Condition | str] = (), *, order_by: Sequence[str] = (), limit: int = MOST_ROWS
) -> str:
    """Give a query. A condition that is text is SOQL already, of our own making.

    Raises:
        BadQuery: a name or a value cannot stand in one.
    """
    names = ", ".join(dict.fromkeys(field_path(each) for each in fields))
    parts = ["SELECT", names, "FROM", object_name(object_)]
    if where:
        parts.append("WHERE " + " AND ".join(each if isinstance(each, str) else _said(each) for each in where))
    if order_by:
        parts.append("ORDER BY " + ", ".join(_ordered(each) for each in order_by))
    return " ".join([*parts, f"LIMIT {int(limit)}"])


def _ordered(given: str) -> str:
    found = _ORDER.fullmatch(given)
    if found is None:
        raise BadQuery(f'"{given}" is no order: write a field, and behind it desc for the greatest first')
    return f"{field_path(found['field'])} {(found['way'] or 'asc').upper()}"


def _said(condition: Condition) -> str:
    field, operator, value = condition.field, condition.operator, condition.value
    if isinstance(value, list | tuple):
        if operator not in ("=", "!="):
            raise BadQuery(f'"{field} {operator}" takes one value, not a list')
        if not value:
            raise BadQuery(f'the list for "{field}" is empty')
        return f"{field} {'IN' if operator == '=' else 'NOT IN'} ({', '.join(literal(each) for each in value)})"
    if operator in ("contains", "starts with"):
        pattern = "'%{:like}%'" if operator == "contains" else "'{:like}%'"
        said: str = format_soql(pattern, str(value))
        return f"{field} LIKE {said}"
    return f"{field} {operator} {literal(value)}"


def literal(value: SoqlValue) -> str:
    """Give a value as SOQL.

    Raises:
        BadQuery: SOQL has no word for it.
    """
    if value is None or isinstance(value, bool | str):
        quoted: str = format_soql("{}", value)
        return quoted
    if isinstance(value, int | float | Decimal):
        return format(Decimal(str(value)), "f")  # SOQL reads no exponent
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    raise BadQuery(f"a value of the kind {type(value).__name__} cannot stand in a query")


def moment(at: datetime) -> str:
    """Give a moment as Salesforce reads it, in milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def flat(record: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Give a record without the SDK's attributes; what is behind a relationship by its dotted name."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and "attributes" in value:
            found |= flat(value, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = value
    return found
