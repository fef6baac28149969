"""The fields a tenant has added to its accounts."""

import re
from collections.abc import Mapping
from datetime import date

from playbook_dsl.types import BOOL, DATE, MONEY, NUMBER, TEXT, Type, list_of
from playbook_dsl.values import Money, Value
from storage.tables import Tenant

FIELD_TYPES: Mapping[str, Type] = {
    "text": TEXT,
    "number": NUMBER,
    "bool": BOOL,
    "date": DATE,
    "money": MONEY,
    "list of text": list_of(TEXT),
}
FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def type_of_field(tenant: Tenant | None, name: str) -> str | None:
    """Give the word for the type of a tenant's own field, None when it has no such field."""
    return next((field["type"] for field in tenant.custom_fields if field["name"] == name), None) if tenant else None


def fits(kind: str, value: Value) -> bool:
    """Say whether a value is of a field's type."""
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "date":
            return type(value) is date
        case "money":
            return isinstance(value, Money)
        case "list of text":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)
