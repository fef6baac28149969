"""The night, the training and the drift report of scoring.

What was done stands in PostgreSQL; these only say what is next. Outside of the SDK's sandbox, as plays are: decision 0011.
"""

from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.scoring.contracts import (
    SCORING_BATCH,
    SCORING_COMPARE,
    SCORING_DRIFT,
    SCORING_EXTRACT,
    SCORING_FIT,
    SCORING_PROMOTE,
    BackfillInput,
    Compare,
    Compared,
    DriftInput,
    DriftOutcome,
    Extracted,
    Fitted,
    NightBatch,
    NightInput,
    NightOutcome,
    NightProgress,
    Promote,
    Training,
    TrainInput,
    TrainOutcome,
)
from workflows.messages import SCORING_BACKFILL, SCORING_DRIFT_REPORT, SCORING_NIGHT, SCORING_TRAINING
from workflows.patience import patiently, perform

_FRESH_HISTORY_EVENTS: Final = 2_000
_LOW: Final = 5
"""The least urgent priority: a person's click and an event go first."""

T = TypeVar("T")


@workflow.defn(name=SCORING_NIGHT, sandboxed=False)
class ScoringNight:
    """One night: features of every account, then its scores."""

    @workflow.run
    async def run(self, given: NightInput) -> NightOutcome:
        """Go over all accounts once a stage."""
        as_of = given.as_of or workflow.now()
        left, after, accounts = list(given.left), given.after, given.accounts
        while left:
            call = NightBatch(tenant=given.tenant, stage=left[0], as_of=as_of, after=after)
            done = await _performed(SCORING_BATCH, call, NightProgress, f"{left[0]} after {after or 'the beginning'}", given.tenant)
            accounts += done.accounts if left[0] == "features" else 0
            left, after = (left, done.after) if done.more else (left[1:], "")
            if left and _long_enough():
                onward = {"as_of": as_of, "left": tuple(left), "after": after, "accounts": accounts}
                workflow.continue_as_new(given.model_copy(update=onward))
        return NightOutcome(accounts=accounts, as_of=as_of)


@workflow.defn(name=SCORING_BACKFILL, sandboxed=False)
class ScoringBackfill:
    """The features of past months, the oldest first."""

    @workflow.run
    async def run(self, given: BackfillInput) -> NightOutcome:
        """Go over all accounts once a month of the past."""
        moments = _months_back(workflow.now(), given.months)
        left, after, accounts = list(moments if given.left is None else given.left), given.after, given.accounts
        while left:
            call = NightBatch(tenant=given.tenant, stage="history", as_of=left[0], after=after)
            summary = f"{left[0]:%Y-%m} after {after or 'the beginning'}"
            done = await _performed(SCORING_BATCH, call, NightProgress, summary, given.tenant)
            accounts += done.accounts
            left, after = (left, done.after) if done.more else (left[1:], "")
            if left and _long_enough():
                workflow.continue_as_new(given.model_copy(update={"left": tuple(left), "after": after, "accounts": accounts}))
        return NightOutcome(accounts=accounts, as_of=moments[-1])


def _months_back(now: datetime, months: int) -> list[datetime]:
    """Give the first moments of this month and of those before it, the oldest first."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = [first]
    while len(found) < months:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


@workflow.defn(name=SCORING_TRAINING, sandboxed=False)
class ScoringTraining:
    """One training: extract, fit, compare, and promote when every gate is passed."""

    @workflow.run
    async def run(self, given: TrainInput) -> TrainOutcome:
        """Train; a model that is not good enough stays in shadow, and the answer says which gate it failed."""
        training = Training(input=given, training=workflow.info().run_id, until=workflow.now())
        found = await _performed(SCORING_EXTRACT, training, Extracted, "what there is to learn from", given.tenant)
        if found.why is not None:
            return TrainOutcome(target=given.target, version=None, status="untrained", why=found.why)
        summary = f"{found.rows} rows, {found.positives} positive"
        fitted = await _performed(SCORING_FIT, training, Fitted, summary, given.tenant)
        compare = Compare(training=training, version=fitted.version)
        compared = await _performed(SCORING_COMPARE, compare, Compared, f"{given.target}-{fitted.version} against the gates", given.tenant)
        if compared.verdict == "promote" and not given.hold:
            promote = Promote(training=training, version=fitted.version)
            await _performed(SCORING_PROMOTE, promote, None, f"{given.target}-{fitted.version} scores from now on", given.tenant)
        return _outcome(given, fitted.version, compared)


def _outcome(given: TrainInput, version: int, compared: Compared) -> TrainOutcome:
    held = compared.verdict == "promote" and given.hold
    status = "shadow" if held else {"promote": "champion", "shadow": "shadow", "reject": "rejected"}[compared.verdict]
    why = "It passes every gate, and is kept in shadow as was asked." if held else compared.why
    return TrainOutcome.model_validate(
        {"target": given.target, "version": version, "status": status, "why": why, "blocked": compared.blocked}
    )


@workflow.defn(name=SCORING_DRIFT_REPORT, sandboxed=False)
class ScoringDrift:
    """One report of drift."""

    @workflow.run
    async def run(self, given: DriftInput) -> DriftOutcome:
        """Report on a month."""
        month = given.month or _month_before(workflow.now().date())
        call = given.model_copy(update={"month": month})
        return await _performed(SCORING_DRIFT, call, DriftOutcome, f"drift of {given.target} in {month:%Y-%m}", given.tenant)


def _long_enough() -> bool:
    info = workflow.info()
    return info.is_continue_as_new_suggested() or info.get_current_history_length() > _FRESH_HISTORY_EVENTS


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


async def _performed(name: str, call: object, answer: type[T] | None, summary: str, tenant: str) -> T:
    priority = Priority(priority_key=_LOW, fairness_key=tenant)
    try:
        return await patiently(lambda _: perform(name, call, answer, summary, priority))
    except ActivityError as error:
        cause = error.cause
        if isinstance(cause, CancelledError):
            raise
        said = f"{cause.message} [{cause.type}]" if isinstance(cause, ApplicationError) else "no worker could finish a batch [TimedOut]"
        raise ApplicationError(said, type="ScoringFailed", non_retryable=True) from error
