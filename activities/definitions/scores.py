"""`score.churn`, `score.expansion`, `score.health`."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from activities.definitions.contract import ActionContract, ActionInput, ActionOutput
from playbook_dsl.plan import Retry


class ScoreInput(ActionInput):
    """Which scores are good enough."""

    allow: Annotated[
        Literal["fresh", "fallback", "stale"],
        Field(
            default="stale",
            description="`fresh`: only what the best scorer says now. `fallback`: also what another one says while that one fails. "
            "`stale`: also the last score, up to seven days old, when nobody can say.",
        ),
    ]


class ScoreOutput(ActionOutput):
    """How likely something is, and why."""

    score: int
    probability: float
    level: Literal["low", "medium", "high"]
    top_factors: list[str]
    source: Literal["remote", "champion", "scorecard", "cached"]
    model_version: str
    as_of: datetime
    stale: bool
    coverage: float


class HealthOutput(ActionOutput):
    """How an account is."""

    score: float
    level: Literal["green", "yellow", "red"]
    top_factors: list[str]
    source: Literal["scorecard"]
    model_version: str
    as_of: datetime
    stale: bool
    coverage: float


# An outage of a minute is waited out; after it the author's `on_error` decides.
_RETRY: Final = Retry(attempts=3, first_s=20, factor=2, at_most_s=60)

SCORE_CHURN = ActionContract(
    name="score.churn",
    title="Score the risk of churn",
    effect="read",
    inputs=ScoreInput,
    outputs=ScoreOutput,
    timeout_s=10,
    retry=_RETRY,
    help="Scores how likely the account is to be lost in the next 90 days: 0 to 100, 50 is what is usual, 80 four times that. "
    "Fails with ML001 when only a stand-in could answer and `allow` is `fresh`, with PRED001 when there is no score that is allowed, and "
    "with PRED002 when the account is no customer any more.",
)
SCORE_EXPANSION = ActionContract(
    name="score.expansion",
    title="Score the readiness for more",
    effect="read",
    inputs=ScoreInput,
    outputs=ScoreOutput,
    timeout_s=10,
    retry=_RETRY,
    help="Scores how likely the account is to buy more in the next 90 days, as `score.churn` does for churn.",
)
SCORE_HEALTH = ActionContract(
    name="score.health",
    title="Look at the health score",
    effect="read",
    inputs=ScoreInput,
    outputs=HealthOutput,
    timeout_s=10,
    retry=_RETRY,
    help="Gives the account's newest health, 0 to 100, with what weighs on it. Health is computed every night; one that is older than two "
    "days is stale. Fails with PRED001 when there is none that is allowed.",
)
SCORE_CONTRACTS: Final[tuple[ActionContract, ...]] = (SCORE_CHURN, SCORE_EXPANSION, SCORE_HEALTH)
