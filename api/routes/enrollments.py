"""Enrollments: who is or was in which playbook, in what state and why."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.deps import SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import AccountNotFound, EnrollmentNotFound, EnrollmentNotWaiting, PlaybookNotFound
from api.routes.playbooks import Slug
from api.routes.runs import Key
from api.schemas.enrollments import EnrollmentOut, EnrollmentState, Withdraw
from api.schemas.why import WhyOut
from api.security import Operator, Viewer
from api.services.enrollments import enrollment_out, withdraw
from api.services.why import explain
from storage.enrollment.lists import EnrollmentFilter, list_enrollments

router = APIRouter(tags=["enrollments"])

EnrollmentId = Annotated[str, Path(max_length=100, description="The enrollment's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]


@router.get("/v1/enrollments", summary="List enrollments", responses=may_fail())
async def list_all_enrollments(
    user: Viewer,
    session: SessionDep,
    playbook: Annotated[str | None, Query(max_length=63, examples=["at-risk-save"], description="Only of this playbook.")] = None,
    account: Annotated[str | None, Query(max_length=100, examples=["C-0001"], description="Only of this account.")] = None,
    state: Annotated[EnrollmentState | None, Query(examples=["queued"], description="Only in this state.")] = None,
    launch: Annotated[str | None, Query(max_length=100, description="Only of this launch.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[EnrollmentOut]:
    """The newest first. Who was refused has none: `GET /v1/playbooks/{slug}/why/{account}` tells the last refusal."""
    which = EnrollmentFilter(playbook=playbook, account=account, state=state, launch=launch)
    page = await list_enrollments(session, which, after=after, limit=limit)
    return PageOf(items=[enrollment_out(row) for row in page.items], next=page.next)


@router.post(
    "/v1/enrollments/{enrollment_id}/withdraw",
    summary="Take back an enrollment that waits",
    responses=may_fail(EnrollmentNotFound, EnrollmentNotWaiting, body=True),
)
async def withdraw_enrollment(
    enrollment_id: EnrollmentId, user: Operator, session: SessionDep, body: Withdraw | None = None, key: Key = None
) -> EnrollmentOut:
    """One that is queued, delayed or observed leaves and does not count for `again`. A play under way is cancelled instead."""
    return await withdraw(session, user, enrollment_id, (body or Withdraw()).reason)


@router.get(
    "/v1/playbooks/{slug}/why/{account}",
    summary="Why an account is in a playbook, or not",
    responses=may_fail(PlaybookNotFound, AccountNotFound),
)
async def why(
    slug: Slug,
    account: Annotated[str, Path(max_length=100, description="The account's own id.", examples=["C-0001"])],
    user: Viewer,
    session: SessionDep,
    key: Annotated[
        str | None, Query(max_length=200, description="What it is about, where `again` has a key.", examples=["in_1042"])
    ] = None,
) -> WhyOut:
    """Every rule with what it looked at and what it says, whether the account is in the playbook, was, or never was.

    The rules are asked as if a trigger brought the account now. Nothing is written, and no arm is drawn.
    """
    return await explain(session, slug, account, key)
