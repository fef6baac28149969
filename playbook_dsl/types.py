"""The static types of the language."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Type:
    """A static type. `optional` means the value may be missing (written `T?`).

    `kind` is one of text, number, bool, date, datetime, duration, money, list, record, any, missing. A list has `item`; a record has
    `fields`; `open` records (custom maps, event payloads) allow unknown fields, which are then of type any?. `options` are the
    legal texts of a closed set (`one_of`), empty when any text goes.
    """

    kind: str
    optional: bool = False
    item: "Type | None" = None
    fields: Mapping[str, "Type"] = field(default_factory=dict, hash=False)
    open: bool = False
    options: tuple[str, ...] = ()

    def maybe(self) -> "Type":
        """Give the same type, but missing allowed."""
        return self if self.optional else Type(self.kind, True, self.item, self.fields, self.open, self.options)

    def present(self) -> "Type":
        """Give the same type without missing."""
        return Type(self.kind, False, self.item, self.fields, self.open, self.options) if self.optional else self

    def __str__(self) -> str:
        """Give the author's word for the type, such as `list of text?`."""
        name = f"list of {self.item}" if self.kind == "list" and self.item else self.kind
        return f"{name}?" if self.optional else name


TEXT = Type("text")
NUMBER = Type("number")
BOOL = Type("bool")
DATE = Type("date")
DATETIME = Type("datetime")
DURATION = Type("duration")
MONEY = Type("money")
ANY = Type("any")
MISSING = Type("missing", optional=True)


def list_of(item: Type) -> Type:
    """Give the type of a list of `item`."""
    return Type("list", item=item)


def record(fields: Mapping[str, Type], *, open: bool = False) -> Type:
    """Give the type of a record with these fields; an open one may hold others too."""
    return Type("record", fields=dict(fields), open=open)


def one_of(*options: str) -> Type:
    """Give the text type that allows only these texts."""
    return Type("text", options=options)
