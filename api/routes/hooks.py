"""Where vendors send their events. Nobody is signed in: the signature says who it is. Only a POST is ever listened to."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from api.deps import BackgroundDep, DatabaseDep, DeskDep, PlaysDep
from api.openapi import may_fail
from api.problems import HookNotFound, HookUnreadable, SignatureWrong
from api.services.hooks import At, take_in
from api.services.relay import settle_all
from connectors.incoming import Delivered

router = APIRouter(prefix="/v1/hooks", tags=["hooks"])


def _at(request: Request, vendor: str) -> At:
    """Say whose hook it is. There is one tenant today; when there are more, the path names it and only this changes."""
    return At(tenant=request.app.state.tenant, vendor=vendor, sandbox=request.app.state.sandbox_url is not None)


@router.post(
    "/{vendor}",
    summary="Take a vendor's events in",
    response_class=PlainTextResponse,
    responses={
        200: {
            "description": "Kept, or known already. The body is empty unless the vendor wants to read something.",
            "content": {"text/plain": {"example": ""}},
        },
        **may_fail(HookNotFound, SignatureWrong, HookUnreadable, body=True),
    },
)
async def take_events(
    vendor: Annotated[str, Path(max_length=100, description="The connector's name.", examples=["stripe"])],
    request: Request,
    database: DatabaseDep,
    plays: PlaysDep,
    desk: DeskDep,
    background: BackgroundDep,
) -> Response:
    """The signature is checked with the secret saved for the connector, and each event is kept once under the id the vendor gave it.

    Which account it is about and which plays wait for it is looked up after the answer: a vendor that waits long sends again. An event of a
    kind nobody can use is accepted and forgotten; one about nobody we know is kept, and told when its account is known within a week.
    """
    at = _at(request, vendor)
    taken = await take_in(database, at, Delivered(dict(request.headers), await request.body(), _address(request)))
    if taken.new:
        background.spawn(settle_all(database, plays, desk, at.tenant, taken.new), "events of a vendor")
    return Response(taken.body, media_type=taken.media_type if taken.body else None)


def _address(request: Request) -> str:
    """Give the address as the vendor knows it, which a proxy before us may have changed."""
    public: str | None = request.app.state.public_url
    if public is None:
        return str(request.url)
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{public.rstrip('/')}{request.url.path}{query}"
