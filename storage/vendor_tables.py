"""The tables of vendors: connections, their limits, whose their objects are, and the syncs that bring their records in."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from storage.table_parts import Owned, listed, made_at, moment, record, sealed


class Connection(Owned, table=True):
    """A vendor that a tenant is connected to. `credentials` is sealed; `version` grows with each change, so that workers notice it."""

    vendor: str = Field(primary_key=True)
    credentials: bytes | None = sealed()
    version: int = 1
    account: str = ""
    settings: dict[str, object] = record()
    saved_by: str | None = None
    saved_at: datetime = made_at()
    verified_at: datetime | None = moment(optional=True)


class VendorLimit(Owned, table=True):
    """How much of a vendor's allowance is booked, and whether its circuit is open; one row for all workers.

    `booked_until` is the theoretical arrival time of the generic cell rate algorithm. `failures` counts those in a row.
    """

    __tablename__ = "vendor_limit"

    vendor: str = Field(primary_key=True)
    booked_until: datetime = made_at()
    failures: int = 0
    open_until: datetime | None = moment(optional=True)


class Link(Owned, table=True):
    """Which object of a vendor belongs to which account or contact, such as a Stripe customer."""

    __table_args__ = (Index("link_by_account", "tenant", "account", "vendor", "kind"),)

    vendor: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    account: str
    contact: str | None = None


class SyncSetting(Owned, table=True):
    """How a tenant wants a vendor synced, where that is not as shipped: its own `mapping` (YAML), and every how many minutes (0: never)."""

    __tablename__ = "sync_setting"

    vendor: str = Field(primary_key=True)
    mapping: str | None = None
    every_min: int | None = None
    saved_by: str | None = None
    saved_at: datetime = made_at()


class SyncCursor(Owned, table=True):
    """How far a vendor's records of a kind are read; moved in the transaction that takes a page in."""

    __tablename__ = "sync_cursor"

    vendor: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    cursor: str | None = None
    read_at: datetime = made_at()


class SyncRecord(Owned, table=True):
    """What a vendor's record said when it was last taken in.

    `values` is sealed JSON: `read`, what came of its fields, and `kept`, what a sync had last written where that is something else.
    At `turns_at` a condition on the time of day turns out otherwise, and facts are made anew. `account` is empty for one that was deleted
    before it was ever seen.
    """

    __tablename__ = "sync_record"
    __table_args__ = (
        Index("sync_record_by_account", "tenant", "account", "vendor", "kind"),
        Index("sync_record_turning", "tenant", "vendor", "kind", "turns_at", postgresql_where=text("turns_at IS NOT NULL")),
    )

    vendor: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    account: str = ""
    contact: str | None = None
    changed_at: datetime | None = moment(optional=True)
    deleted: bool = False
    values: bytes | None = sealed()
    turns_at: datetime | None = moment(optional=True)


class SyncFailure(Owned, table=True):
    """A record that could not be taken in, to be tried again. `reason`: bad_value, unmatched, refused. `raw` is sealed."""

    __tablename__ = "sync_failure"
    __table_args__ = (Index("sync_failure_by_id", "tenant", "id", unique=True),)

    vendor: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    id: str
    reason: str
    why: str
    raw: bytes | None = sealed()
    attempts: int = 1
    first_at: datetime = made_at()
    tried_at: datetime = made_at()


class SyncReport(Owned, table=True):
    """What came of one sync. `status`: running, done, failed. `counts` by kind; `skipped` says per field why values were left alone."""

    __tablename__ = "sync_report"
    __table_args__ = (Index("sync_report_by_start", "tenant", "vendor", "started_at", "id"),)

    id: str = Field(primary_key=True)
    vendor: str
    status: str = "running"
    started_by: str | None = None
    started_at: datetime = made_at()
    ended_at: datetime | None = moment(optional=True)
    counts: dict[str, object] = record()
    skipped: list[dict[str, object]] = listed()
    cursors: dict[str, object] = record()
    error: str | None = None
