"""Every table, as SQLModel classes.

Each row but those of `tenant` belongs to a tenant and `tenant` is the first part of its key, so that row-level security and every index
start with the same column. Ids are texts made in Python. Columns of type `bytes` are sealed by `storage.encryption`.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from storage import bulk_tables, enrollment_tables, scoring_tables, touch_tables, trigger_tables, vendor_tables
from storage.table_parts import Owned, listed, made_at, moment, record, sealed, texts


class Tenant(SQLModel, table=True):
    """A customer of ours.

    `custom_fields` are `{"name", "type", "help"}` of the accounts' own fields; `settings` hold the team's hours and closed days.
    """

    id: str = Field(primary_key=True)
    name: str
    currency: str = "USD"
    zone: str = "UTC"
    country: str | None = None
    custom_fields: list[dict[str, str]] = listed()
    settings: dict[str, object] = record()
    created_at: datetime = made_at()


class Person(Owned, table=True):
    """Somebody of the team. `id` is the short name authors write."""

    id: str = Field(primary_key=True)
    name: str
    email: str
    roles: list[str] = texts()
    teams: list[str] = texts()
    manager: str | None = None
    zone: str | None = None
    active: bool = True


class Account(Owned, table=True):
    """A customer account. `id` is the tenant's own (external) id.

    `custom` and `facts` hold values in the JSON form of `playbook_dsl.values`; `facts` by root name (`health`, `risk`, `usage`, …).
    `status_at` is when the status last changed, null when it never did; the database writes it (migration 0020).
    """

    __table_args__ = (
        CheckConstraint("id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'", name="account_id_form"),
        Index("account_by_csm", "tenant", "csm"),
        Index("account_by_renewal", "tenant", "renewal_date"),
        Index("account_by_name", "tenant", "name", "id"),
    )

    id: str = Field(primary_key=True)
    name: str
    status: str = "active"
    stage: str | None = None
    tier: str | None = None
    segment: str | None = None
    country: str | None = None
    zone: str | None = None
    currency: str | None = None
    mrr: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 4), nullable=True))
    csm: str | None = None
    renewal_date: date | None = None
    tags: list[str] = texts()
    custom: dict[str, object] = record()
    facts: dict[str, object] = record()
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
    updated_by: str | None = None
    status_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


class Contact(Owned, table=True):
    """A person at the customer. `opt_outs` are channels (`email`, `sms`, or `all`).

    `email` and `phone` are sealed; their digests are what a contact is looked up by when only an address is known.
    """

    __table_args__ = (
        ForeignKeyConstraint(["tenant", "account"], ["account.tenant", "account.id"], ondelete="CASCADE"),
        Index("contact_by_account", "tenant", "account"),
        Index("contact_by_email", "tenant", "email_digest"),
        Index("contact_by_phone", "tenant", "phone_digest"),
    )

    id: str = Field(primary_key=True)
    account: str
    name: str
    email: bytes | None = sealed()
    email_digest: str | None = None
    phone: bytes | None = sealed()
    phone_digest: str | None = None
    title: str | None = None
    roles: list[str] = texts()
    opt_outs: list[str] = texts()
    zone: str | None = None
    language: str | None = None


class Playbook(Owned, table=True):
    """A playbook over all its versions."""

    slug: str = Field(primary_key=True)
    title: str
    owner: str | None = None
    labels: list[str] = texts()
    published: int | None = None
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class PlaybookVersion(Owned, table=True):
    """One version: its text as the author wrote it, and the plan that came of it. `status`: draft, published, archived."""

    __tablename__ = "playbook_version"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "slug"], ["playbook.tenant", "playbook.slug"], ondelete="CASCADE"),
        Index("playbook_one_published", "tenant", "slug", unique=True, postgresql_where=text("status = 'published'")),
    )

    slug: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    status: str = "draft"
    source: str
    plan: dict[str, object] = record()
    digest: str
    created_by: str | None = None
    created_at: datetime = made_at()
    published_at: datetime | None = moment(optional=True)


class MessageTemplate(Owned, table=True):
    """A message template as it stands now; plans carry the text they were published with."""

    __tablename__ = "message_template"

    name: str = Field(primary_key=True)
    channel: str
    subject: str = ""
    body: str
    path: str = ""
    updated_at: datetime = made_at()


class Run(Owned, table=True):
    """One play of a playbook on an account, as far as lists show it. The play itself lives in Temporal.

    `state`: starting, running, waiting, held, paused, undoing, closed. `sequence` orders the records of a play, so that a late one
    changes nothing. `saved` is the sealed state a retry or an undo starts from; `start` the sealed inputs and trigger.
    """

    __table_args__ = (
        Index("run_by_account", "tenant", "account", "started_at", "id"),
        Index("run_by_playbook", "tenant", "playbook", "started_at", "id"),
        Index("run_by_start", "tenant", "started_at", "id"),
        Index("run_by_chain", "tenant", "chain"),
        Index("run_by_launch", "tenant", "launch", postgresql_where=text("launch IS NOT NULL")),
        Index("run_active", "tenant", "account", "playbook", postgresql_where=text("state <> 'closed'")),
        Index("run_starting", "tenant", "started_at", postgresql_where=text("state = 'starting'")),
    )

    id: str = Field(primary_key=True)
    chain: str
    workflow_id: str
    account: str
    playbook: str
    version: int
    launch: str | None = None
    parent: str | None = None
    state: str = "starting"
    outcome: str | None = None
    trigger: str = "manual"
    started_by: str | None = None
    owner: str | None = None
    title: str = ""
    progress: str = ""
    error: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    sequence: int = 0
    started_at: datetime = made_at()
    ended_at: datetime | None = moment(optional=True)
    start: bytes | None = sealed()
    saved: bytes | None = sealed()


class Step(Owned, table=True):
    """One step of a play. `status`: waiting, running, done, skipped, failed, held, undone, conflict, undo_failed."""

    run: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    title: str
    kind: str
    status: str
    position: int = 0
    detail: str | None = None
    error: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    output: bytes | None = sealed()
    started_at: datetime | None = moment(optional=True)
    ended_at: datetime | None = moment(optional=True)


class Effect(Owned, table=True):
    """The ledger: one row for each effect on the world, written before the effect is attempted.

    `key` = sha256 of tenant, chain, step and generation. `status`: intended, done, skipped, failed, unknown, undone, undo_failed, conflict.
    `request`, `prior` and `result` are sealed JSON; `digest` is of the request.
    """

    __table_args__ = (
        Index("effect_by_chain", "tenant", "chain", "intended_at"),
        Index("effect_by_account", "tenant", "account", "intended_at"),
        Index("effect_by_vendor_id", "tenant", "vendor_id", postgresql_where=text("vendor_id IS NOT NULL")),
        Index(
            "effect_open", "tenant", "intended_at", postgresql_where=text("status IN ('intended', 'unknown', 'undo_failed', 'conflict')")
        ),
    )

    key: str = Field(primary_key=True)
    chain: str
    run: str
    step_key: str
    generation: int = 0
    action: str
    title: str = ""
    effect_class: str
    account: str
    launch: str | None = None
    status: str = "intended"
    digest: str
    request: bytes | None = sealed()
    prior: bytes | None = sealed()
    result: bytes | None = sealed()
    vendor_id: str | None = None
    attempts: int = 1
    detail: str | None = None
    intended_at: datetime = made_at()
    ended_at: datetime | None = moment(optional=True)
    undone_at: datetime | None = moment(optional=True)


class Task(Owned, table=True):
    """An inbox item. `kind`: task, approval, form, review, hold, notice. `status`: open, done, cancelled.

    `run` and `step_key` say which play it wakes; `why` says why it is here; `round` counts escalations.
    """

    __table_args__ = (
        Index("task_by_owner", "tenant", "owner", "status", "due_at", "id"),
        Index("task_by_account", "tenant", "account", "created_at", "id"),
        Index("task_by_step", "tenant", "chain", "step_key"),
    )

    id: str = Field(primary_key=True)
    kind: str
    status: str = "open"
    account: str
    title: str
    why: str = ""
    owner: str | None = None
    priority: str = "normal"
    due_at: datetime | None = moment(optional=True)
    checklist: list[dict[str, object]] = listed()
    form: list[dict[str, object]] = listed()
    context: dict[str, object] = record()
    answers: dict[str, object] = record()
    run: str | None = None
    chain: str | None = None
    step_key: str | None = None
    generation: int = 0
    round: int = 0
    reminders: int = 0
    outcome: str | None = None
    created_at: datetime = made_at()
    closed_at: datetime | None = moment(optional=True)
    closed_by: str | None = None


class SlackQuestion(Owned, table=True):
    """The question of an inbox item as a direct message in Slack, with buttons.

    `state`: due, booked (its turn is at `due_at`), sending (an attempt may have posted it), sent, told (it says what was decided), dropped.
    `due_at`: when to look at it again, nothing when all is done.
    """

    __tablename__ = "slack_question"
    __table_args__ = (Index("slack_question_by_age", "tenant", "due_at", postgresql_where=text("due_at IS NOT NULL")),)

    task: str = Field(primary_key=True)
    state: str = "due"
    channel: str | None = None
    ts: str | None = None
    attempts: int = 0
    due_at: datetime | None = moment(optional=True)
    created_at: datetime = made_at()


class Cta(Owned, table=True):
    """A call to action on an account. `status`: open, closed."""

    __table_args__ = (Index("cta_by_account", "tenant", "account", "opened_at", "id"),)

    id: str = Field(primary_key=True)
    account: str
    type: str
    title: str
    priority: str = "medium"
    status: str = "open"
    owner: str | None = None
    because: str = ""
    outcome: str | None = None
    due_at: datetime | None = moment(optional=True)
    run: str | None = None
    step_key: str | None = None
    opened_at: datetime = made_at()
    closed_at: datetime | None = moment(optional=True)


class Note(Owned, table=True):
    """A note on an account's timeline."""

    __table_args__ = (Index("note_by_account", "tenant", "account", "created_at", "id"),)

    id: str = Field(primary_key=True)
    account: str
    text: str
    author: str | None = None
    run: str | None = None
    step_key: str | None = None
    created_at: datetime = made_at()


class Event(Owned, table=True):
    """Something that happened, once: `source` and `vendor_id` together are unique. `matched` counts the plays that were told.

    `fields` and `address` are sealed. `clues` say whose it may be (`ref:<kind>:<id>` of the source's objects, `account:<id>`) and what it
    is about (`live:<object>`). `due_at` is when it is looked at next, null when there is nothing more to do.
    """

    __table_args__ = (
        Index("event_once", "tenant", "source", "vendor_id", unique=True),
        Index("event_by_account", "tenant", "account", "occurred_at", "id"),
        Index("event_by_name", "tenant", "name"),
        Index("event_by_clue", "clues", postgresql_using="gin"),
        Index("event_by_address", "tenant", "address_digest", postgresql_where=text("address_digest IS NOT NULL")),
        Index("event_due", "tenant", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    name: str
    source: str
    vendor_id: str
    account: str | None = None
    fields: bytes | None = sealed()
    address: bytes | None = sealed()
    address_digest: str | None = None
    clues: list[str] = texts()
    occurred_at: datetime = moment()
    received_at: datetime = made_at()
    due_at: datetime | None = moment(optional=True)
    matched: int = 0


class RoundRobin(Owned, table=True):
    """Who of a team was last given something."""

    __tablename__ = "round_robin"

    team: str = Field(primary_key=True)
    last: str


class AccountLock(Owned, table=True):
    """A named lock of an account: its holder (`granted`) and who waits, by priority and then age."""

    __tablename__ = "account_lock"
    __table_args__ = (Index("account_lock_one_holder", "tenant", "account", "name", unique=True, postgresql_where=text("granted")),)

    account: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    run: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    priority: int = 0
    granted: bool = False
    since: datetime = made_at()


class Delivery(Owned, table=True):
    """News on its way to a play, written in the transaction that made it and deleted when the play has it. `news` is sealed."""

    __table_args__ = (Index("delivery_by_age", "tenant", "due_at", "id"),)

    id: str = Field(primary_key=True)
    workflow_id: str
    news: bytes | None = sealed()
    attempts: int = 0
    due_at: datetime = made_at()
    created_at: datetime = made_at()


class Request(Owned, table=True):
    """An answered request, so that its repetition gets the same answer, which is sealed. `digest` is of what was asked."""

    key: str = Field(primary_key=True)
    digest: str
    status: int
    answer: bytes | None = sealed()
    created_at: datetime = made_at()


class Audit(Owned, table=True):
    """Who did what to what, and when."""

    __table_args__ = (
        Index("audit_by_time", "tenant", "at", "id"),
        Index("audit_by_subject", "tenant", "subject_kind", "subject_id", "at"),
    )

    id: str = Field(primary_key=True)
    at: datetime = made_at()
    who: str
    what: str
    subject_kind: str
    subject_id: str
    details: dict[str, object] = record()


Launch = enrollment_tables.Launch
Occurrence = trigger_tables.Occurrence
Touch = touch_tables.Touch
ScoreNow = scoring_tables.ScoreNow
Link = vendor_tables.Link
BulkJob, BulkRun = bulk_tables.BulkJob, bulk_tables.BulkRun

METADATA = SQLModel.metadata
TENANT_TABLES: tuple[str, ...] = tuple(sorted(name for name, table in METADATA.tables.items() if "tenant" in table.columns))
"""The tables whose rows belong to a tenant; `tenant` itself is guarded by its id."""
