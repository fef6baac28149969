"""Connectors: which vendors there are, credentials, and whose the vendors' objects are."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, status

from api.deps import DatabaseDep, SessionDep
from api.openapi import may_fail
from api.problems import AccountNotFound, CredentialsRefused, NotConnected, VendorAway, VendorNotFound
from api.schemas.connectors import ConnectorOut, ConnectVendor, LinkObject
from api.security import Admin, Operator, Viewer
from api.services import connectors as service

router = APIRouter(prefix="/v1/connectors", tags=["connectors"])

VendorName = Annotated[str, Path(max_length=100, description="The connector's name.", examples=["stripe"])]


def _sandbox_url(request: Request) -> str | None:
    found: str | None = request.app.state.sandbox_url
    return found


@router.get("", summary="List connectors", responses=may_fail())
async def list_all_connectors(request: Request, user: Viewer, session: SessionDep) -> list[ConnectorOut]:
    """Every vendor there is a connector for, with its limits and whether it is connected."""
    return await service.list_connectors(session, _sandbox_url(request))


@router.put("/{vendor}", summary="Connect a vendor", responses=may_fail(VendorNotFound, CredentialsRefused, VendorAway, body=True))
async def connect_vendor(vendor: VendorName, body: ConnectVendor, request: Request, user: Admin, database: DatabaseDep) -> ConnectorOut:
    """The credentials are verified with the vendor, sealed, and used by every worker from its next call on; the old ones are gone."""
    named = service.vendor_named(vendor)
    await service.connect(database, user, named, body.credentials, _sandbox_url(request))
    async with database.begin(user.tenant) as session:
        return await service.show_connector(session, named, _sandbox_url(request))


@router.post(
    "/{vendor}/verify", summary="Verify a connection", responses=may_fail(VendorNotFound, NotConnected, CredentialsRefused, VendorAway)
)
async def verify_vendor(vendor: VendorName, request: Request, user: Operator, database: DatabaseDep) -> ConnectorOut:
    """Ask the vendor whether the credentials that are kept still let us in."""
    named = service.vendor_named(vendor)
    await service.verify(database, user, named, _sandbox_url(request))
    async with database.begin(user.tenant) as session:
        return await service.show_connector(session, named, _sandbox_url(request))


@router.delete(
    "/{vendor}", status_code=status.HTTP_204_NO_CONTENT, summary="Disconnect a vendor", responses=may_fail(VendorNotFound, NotConnected)
)
async def disconnect_vendor(vendor: VendorName, user: Admin, session: SessionDep) -> None:
    """The credentials are forgotten; steps that need the vendor then fail as not authorized."""
    await service.disconnect(session, user, service.vendor_named(vendor))


@router.post(
    "/{vendor}/links",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Link a vendor's object",
    responses=may_fail(VendorNotFound, AccountNotFound, body=True),
)
async def link_object(vendor: VendorName, body: LinkObject, user: Operator, session: SessionDep) -> None:
    """Say whose it is: steps then find it by the account, and events of the vendor find the account by it."""
    await service.link(session, user, service.vendor_named(vendor), body)
