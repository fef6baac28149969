"""The tables of enrollment: who is in which playbook, who was refused, who is left alone, and the launches that brought them."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, Index, Numeric, text
from sqlmodel import Field

from storage.table_parts import Owned, made_at, moment, record, sealed

_OPEN = "state IN ('suppressed', 'held_out', 'queued', 'active')"


class Enrollment(Owned, table=True):
    """An account in a playbook. `state` and the ways between states: `enrollment.states`.

    `key` is what "the same" means for `again`, empty for the account alone. Those that are `beside` another (alongside it, or waiting for
    its end) do not count against "one at a time".

    `episode` numbers the enrollments of an account in a playbook. `rank` is how urgent what brought it is (0: a person), `wave` the wave
    of its launch. `until`: when a delay is looked at again, or an observation ends. `start` is the sealed start of the play (inputs,
    trigger) as long as there is no play.
    """

    __table_args__ = (
        CheckConstraint("state IN ('suppressed', 'held_out', 'queued', 'active', 'left')", name="enrollment_state"),
        Index("enrollment_one_open", "tenant", "playbook", "account", "key", unique=True, postgresql_where=text(f"{_OPEN} AND NOT beside")),
        Index("enrollment_by_account", "tenant", "account", "playbook", "created_at"),
        Index("enrollment_by_playbook", "tenant", "playbook", "state", "changed_at", "id"),
        Index("enrollment_by_time", "tenant", "created_at", "id"),
        Index("enrollment_by_launch", "tenant", "launch", "state", postgresql_where=text("launch IS NOT NULL")),
        Index("enrollment_by_run", "tenant", "run", postgresql_where=text("run IS NOT NULL")),
        Index("enrollment_waiting", "tenant", "playbook", "rank", "created_at", postgresql_where=text("state IN ('queued', 'suppressed')")),
        Index("enrollment_begun", "tenant", "playbook", "begun_at", postgresql_where=text("begun_at IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    playbook: str
    account: str
    key: str = ""
    episode: int = 1
    beside: bool = False
    state: str
    reason: str
    detail: str = ""
    version: int
    trigger: str = "manual"
    trigger_id: str | None = None
    launch: str | None = None
    wave: int = 0
    run: str | None = None
    owner: str | None = None
    stratum: str = ""
    rank: int = 0
    by: str | None = None
    start: bytes | None = sealed()
    until: datetime | None = moment(optional=True)
    created_at: datetime = made_at()
    changed_at: datetime = made_at()
    begun_at: datetime | None = moment(optional=True)
    left_at: datetime | None = moment(optional=True)


class Refusal(Owned, table=True):
    """The last time an account was not let into a playbook, and why. One row each, so that asking again does not fill the table."""

    playbook: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    reason: str
    detail: str = ""
    trigger: str = "manual"
    trigger_id: str | None = None
    launch: str | None = None
    version: int
    until: datetime | None = moment(optional=True)
    at: datetime = made_at()


class Arm(Owned, table=True):
    """Whether an account is treated or left alone in a playbook; drawn once, and kept over all its versions.

    `contaminated_at`: when an account that was to be left alone was played all the same, by a person. `mrr` in `currency`, `status`,
    `health`, `risk` and `logins` (of 30 days) are as they were known when it was drawn: what outcomes are compared with.
    """

    playbook: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    arm: str
    stratum: str = ""
    share: float
    drawn_at: datetime = made_at()
    contaminated_at: datetime | None = moment(optional=True)
    mrr: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 4), nullable=True))
    currency: str | None = None
    status: str | None = None
    health: float | None = None
    risk: float | None = None
    logins: float | None = None


class Experiment(Owned, table=True):
    """What decides about a playbook's effect: laid down with its first draw or its first plan, and kept over all its versions.

    `measure` is the author's word, None when there is none; `version` is the one it was taken from; `by` laid down the plan of looks.
    """

    playbook: str = Field(primary_key=True)
    version: int
    measure: str | None = None
    window_s: float
    looks: int
    every_days: int
    by: str | None = None
    laid_at: datetime = made_at()


class Exemption(Owned, table=True):
    """Accounts, or a segment of them, taken out of a playbook (`of` = playbook) or of its holdout (`of` = holdout).

    `playbook` empty means all of them; `kind` is account or segment, `value` its id or name.
    """

    __table_args__ = (Index("exemption_of", "tenant", "kind", "value"),)

    id: str = Field(primary_key=True)
    playbook: str = ""
    of: str
    kind: str
    value: str
    because: str
    by: str
    until: datetime | None = moment(optional=True)
    created_at: datetime = made_at()


class Launch(Owned, table=True):
    """One bulk start, sweep, or start at a publishing.

    `kind`: bulk, sweep, publish, event. `status`: running, waiting (for an approval), paused, halted, done, failed, cancelled.
    `accounts` were looked at; `counts` are what became of them, by reason. `open_wave`: enrollments of a later wave wait; `wave_at`: when
    it was opened. `rows` accounts were written down for it (`LaunchAccount`), of which those up to `cursor` are decided about. `start` is
    sealed: the inputs of its plays, the rules left aside, the key. `was` is the status it goes back to when it is resumed. `task` is the
    inbox item that asks for its approval. One of kind publish or event is filled up to the account `filled_to`; `event` brought it.
    """

    __table_args__ = (Index("launch_open", "tenant", "id", postgresql_where=text("status IN ('running', 'waiting')")),)

    id: str = Field(primary_key=True)
    playbook: str
    version: int
    kind: str = "bulk"
    trigger_id: str | None = None
    status: str = "running"
    why: str = ""
    started_by: str | None = None
    accounts: int = 0
    expected: int | None = None
    counts: dict[str, object] = record()
    open_wave: int = 0
    wave_at: datetime | None = moment(optional=True)
    task: str | None = None
    event: str | None = None
    filled_to: str | None = None
    rows: int = 0
    cursor: int = 0
    start: bytes | None = sealed()
    was: str = ""
    started_at: datetime = made_at()
    ended_at: datetime | None = moment(optional=True)


class LaunchAccount(Owned, table=True):
    """One account of a launch, numbered by `row` in the order in which they are decided about.

    `inputs` are its own, sealed, where it has some. `state` and `reason` are empty until it is decided about.
    """

    __tablename__ = "launch_account"
    __table_args__ = (Index("launch_account_by_row", "tenant", "launch", "row"),)

    launch: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    row: int
    inputs: bytes | None = sealed()
    state: str = ""
    reason: str = ""
    detail: str = ""


class Baseline(Owned, table=True):
    """Accounts that were in the audience of a playbook that takes only new ones, when it was published and ever since."""

    playbook: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
