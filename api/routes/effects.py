"""The ledger of effects."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.deps import SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.schemas.runs import EffectOut
from api.security import Viewer
from api.services.views import effect_out
from storage.repositories.effects import list_effects

router = APIRouter(prefix="/v1/effects", tags=["effects"])

Status = Literal["intended", "done", "skipped", "failed", "unknown", "undone", "undo_failed", "conflict"]


@router.get("", summary="List effects", responses=may_fail())
async def list_all_effects(
    user: Viewer,
    session: SessionDep,
    account: Annotated[str | None, Query(max_length=100, examples=["C-0001"], description="Only of this account.")] = None,
    status: Annotated[list[Status] | None, Query(description="One or several.", examples=[["unknown", "conflict"]])] = None,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[EffectOut]:
    """The newest first. What a request held and what came back is sealed and not shown here."""
    page = await list_effects(session, account=account, statuses=status or (), after=after, limit=limit)
    return PageOf(items=[effect_out(effect) for effect in page.items], next=page.next)
