"""Models as people see them: who scores, and which way leads back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from activities.contracts import Contract
from activities.scoring.contracts import BackfillInput, DriftInput, NightInput, TargetName, TrainInput
from api.plays import PlayGone, Plays
from api.problems import RequestInvalid
from api.schemas.models import JobOut, ModelCardOut, ModelOut, ScoringStarted
from api.scoring_problems import ModelNotFound, ModelNotPromotable, ScoringJobNotFound, ScoringUnderWay
from api.security import Actor
from api.services.audit import audit
from storage.repositories.models import find_model, promote, step_back
from storage.scoring_tables import ScoringModel
from storage.session import Database, Session
from workflows.messages import (
    SCORING_BACKFILL,
    SCORING_DRIFT_REPORT,
    SCORING_NIGHT,
    SCORING_TRAINING,
    backfill_workflow_id,
    drift_workflow_id,
    night_workflow_id,
    training_workflow_id,
)


async def show(session: Session, target: str, version: int) -> ModelCardOut:
    """Give a model.

    Raises:
        ModelNotFound: there is none.
    """
    return ModelCardOut.model_validate(_shown(await _found(session, target, version)))


def show_row(row: ScoringModel) -> ModelOut:
    """Give a model of a list."""
    return ModelOut.model_validate(_shown(row))


def _shown(row: ScoringModel) -> dict[str, object]:
    return row.model_dump(exclude={"file"})


async def _found(session: Session, target: str, version: int) -> ScoringModel:
    row = await find_model(session, target, version)
    if row is None:
        raise ModelNotFound(f"There is no version {version} of the model for {target}.")
    return row


async def promote_by_hand(session: Session, user: Actor, target: str, version: int, because: str) -> ModelCardOut:
    """Let a model score that is kept in shadow, or one that was rejected for features that somebody has cleared since.

    Raises:
        ModelNotFound: there is none.
        ModelNotPromotable: it scores already, or was rejected for something that nobody cleared.
    """
    row = await _found(session, target, version)
    if row.status == "champion":
        raise ModelNotPromotable(f"{target}-{version} scores already.")
    blocked = [str(gate["why"]) for gate in row.gates if _is_dishonest(gate, row.cleared)]
    if row.status == "rejected" and (blocked or not row.gates):
        raise ModelNotPromotable(f"{target}-{version} was rejected. " + " ".join(blocked[:3]))
    before = await promote(session, target, version, datetime.now(UTC))
    await _audited(session, user, "model.promote", target, version, because, before)
    return await show(session, target, version)


def _is_dishonest(gate: Mapping[str, object], cleared: Sequence[str]) -> bool:
    return not gate.get("passed") and gate.get("blocks") == "reject" and gate.get("feature") not in cleared


async def roll_back(session: Session, user: Actor, target: str, because: str) -> ModelCardOut:
    """Let the champion before this one score again; where this one was the first, the scorecard scores again.

    Raises:
        ModelNotFound: no model scores.
    """
    versions = await step_back(session, target, datetime.now(UTC))
    if versions is None:
        raise ModelNotFound(f"No model for {target} scores, so there is nothing to go back from.")
    left, back = versions
    await _audited(session, user, "model.rollback", target, left if back is None else back, because, left)
    return await show(session, target, left if back is None else back)


async def clear_feature(session: Session, user: Actor, target: str, version: int, feature: str, because: str) -> ModelCardOut:
    """Note that a feature is no leak, for this model and those trained after it.

    Raises:
        ModelNotFound: there is no such model.
        RequestInvalid: the model has no such feature.
    """
    row = await _found(session, target, version)
    suspects = {str(gate.get("feature")) for gate in row.gates if gate.get("feature")}
    if feature not in suspects:
        listed = ", ".join(sorted(suspects)) or "none"
        raise RequestInvalid(f'"{feature[:100]}" is not under suspicion in {target}-{version}; under suspicion: {listed}.')
    row.cleared = sorted({*row.cleared, feature})
    await audit(session, user.name, "model.clear", "model", f"{target}-{version}", {"feature": feature, "because": because})
    await session.flush()
    return await show(session, target, version)


async def _audited(session: Session, user: Actor, what: str, target: str, version: int, because: str, before: int | None) -> None:
    details = {"because": because, "before": before and f"{target}-{before}"}
    await audit(session, user.name, what, "model", f"{target}-{version}", details)


async def train(database: Database, plays: Plays, user: Actor, target: TargetName, *, hold: bool) -> ScoringStarted:
    """Begin a training.

    Raises:
        ScoringUnderWay: there is one.
        TemporalAway: see there.
    """
    given = TrainInput(tenant=user.tenant, target=target, by=user.name, hold=hold)
    return await _start(database, plays, user, SCORING_TRAINING, given, training_workflow_id(user.tenant, target))


async def score_everybody(database: Database, plays: Plays, user: Actor) -> ScoringStarted:
    """Do now what every night does.

    Raises:
        ScoringUnderWay: it is being done.
        TemporalAway: see there.
    """
    given = NightInput(tenant=user.tenant, by=user.name)
    return await _start(database, plays, user, SCORING_NIGHT, given, night_workflow_id(user.tenant))


async def backfill(database: Database, plays: Plays, user: Actor, months: int) -> ScoringStarted:
    """Keep the features of past months.

    Raises:
        ScoringUnderWay: it is being done.
        TemporalAway: see there.
    """
    given = BackfillInput(tenant=user.tenant, by=user.name, months=months)
    return await _start(database, plays, user, SCORING_BACKFILL, given, backfill_workflow_id(user.tenant))


async def report_drift(database: Database, plays: Plays, user: Actor, target: TargetName) -> ScoringStarted:
    """Report on the last month.

    Raises:
        ScoringUnderWay: it is being done.
        TemporalAway: see there.
    """
    given = DriftInput(tenant=user.tenant, target=target, by=user.name)
    return await _start(database, plays, user, SCORING_DRIFT_REPORT, given, drift_workflow_id(user.tenant, target))


async def _start(database: Database, plays: Plays, user: Actor, kind: str, given: Contract, workflow_id: str) -> ScoringStarted:
    if not await plays.start_scoring(kind, given, workflow_id):
        raise ScoringUnderWay(f"{workflow_id} is under way.")
    async with database.begin(user.tenant) as session:
        await audit(session, user.name, kind, "scoring", workflow_id, {})
    return ScoringStarted(workflow_id=workflow_id, link=plays.link(workflow_id))


async def show_job(plays: Plays, user: Actor, workflow_id: str) -> JobOut:
    """Tell how a job gets on.

    Raises:
        ScoringJobNotFound: the tenant has none of this id.
        TemporalAway: see there.
    """
    try:
        state = await plays.show_scoring(workflow_id) if workflow_id.startswith(f"scoring:{user.tenant}:") else None
    except PlayGone:
        state = None
    if state is None:
        raise ScoringJobNotFound(f'There is no job "{workflow_id}".')
    return JobOut(workflow_id=workflow_id, status=state.status, result=state.result, error=state.error)
