"""Budgets of messages: how often people at customers may be written to, by all plays together."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import SessionDep
from api.openapi import may_fail
from api.problems import AccountNotFound, PlaybookNotFound
from api.routes.accounts import Id
from api.schemas.budget import AccountBudget, DefaultBudgets
from api.schemas.parts import SLUG
from api.security import Admin, Viewer
from api.services.accounts import existing_account
from api.services.audit import audit
from api.services.budget import account_budget, default_budgets, save_default_budgets

router = APIRouter(prefix="/v1", tags=["budgets"])


@router.get("/budget", summary="Look at the default budgets", responses=may_fail())
async def get_default_budgets(user: Viewer, session: SessionDep) -> DefaultBudgets:
    """They hold for every playbook that has no budget of its own for a channel."""
    return await default_budgets(session)


@router.put("/budget", summary="Set the default budgets", responses=may_fail(body=True))
async def put_default_budgets(body: DefaultBudgets, user: Admin, session: SessionDep) -> DefaultBudgets:
    """All of them are replaced; a channel that is left out has no limit any more. Messages that wait already ask again at their time."""
    await save_default_budgets(session, body)
    await audit(session, user.name, "budget.save", "tenant", user.tenant, body.model_dump(exclude_none=True))
    return await default_budgets(session)


@router.get(
    "/accounts/{account_id}/budget",
    summary="Look at how often people were written to",
    responses=may_fail(AccountNotFound, PlaybookNotFound),
)
async def get_account_budget(
    account_id: Id,
    user: Viewer,
    session: SessionDep,
    playbook: Annotated[
        str | None,
        Query(pattern=SLUG, description="With this playbook's own budgets instead of the default ones.", examples=["at-risk-save"]),
    ] = None,
) -> AccountBudget:
    """What each contact has had by each channel, what is left, when one more may be sent, and which messages wait.

    Messages to an address that is no contact's are counted for the account only. Without a budget, those of the last 30 days are counted.
    """
    await existing_account(session, account_id)
    return await account_budget(session, account_id, playbook)
