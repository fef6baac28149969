"""Exemptions: accounts and segments taken out of playbooks or of their holdouts."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, status

from api.deps import SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import AccountNotFound, ExemptionNotFound, PlaybookNotFound
from api.routes.runs import Key
from api.schemas.enrollments import AddExemption, ExemptionFrom, ExemptionOut
from api.security import Operator, Viewer
from api.services.exemptions import end_exemption, exempt, exemption_out
from storage.enrollment.exemptions import ExemptionFilter, list_exemptions

router = APIRouter(prefix="/v1/exemptions", tags=["enrollments"])

ExemptionId = Annotated[str, Path(max_length=100, description="The exemption's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]


@router.get("", summary="List exemptions", responses=may_fail())
async def list_all_exemptions(
    user: Viewer,
    session: SessionDep,
    playbook: Annotated[
        str | None, Query(max_length=63, examples=["at-risk-save"], description="Only those that hold for this playbook.")
    ] = None,
    account: Annotated[str | None, Query(max_length=100, examples=["C-0001"], description="Only of this account.")] = None,
    segment: Annotated[str | None, Query(max_length=100, examples=["public-sector"], description="Only of this segment.")] = None,
    from_: Annotated[ExemptionFrom | None, Query(alias="from", examples=["holdout"], description="Only from this.")] = None,
    over: Annotated[bool, Query(description="Also those that are over.")] = False,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[ExemptionOut]:
    """The newest first."""
    kind = "account" if account is not None else "segment" if segment is not None else None
    now = None if over else datetime.now(UTC)
    which = ExemptionFilter(playbook=playbook, kind=kind, value=account or segment, of=from_, in_force_at=now)
    page = await list_exemptions(session, which, after=after, limit=limit)
    return PageOf(items=[exemption_out(row) for row in page.items], next=page.next)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Take an account or a segment out",
    responses=may_fail(AccountNotFound, PlaybookNotFound, body=True),
)
async def add_one(body: AddExemption, user: Operator, session: SessionDep, key: Key = None) -> ExemptionOut:
    """From a playbook (or all): who waits for it leaves when its turn comes, and a click does not bring it in; plays under way go on.

    From the holdout: the account enters like those that are treated, and is not counted among them.
    """
    return await exempt(session, user, body)


@router.delete("/{exemption_id}", status_code=status.HTTP_204_NO_CONTENT, summary="End an exemption", responses=may_fail(ExemptionNotFound))
async def remove_one(exemption_id: ExemptionId, user: Operator, session: SessionDep) -> None:
    """The rules hold for the account again from now on."""
    await end_exemption(session, user, exemption_id)
