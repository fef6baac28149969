"""What crosses the border between the workflows of scoring and their activities."""

from datetime import date, datetime
from typing import Final, Literal, TypeAlias

from activities.contracts import Contract

SCORING_BATCH: Final = "scoring.batch"
SCORING_EXTRACT: Final = "scoring.extract"
SCORING_FIT: Final = "scoring.fit"
SCORING_COMPARE: Final = "scoring.compare"
SCORING_PROMOTE: Final = "scoring.promote"
SCORING_DRIFT: Final = "scoring.drift"
OVERRIDE_END: Final = "health.end_override"

EXPIRED: Final = "expired"
"""Who ended an override whose time had come."""

Stage: TypeAlias = Literal["features", "health", "churn", "expansion", "tidy", "history"]
"""One pass over all accounts. `history` keeps features of the past, and tells plays nothing."""
NIGHT: Final[tuple[Stage, ...]] = ("features", "health", "churn", "expansion", "tidy")
"""In this order: health is made of what features say, and a model that is away is stood in for by health."""
TargetName: TypeAlias = Literal["churn", "expansion"]


class NightInput(Contract):
    """One night of a tenant: what is known at `as_of` (its beginning, where it is not said). `left` and `after`: when it goes on afresh."""

    tenant: str
    by: str | None = None
    as_of: datetime | None = None
    left: tuple[Stage, ...] = NIGHT
    after: str = ""
    accounts: int = 0


class BackfillInput(Contract):
    """Keep the features of past months, so that a model can learn from what was seen before Playkeeper came.

    `left` and `after`: the moments still to do, when it goes on afresh.
    """

    tenant: str
    by: str | None = None
    months: int = 24
    left: tuple[datetime, ...] | None = None
    after: str = ""
    accounts: int = 0


class NightBatch(Contract):
    """Work off accounts whose id comes after `after`, for a while."""

    tenant: str
    stage: Stage
    as_of: datetime
    after: str = ""


class NightProgress(Contract):
    """How many accounts were done, the last one's id, and whether there are more."""

    accounts: int
    after: str = ""
    more: bool = False


class NightOutcome(Contract):
    """How many accounts a night or a backfill looked at, and as of when: the last moment of a backfill."""

    accounts: int
    as_of: datetime


class TrainInput(Contract):
    """Train a model of a target. `hold` keeps it in shadow whatever the gates say."""

    tenant: str
    target: TargetName
    by: str | None = None
    hold: bool = False


class Training(Contract):
    """One run of the training: its id, and the moment up to which data counts."""

    input: TrainInput
    training: str
    until: datetime


class Extracted(Contract):
    """What there is to learn from. `why` says what is missing when it is not enough."""

    rows: int
    accounts: int
    positives: int
    cutoffs: tuple[date, ...] = ()
    data_sha256: str = ""
    why: str | None = None


class Fitted(Contract):
    """A model that was trained and written down, which scores nobody yet."""

    version: int
    algorithm: str


class Compare(Contract):
    """Hold a model against the gates and the champion."""

    training: Training
    version: int


class Compared(Contract):
    """What came of it. `blocked` says which gates stand in the way, each with its sentence."""

    verdict: Literal["promote", "shadow", "reject"]
    why: str
    blocked: tuple[str, ...] = ()


class Promote(Contract):
    """Let a model score from now on."""

    training: Training
    version: int


class TrainOutcome(Contract):
    """What a training came to. `version` is None when there was not enough to learn from."""

    target: TargetName
    version: int | None
    status: Literal["champion", "shadow", "rejected", "untrained"]
    why: str
    blocked: tuple[str, ...] = ()


class DriftInput(Contract):
    """Compare the newest features and scores with those the champion learned from. `month` is its first day, the last month by itself."""

    tenant: str
    target: TargetName
    by: str | None = None
    month: date | None = None


class DriftOutcome(Contract):
    """How many features and scores alarm, and the sentence the report begins with."""

    target: TargetName
    alarms: int
    words: str


class OverrideInput(Contract):
    """What a person says of an account's health, until when. The reason stays in the database."""

    tenant: str
    override: str
    account: str
    score: float
    by: str
    until: datetime


class OverrideEnd(Contract):
    """End an override. `by`: `EXPIRED`, or who ended it."""

    tenant: str
    override: str
    by: str = EXPIRED


class OverrideOutcome(Contract):
    """How an override ended. `ended` is False when it had ended before."""

    ended: bool
    by: str
