"""What a playbook changed, what an experiment could show, and the revenue that is at risk."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status

from api.deps import SessionDep
from api.impact_problems import LookNotDue, NobodyHeldOut, PlanFixed
from api.openapi import may_fail
from api.problems import AudienceNotAsked, PlaybookNotFound
from api.routes.playbooks import Slug
from api.schemas.impact import ImpactOut, ImpactPage, LookOut, PlanLooks, PlanOut, PowerOut, RiskOut
from api.security import Operator, Publisher, Viewer
from api.services.analytics import By, page_of, risk_of
from api.services.impact import impact_of
from api.services.impact_cohort import find_subject
from api.services.impact_looks import lay_down, take_look
from api.services.power import Plan, power_of_playbook
from scoring.impact.money import Prices

router = APIRouter(prefix="/v1", tags=["impact"])


def prices(
    hour: Annotated[float, Query(ge=0, le=10_000, description="What an hour of a person's work costs.")] = Prices.hour,
    minutes_per_task: Annotated[float, Query(ge=0, le=10_000, description="How long a task takes.")] = Prices.minutes_per_task,
    email: Annotated[float, Query(ge=0, le=1_000, description="What an e-mail costs.")] = Prices.email,
    sms: Annotated[float, Query(ge=0, le=1_000, description="What a text message costs.")] = Prices.sms,
) -> Prices:
    """Give what effort is assumed to cost."""
    return Prices(hour=hour, minutes_per_task=minutes_per_task, email=email, sms=sms)


PricesDep = Annotated[Prices, Depends(prices)]


@router.get("/playbooks/{slug}/impact", summary="What a playbook changed", responses=may_fail(PlaybookNotFound))
async def get_impact(slug: Slug, user: Viewer, session: SessionDep, costs: PricesDep) -> ImpactOut:
    """Those it played against those it left alone, as they were drawn, with intervals, power, contamination and money.

    Only accounts whose time is over count. The verdict comes from the planned looks that were taken; looking here decides nothing.
    """
    return await impact_of(session, await find_subject(session, slug), costs)


@router.post(
    "/playbooks/{slug}/impact/looks",
    status_code=status.HTTP_201_CREATED,
    summary="Take the planned look that is due",
    responses=may_fail(PlaybookNotFound, LookNotDue, NobodyHeldOut),
)
async def post_look(slug: Slug, user: Operator, session: SessionDep) -> LookOut:
    """The look is kept as it was. Its boundary is O'Brien and Fleming's, so that all looks together err in 5 of 100 cases at most."""
    return await take_look(session, await find_subject(session, slug), user.name)


@router.put(
    "/playbooks/{slug}/impact/plan",
    summary="Lay down how often to look",
    responses=may_fail(PlaybookNotFound, PlanFixed, NobodyHeldOut, body=True),
)
async def put_plan(slug: Slug, body: PlanLooks, user: Publisher, session: SessionDep) -> PlanOut:
    """Twelve looks, thirty days apart, unless something else is laid down before the time of the first account is over."""
    return await lay_down(session, await find_subject(session, slug), body, user.name)


@router.get("/playbooks/{slug}/power", summary="What an experiment could show", responses=may_fail(PlaybookNotFound, AudienceNotAsked))
async def get_power(
    slug: Slug,
    user: Viewer,
    session: SessionDep,
    share: Annotated[float | None, Query(gt=0, lt=1, description="Held out; else as the playbook says, else 0.15.", examples=[0.2])] = None,
    days: Annotated[float | None, Query(ge=1, le=730, description="How long each account is watched; else as the playbook says.")] = None,
    base_rate: Annotated[
        float | None, Query(gt=0, lt=1, description="Lost in that time without it; else as seen, else as a model predicted.")
    ] = None,
    version: Annotated[int | None, Query(ge=1, le=1_000_000, description="Another version than the published one.")] = None,
) -> PowerOut:
    """Before a launch: the smallest reduction of churn that the audience of now could show, and how many accounts others would take."""
    return await power_of_playbook(session, slug, Plan(share, days, base_rate, version))


@router.get("/analytics/revenue-at-risk", summary="Revenue at risk", responses=may_fail())
async def get_revenue_at_risk(
    user: Viewer, session: SessionDep, by: Annotated[By, Query(description="How accounts are grouped.")] = "segment"
) -> RiskOut:
    """The sum of p × ARR over all customers with a churn score: those of a model, with an interval, and those of stand-ins apart."""
    return await risk_of(session, by)


@router.get("/analytics/impact", summary="Risk, revenue and impact on one page", responses=may_fail())
async def get_impact_page(user: Viewer, session: SessionDep, costs: PricesDep) -> ImpactPage:
    """Every playbook with a holdout, with its verdict, and those of whose effect nothing can be said."""
    return await page_of(session, costs)
