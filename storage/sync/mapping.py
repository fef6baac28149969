"""What becomes of a vendor's records here, as data: read from YAML by `storage.sync.reading`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from playbook_dsl.types import DATE, NUMBER, TEXT, Type, list_of, one_of
from playbook_dsl.values import Json
from storage.fact_definitions import STATUSES

RawValue: TypeAlias = Any
"""A value of a vendor's record: plain JSON."""
Fields: TypeAlias = Mapping[str, RawValue]
"""A vendor's fields by their dotted names."""

OURS: Final = "playkeeper"
"""The owner of a field that only people and plays change here."""

ACCOUNT_FIELDS: Final[Mapping[str, Type]] = {
    **dict.fromkeys(("stage", "tier", "segment", "country", "zone", "currency", "csm"), TEXT.maybe()),
    "name": TEXT,
    "status": one_of(*STATUSES),
    "mrr": NUMBER.maybe(),
    "renewal_date": DATE.maybe(),
    "tags": list_of(TEXT),
}
CONTACT_FIELDS: Final[Mapping[str, Type]] = {
    **dict.fromkeys(("email", "phone", "title", "zone", "language"), TEXT.maybe()),
    "name": TEXT,
    "roles": list_of(TEXT),
}

ChangedHere: TypeAlias = Literal["overwrite", "keep", "newest"]
How: TypeAlias = Literal["count", "sum", "min", "max", "latest"]


@dataclass(frozen=True)
class Join:
    """Several of the vendor's fields as one text: those that hold something, with a space between them."""

    fields: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where a value comes from: the first of the vendor's fields (or joins of them) that holds something, and what is done to it."""

    fields: tuple[str | Join, ...]
    divide: Decimal = Decimal(1)
    words: Mapping[str, Json] = field(default_factory=dict)
    currency: str | None = None
    minor_units: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names of all the fields it may come from."""
        return tuple(name for each in self.fields for name in (each.fields if isinstance(each, Join) else (each,)))

    def needs(self) -> tuple[str, ...]:
        """Give the fields it is made of, the one with the currency among them."""
        return (*self.names, *([self.currency] if self.currency else ()))


@dataclass(frozen=True)
class FieldRule:
    """One field of ours. `owner` is the system whose word counts; `changed_here` says what becomes of what a person changed here."""

    target: str
    type: Type
    source: Source
    owner: str
    changed_here: ChangedHere = "overwrite"


@dataclass(frozen=True)
class MatchRule:
    """One way to find the account of a record.

    `how`: account (the field holds our id), email (of a contact), custom (an own field of accounts has the value; `domain`: the host of
    an address), link (the field holds the id of another object of a vendor, of `kind`, whose account is known).
    """

    how: Literal["account", "email", "custom", "domain", "link"]
    field: str
    name: str = ""
    vendor: str = ""


@dataclass(frozen=True)
class Condition:
    """What a record must be to count for a fact: the field holds one of the words, or a moment that is past or to come."""

    field: str
    words: tuple[Json, ...] = ()
    time: Literal["past", "future"] | None = None


@dataclass(frozen=True)
class FactRule:
    """A fact that is made of all records of an account. `by` orders them for `latest`."""

    target: str
    type: Type
    how: How
    source: Source | None = None
    by: str | None = None
    where: tuple[Condition, ...] = ()

    def needs(self) -> tuple[str, ...]:
        """Give the vendor's fields it is made of."""
        source = self.source.needs() if self.source else ()
        return (*source, *([self.by] if self.by else ()), *(each.field for each in self.where))


Turn: TypeAlias = Literal["made", "becomes", "changes", "deleted"]


@dataclass(frozen=True)
class Carried:
    """A field of an event; without a type it is what the vendor has."""

    name: str
    source: Source
    type: Type | None = None


@dataclass(frozen=True)
class EventRule:
    """What is told when a record takes a turn: it is new, it comes to be `where`, one of the fields `of` changes, or it is deleted."""

    name: str
    turn: Turn
    where: tuple[Condition, ...] = ()
    of: tuple[str, ...] = ()
    fields: tuple[Carried, ...] = ()

    def looks_at(self) -> tuple[str, ...]:
        """Give the vendor's fields by which the turn is known."""
        return (*(each.field for each in self.where), *self.of)

    def needs(self) -> tuple[str, ...]:
        """Give the vendor's fields that are kept for it; of a deleted record nothing else is known any more."""
        return (*self.looks_at(), *(name for each in self.fields for name in each.source.needs()))


@dataclass(frozen=True)
class KindRule:
    """What becomes of the records of one kind."""

    kind: str
    into: Literal["account", "contact", "facts"]
    match: tuple[MatchRule, ...] = ()
    create: bool = False
    id_field: str | None = None
    changed_at: str | None = None
    unmatched: Literal["report", "ignore"] = "report"
    link: bool = False
    fields: tuple[FieldRule, ...] = ()
    facts: tuple[FactRule, ...] = ()
    events: tuple[EventRule, ...] = ()

    def needs(self) -> set[str]:
        """Give the vendor's fields that facts and events are made of."""
        return {*(name for fact in self.facts for name in fact.needs()), *(name for event in self.events for name in event.needs())}


@dataclass(frozen=True)
class VendorMapping:
    """What becomes of a vendor's records, kind by kind, in the order they are read."""

    vendor: str
    kinds: tuple[KindRule, ...]

    def of(self, kind: str) -> KindRule | None:
        """Give the rule of a kind."""
        return next((each for each in self.kinds if each.kind == kind), None)
