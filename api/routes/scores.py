"""Scores: how accounts are, which are in danger, which might buy more, and why."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api.deps import ScoringDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import AccountNotFound
from api.routes.accounts import Id
from api.routes.models import Target
from api.schemas.scores import AccountScores, Kind, Level, PastScore, RiskOut, ScoreNow, ScoreOut
from api.scoring_problems import NoCustomer, OnlyStandIn, ScoreUnavailable
from api.security import Operator, Viewer
from api.services import scores as service
from api.services.accounts import existing_account
from storage.repositories.scores import RiskFilter

router = APIRouter(prefix="/v1", tags=["scoring"])


@router.get("/accounts/{account_id}/scores", summary="Look at an account's scores", responses=may_fail(AccountNotFound))
async def get_scores(account_id: Id, user: Viewer, session: SessionDep, scoring: ScoringDep) -> AccountScores:
    """The newest health, risk of churn and readiness for more, as they were computed last; nobody is asked."""
    await existing_account(session, account_id)
    return await service.scores_of(session, scoring, account_id)


@router.post(
    "/accounts/{account_id}/scores/{target}",
    summary="Score an account now",
    responses=may_fail(AccountNotFound, NoCustomer, ScoreUnavailable, OnlyStandIn, body=True),
)
async def score_account(account_id: Id, target: Target, user: Operator, scoring: ScoringDep, body: ScoreNow | None = None) -> ScoreOut:
    """Within three seconds: your endpoint, your own model, the scorecard, the score from before, or an error that says so.

    A score that is less than a quarter of an hour old, of the same features and model, is given as it is. The answer says who gave it, what
    it rests on, and who failed. What is new becomes the account's score and facts.
    """
    return await service.score_now(scoring, user.tenant, account_id, target, body or ScoreNow())


@router.get("/accounts/{account_id}/scores/{kind}/history", summary="List an account's past scores", responses=may_fail(AccountNotFound))
async def get_history(
    account_id: Id,
    kind: Annotated[Kind, Path(description="Of what.", examples=["churn"])],
    user: Viewer,
    session: SessionDep,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[PastScore]:
    """One a night, the newest first."""
    await existing_account(session, account_id)
    return await service.history(session, account_id, kind, after=after, limit=limit)


@router.get("/risk-scores", summary="List accounts at risk", responses=may_fail())
async def get_risks(
    user: Viewer,
    session: SessionDep,
    level: Annotated[Level | None, Query(description="Only of this level.", examples=["high"])] = None,
    min_score: Annotated[int | None, Query(ge=0, le=100, description="Only from this score on.", examples=[80])] = None,
    csm: Annotated[str | None, Query(max_length=100, description="Only of this CSM.", examples=["maria"])] = None,
    sort: Annotated[Literal["risk", "money"], Query(description="What comes first: the highest risk, or the most money at risk.")] = "risk",
    after: After = None,
    limit: Limit = 50,
) -> PageOf[RiskOut]:
    """Accounts that were not lost, each with what is at risk: the probability times the yearly revenue, in the account's own currency."""
    which = RiskFilter(level=level, min_score=min_score, csm=csm, by_money=sort == "money")
    return await service.risks(session, which, after=after, limit=limit)
