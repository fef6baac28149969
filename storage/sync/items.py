"""A record on its way in, and what is told of a page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from playbook_dsl.values import Json
from storage.sync.rows import Failed, Seen

COUNTS: Final = ("read", "created", "changed", "unchanged", "unmatched", "failed", "skipped")
"""What is counted of each kind. `skipped` counts values, everything else records."""


class VendorRecord(Protocol):
    """A record as a connector gives it (`connectors.records.Record`)."""

    @property
    def external_id(self) -> str: ...  # noqa: D102  # connectors.records says what it is
    @property
    def fields(self) -> Mapping[str, Any]: ...  # noqa: D102  # connectors.records says what it is
    @property
    def deleted(self) -> bool: ...  # noqa: D102  # connectors.records says what it is


@dataclass
class Item:
    """A record that is new or changed.

    `read` is what its fields gave, and is kept. `values` are those to be written, made ready: a CSM's address is the person's id there.
    """

    external_id: str
    fields: Mapping[str, Any]
    changed_at: datetime | None
    deleted: bool
    read: dict[str, Json]
    values: dict[str, Json]
    seen: Seen | None
    account: str | None = None
    contact: str | None = None
    kept: dict[str, Json] = field(default_factory=dict)
    turns_at: datetime | None = None


@dataclass
class Tally:
    """What came of a page. `skipped` counts by (field, why); `examples` names a record for each; `accounts` are those that changed."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    failed: list[Failed] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)

    def skip(self, external_id: str, name: str, why: str) -> None:
        """Count a value that was left alone."""
        self.counts["skipped"] += 1
        self.skipped[name, why] += 1
        self.examples.setdefault((name, why), external_id)

    def fail(self, external_id: str, reason: str, why: str, fields: Mapping[str, Any], *, deleted: bool = False) -> None:
        """Count a record that cannot be taken in."""
        self.counts["unmatched" if reason == "unmatched" else "failed"] += 1
        self.failed.append(Failed(external_id, reason, why, fields, deleted))
