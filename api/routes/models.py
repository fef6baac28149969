"""Models: which one scores, what it was measured at, training, the way back, drift."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status

from activities.scoring.contracts import TargetName
from api.deps import DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import Limit, PageOf
from api.problems import TemporalAway
from api.schemas.models import BackfillNow, ClearFeature, DriftOut, JobOut, ModelCardOut, ModelOut, PromoteModel, ScoringStarted, TrainNow
from api.scoring_problems import ModelNotFound, ModelNotPromotable, ScoringJobNotFound, ScoringUnderWay
from api.security import Admin, Operator, Viewer
from api.services import models as service
from storage.repositories.models import list_drift, list_models

router = APIRouter(prefix="/v1", tags=["scoring"])

Target = Annotated[TargetName, Path(description="What is predicted.", examples=["churn"])]
Version = Annotated[int, Path(ge=1, le=1_000_000_000, description="The model's version.", examples=[7])]


@router.get("/models/{target}", summary="List models", responses=may_fail())
async def get_models(
    target: Target,
    user: Viewer,
    session: SessionDep,
    after: Annotated[int | None, Query(ge=1, le=1_000_000_000, description="The `next` of the page before.")] = None,
    limit: Limit = 20,
) -> PageOf[ModelOut]:
    """The newest first, each with what it was measured at and which gates it passed."""
    page = await list_models(session, target, after=after, limit=limit)
    return PageOf(items=[service.show_row(row) for row in page.items], next=page.next)


@router.post(
    "/models/{target}/train",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Train a model now",
    responses=may_fail(ScoringUnderWay, TemporalAway, body=True),
)
async def train_model(target: Target, body: TrainNow, user: Operator, database: DatabaseDep, plays: PlaysDep) -> ScoringStarted:
    """Extract, train, evaluate on the newest closed window, compare with the champion; promoted only when every gate is passed."""
    return await service.train(database, plays, user, target, hold=body.hold)


@router.post("/models/{target}/rollback", summary="Go back to the champion before", responses=may_fail(ModelNotFound, body=True))
async def roll_back_model(target: Target, body: PromoteModel, user: Admin, session: SessionDep) -> ModelCardOut:
    """At once: the next score comes from it. Where the champion was the first model, it is retired and the scorecard scores again."""
    return await service.roll_back(session, user, target, body.because)


@router.get("/models/{target}/drift", summary="List drift reports", responses=may_fail())
async def get_drift(target: Target, user: Viewer, session: SessionDep, limit: Limit = 12) -> list[DriftOut]:
    """The newest month first."""
    return [DriftOut.model_validate(row.model_dump()) for row in await list_drift(session, target, limit)]


@router.post(
    "/models/{target}/drift",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Report drift now",
    responses=may_fail(ScoringUnderWay, TemporalAway),
)
async def report_drift(target: Target, user: Operator, database: DatabaseDep, plays: PlaysDep) -> ScoringStarted:
    """Compares the last month's features and scores with those the champion learned from."""
    return await service.report_drift(database, plays, user, target)


@router.get("/models/{target}/{version}", summary="Show a model", responses=may_fail(ModelNotFound))
async def get_model(target: Target, version: Version, user: Viewer, session: SessionDep) -> ModelCardOut:
    """With its card: data, split, figures with intervals, gates, limits."""
    return await service.show(session, target, version)


@router.post(
    "/models/{target}/{version}/promote",
    summary="Promote a model by hand",
    responses=may_fail(ModelNotFound, ModelNotPromotable, body=True),
)
async def promote_model(target: Target, version: Version, body: PromoteModel, user: Admin, session: SessionDep) -> ModelCardOut:
    """For one that the gates kept in shadow; one that was rejected is refused."""
    return await service.promote_by_hand(session, user, target, version, body.because)


@router.post("/models/{target}/{version}/clear", summary="Clear a feature of suspicion", responses=may_fail(ModelNotFound, body=True))
async def clear_feature(target: Target, version: Version, body: ClearFeature, user: Admin, session: SessionDep) -> ModelCardOut:
    """A feature that alone tells nearly everything looks like a leak and blocks promotion until a person says that it is none."""
    return await service.clear_feature(session, user, target, version, body.feature, body.because)


@router.post(
    "/scoring/night",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Score everybody now",
    responses=may_fail(ScoringUnderWay, TemporalAway),
)
async def score_everybody(user: Operator, database: DatabaseDep, plays: PlaysDep) -> ScoringStarted:
    """What happens every night: features of every account as they are known now, then health, churn and expansion."""
    return await service.score_everybody(database, plays, user)


@router.post(
    "/scoring/backfill",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Keep features of past months",
    responses=may_fail(ScoringUnderWay, TemporalAway, body=True),
)
async def backfill(body: BackfillNow, user: Operator, database: DatabaseDep, plays: PlaysDep) -> ScoringStarted:
    """From what was seen and known then, so that a model can learn from the time before Playkeeper came. It changes no score."""
    return await service.backfill(database, plays, user, body.months)


@router.get("/scoring/jobs/{workflow_id}", summary="Show a job", responses=may_fail(ScoringJobNotFound, TemporalAway))
async def show_job(
    workflow_id: Annotated[str, Path(max_length=200, description="As its start said.", examples=["scoring:main:train:churn"])],
    user: Viewer,
    plays: PlaysDep,
) -> JobOut:
    """A training, a night or a drift report: under way, or what came of the last one."""
    return await service.show_job(plays, user, workflow_id)
