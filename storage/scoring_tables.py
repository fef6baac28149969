"""The tables of scoring: what was seen, features, scores, models, scorecards, overrides, reports, looks at impact.

`observation`, `account_feature_snapshot` and `score_history` are partitioned by month; the database's own function
`playkeeper_month_partition(table, day)` makes the partition of a day's month, and is called before rows of a new month are written.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, Numeric, text
from sqlmodel import Field

from storage.table_parts import ColumnDefault, Owned, listed, made_at, moment, record, texts

Parts: TypeAlias = dict[str, str]
"""Arguments of a table for PostgreSQL."""


def _key_moment() -> ColumnDefault:
    """Give a column of a key for a moment, aware."""
    return Field(sa_column=Column(DateTime(timezone=True), primary_key=True))


def _by_month(column: str) -> Parts:
    return {"postgresql_partition_by": f"RANGE ({column})"}


class ObservationRow(Owned, table=True):
    """One thing seen of an account; see `scoring.observations`. The same id at the same moment is the same observation."""

    __tablename__ = "observation"
    __table_args__ = (
        Index("observation_by_arrival", "tenant", "account", "ingested_at"),
        # Of usage and mail the last months are read, of all else everything.
        Index("observation_of_states", "tenant", "account", "occurred_at", postgresql_where=text("kind NOT IN ('usage', 'email')")),
        _by_month("occurred_at"),
    )

    account: str = Field(primary_key=True)
    occurred_at: datetime = _key_moment()
    id: str = Field(primary_key=True)
    kind: str
    subject: str = ""
    values: dict[str, object] = record()
    ingested_at: datetime = made_at()


class FeatureSnapshot(Owned, table=True):
    """The features of an account at a cutoff, as `scoring.features.definitions` names them.

    `max_event_at` and `max_ingested_at` are the newest of the observations it rests on; `source_status` says by kind how many there were
    and how old the newest was.
    """

    __tablename__ = "account_feature_snapshot"
    __table_args__ = (_by_month("as_of"),)

    account: str = Field(primary_key=True)
    as_of: datetime = _key_moment()
    feature_set: str = Field(primary_key=True)
    values: dict[str, object] = record()
    max_event_at: datetime | None = moment(optional=True)
    max_ingested_at: datetime | None = moment(optional=True)
    source_status: dict[str, object] = record()
    created_at: datetime = made_at()


class ScoreNow(Owned, table=True):
    """The newest score of an account. `kind`: health, churn, expansion. `prediction` is what the API shows, factors included."""

    __tablename__ = "score_now"
    __table_args__ = (Index("score_by_value", "tenant", "kind", "score", "account"),)

    kind: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    score: float | None = None
    probability: float | None = None
    level: str = ""
    source: str
    model_version: str
    feature_set: str = ""
    coverage: float = 0
    prediction: dict[str, object] = record()
    as_of: datetime = made_at()
    scored_at: datetime = made_at()


class ScoreHistory(Owned, table=True):
    """Every nightly score, for trends, drift and what became of those who were thought to be at risk."""

    __tablename__ = "score_history"
    __table_args__ = (
        Index("score_history_by_time", "tenant", "kind", "as_of"),
        _by_month("as_of"),
    )

    kind: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    as_of: datetime = _key_moment()
    score: float | None = None
    probability: float | None = None
    level: str = ""
    source: str
    model_version: str
    coverage: float = 0


class ScoringModel(Owned, table=True):
    """A model that was trained. `status`: champion, shadow, retired, rejected. `file` is in skops' format, `sha256` its digest.

    `training` is the run of the workflow that made it. `gates` are what stood between it and promotion, each with its verdict.
    `cleared` are the features that somebody looked at and found no leak in. `before` is the version that scored when it was promoted.
    """

    __tablename__ = "scoring_model"
    __table_args__ = (
        CheckConstraint("status IN ('champion', 'shadow', 'retired', 'rejected')", name="scoring_model_status"),
        Index("scoring_model_one_champion", "tenant", "target", unique=True, postgresql_where=text("status = 'champion'")),
        Index("scoring_model_of_training", "tenant", "target", "training", unique=True),
    )

    target: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    training: str
    status: str = "shadow"
    algorithm: str
    feature_set: str
    file: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    libraries: dict[str, object] = record()
    code_version: str = ""
    data_sha256: str = ""
    metrics: dict[str, object] = record()
    gates: list[dict[str, object]] = listed()
    cleared: list[str] = texts()
    card: str = ""
    by: str | None = None
    before: int | None = None
    trained_at: datetime = made_at()
    promoted_at: datetime | None = moment(optional=True)
    retired_at: datetime | None = moment(optional=True)


class Scorecard(Owned, table=True):
    """One version of a scorecard: its text as the author wrote it, and the card that came of it. `status`: draft, published, archived."""

    __table_args__ = (Index("scorecard_one_published", "tenant", "name", unique=True, postgresql_where=text("status = 'published'")),)

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    status: str = "draft"
    source: str
    card: dict[str, object] = record()
    digest: str
    created_by: str | None = None
    created_at: datetime = made_at()
    published_at: datetime | None = moment(optional=True)


class ScoreOverride(Owned, table=True):
    """A person's word against a computed health, until it ends: by its time (`until`), by a person (`ended_by`), or by another."""

    __tablename__ = "score_override"
    __table_args__ = (
        Index("score_override_one_open", "tenant", "kind", "account", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    kind: str = "health"
    account: str
    score: float
    reason: str
    by: str
    created_at: datetime = made_at()
    until: datetime = made_at()
    ended_at: datetime | None = moment(optional=True)
    ended_by: str | None = None


class DriftReport(Owned, table=True):
    """What changed in features and predictions between a model's training and a month."""

    __tablename__ = "drift_report"

    target: str = Field(primary_key=True)
    month: date = Field(primary_key=True)
    model_version: int = 0
    alarms: int = 0
    report: dict[str, object] = record()
    created_at: datetime = made_at()


class ImpactLook(Owned, table=True):
    """A planned look at a playbook's impact, once it was taken: no look may be taken twice."""

    __tablename__ = "impact_look"

    playbook: str = Field(primary_key=True)
    measure: str = Field(primary_key=True)
    look: int = Field(primary_key=True)
    looks: int
    result: dict[str, object] = record()
    taken_by: str | None = None
    taken_at: datetime = made_at()


class RevenueChange(Owned, table=True):
    """What an account paid a month before and after a moment; written by the database itself, whoever changed it (migration 0018).

    Several changes in one transaction are one. What an account paid at a moment is `before` of the first change after it.
    """

    __tablename__ = "revenue_change"

    account: str = Field(primary_key=True)
    at: datetime = _key_moment()
    before: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 4), nullable=True))
    after: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 4), nullable=True))
    currency: str | None = None
