"""The tables of triggers: what is watched, what changed, and what therefore may bring an account into a playbook."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from storage.table_parts import ColumnDefault, Owned, made_at, moment

_WAITS = "done_at IS NULL"


def _numbered() -> ColumnDefault:
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


class TriggerWatch(Owned, table=True):
    """A trigger of a published version. `digest` is of what the trigger says; one that says the same in the next version keeps its past.

    `settle_s`: how long its bursts settle, 0 for at once. `since`: when it began to be watched. `looked_at`: up to when the clock was
    looked at for it; null where only changes and events matter. The trigger with the empty id is the audience of a playbook that takes
    only new accounts.
    """

    __tablename__ = "trigger_watch"

    playbook: str = Field(primary_key=True)
    trigger: str = Field(primary_key=True)
    kind: str
    digest: str
    settle_s: int = 0
    since: datetime = made_at()
    looked_at: datetime | None = moment(optional=True)


class WatchedPath(Owned, table=True):
    """A fact (`account.stage`), or an event (`event:invoice.paid`), that a trigger of a published version watches."""

    __tablename__ = "watched_path"
    __table_args__ = (Index("watched_path_by_path", "tenant", "path"),)

    playbook: str = Field(primary_key=True)
    trigger: str = Field(primary_key=True)
    path: str = Field(primary_key=True)


class FactChange(Owned, table=True):
    """A change of a fact that somebody watches; written by the database itself, whoever changed it (migration 0012).

    `before` and `after` are in the JSON form of values, both null for a sealed fact. Ids of one account grow with time.
    """

    __tablename__ = "fact_change"
    __table_args__ = (
        Index("fact_change_unseen", "tenant", "id", postgresql_where=text("NOT seen")),
        Index("fact_change_of", "tenant", "account", "path", "id"),
        Index("fact_change_by_age", "tenant", "at"),
    )

    id: int = _numbered()
    account: str
    path: str
    before: object = Field(default=None, sa_column=Column(JSONB, nullable=True))
    after: object = Field(default=None, sa_column=Column(JSONB, nullable=True))
    at: datetime = made_at()
    seen: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class Occurrence(Owned, table=True):
    """Something that may bring an account into a playbook, once for each `mark`.

    `mark` says what it is: the event's id, the change's number, the date. `event` is the id of the event whose fields it carries.
    At `due_at` the account is brought in, or the condition that has to hold so long is looked at. `settles`: a burst of the same is one.
    `outcome`: entered, refused, condition, not_held, gone.
    """

    __table_args__ = (
        Index("occurrence_once", "tenant", "playbook", "trigger", "account", "mark", unique=True),
        Index(
            "occurrence_settles", "tenant", "playbook", "trigger", "account", unique=True, postgresql_where=text(f"settles AND {_WAITS}")
        ),
        Index("occurrence_due", "tenant", "due_at", postgresql_where=text(_WAITS)),
        Index("occurrence_next", "tenant", "playbook", "rank", "due_at", "id", postgresql_where=text(_WAITS)),
        Index("occurrence_by_launch", "tenant", "launch", postgresql_where=text(f"launch IS NOT NULL AND {_WAITS}")),
    )

    id: int = _numbered()
    playbook: str
    trigger: str
    kind: str
    account: str
    mark: str
    event: str | None = None
    launch: str | None = None
    rank: int = 2
    settles: bool = False
    at: datetime = made_at()
    due_at: datetime = made_at()
    done_at: datetime | None = moment(optional=True)
    outcome: str = ""
    tries: int = 0


class Standing(Owned, table=True):
    """An account for which the condition of a `becomes` holds, and since when; it occurs again only after it stopped holding."""

    playbook: str = Field(primary_key=True)
    trigger: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    since: datetime = made_at()
