"""The tables of commands to many plays at once, written down so that they are carried out whatever dies in between."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from storage.table_parts import Owned, made_at, moment, record


class BulkJob(Owned, table=True):
    """One command to many plays. `do`: pause, resume, cancel, undo. `status`: running, done. `which` is the query it was given.

    With `undo` a cancel also takes back what was done; with `force` an undo overwrites what people changed since.
    """

    __tablename__ = "bulk_job"
    __table_args__ = (
        CheckConstraint("\"do\" IN ('pause', 'resume', 'cancel', 'undo')", name="bulk_job_do"),
        Index("bulk_job_running", "tenant", "id", postgresql_where=text("status = 'running'")),
        Index("bulk_job_by_launch", "tenant", "launch", "created_at", postgresql_where=text("launch IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    do: str
    status: str = "running"
    launch: str | None = None
    which: dict[str, object] = record()
    undo: bool = False
    force: bool = False
    reason: str | None = None
    by: str
    total: int = 0
    created_at: datetime = made_at()
    ended_at: datetime | None = moment(optional=True)


class BulkRun(Owned, table=True):
    """One play of a bulk command. `status`: open, told, nothing (it was as wanted already), refused.

    An open one is told when `due_at` is over; whoever tells it moves that first, so that two never do it at the same time.
    """

    __tablename__ = "bulk_run"
    __table_args__ = (Index("bulk_run_open", "tenant", "job", "due_at", "run", postgresql_where=text("status = 'open'")),)

    job: str = Field(primary_key=True)
    run: str = Field(primary_key=True)
    account: str
    status: str = "open"
    code: str = ""
    detail: str = ""
    attempts: int = 0
    due_at: datetime = made_at()
