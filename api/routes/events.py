"""Events from outside, delivered to the plays they are for."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.deps import BackgroundDep, DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.schemas.tasks import DeliverEvent, EventDelivered, EventOut
from api.security import Operator, Viewer
from api.services.coming import bring_in_all
from api.services.events import deliver_event, event_out
from storage.repositories.events import list_events

router = APIRouter(prefix="/v1/events", tags=["events"])


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Deliver an event",
    responses={
        200: {"model": EventDelivered, "description": "The event was delivered before; nothing was done now."},
        **may_fail(body=True),
    },
)
async def post_event(
    body: DeliverEvent, response: Response, user: Operator, database: DatabaseDep, plays: PlaysDep, background: BackgroundDep
) -> EventDelivered:
    """Stored once under its source and id, and sent to every play its account is in; plays that wait for it go on.

    An event for nobody is kept all the same and says so: `delivered` is 0, and the message tells why.
    """
    delivered = await deliver_event(database, plays, user, body)
    if delivered.repeated:
        response.status_code = status.HTTP_200_OK
    else:
        background.spawn(bring_in_all(database, plays, user.tenant), "accounts that an event brings in")
    return delivered


@router.get("", summary="List events", responses=may_fail())
async def list_all_events(
    user: Viewer,
    session: SessionDep,
    account: Annotated[str | None, Query(max_length=100, examples=["C-0001"], description="Only of this account.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[EventOut]:
    """The newest first."""
    page = await list_events(session, account=account, after=after, limit=limit)
    return PageOf(items=[event_out(session, event) for event in page.items], next=page.next)
