"""Accounts and contacts."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from api.card_problems import HealthUnknown, OverrideNotFound
from api.deps import DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import AccountNotFound, ContactNotFound, ImportRefused, MediaTypeUnknown
from api.schemas.accounts import AccountChanged, AccountDetails, AccountOut, ChangeAccount, ContactOut, ImportReport, PutAccount, PutContact
from api.schemas.parts import ACCOUNT_ID
from api.schemas.scorecards import HealthOut, OverrideOut, PutOverride
from api.security import Operator, Viewer
from api.services.accounts import change_account, existing_account, put_account, put_contact
from api.services.delivering import deliver_all
from api.services.health import end_override_now, override_health, show_health
from api.services.imports import CSV_BODY, CsvDep, take_in
from storage.repositories.accounts import delete_contact, list_accounts, list_contacts_by_account

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

Id = Annotated[str, Path(max_length=100, pattern=ACCOUNT_ID, description="The account's own id.", examples=["C-0001"])]
ContactId = Annotated[
    str, Path(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", description="The contact's own id.", examples=["C-0001-champion"])
]


@router.get("", summary="List accounts", responses=may_fail())
async def list_all_accounts(
    user: Viewer,
    session: SessionDep,
    search: Annotated[
        str | None, Query(max_length=100, description="Part of the name, or the beginning of the id.", examples=["acm"])
    ] = None,
    csm: Annotated[str | None, Query(max_length=100, examples=["maria"], description="Only of this CSM.")] = None,
    state: Annotated[str | None, Query(alias="status", max_length=100, examples=["active"], description="Only with this status.")] = None,
    tier: Annotated[str | None, Query(max_length=100, examples=["growth"], description="Only of this tier.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> PageOf[AccountOut]:
    """By name."""
    page = await list_accounts(session, search=search, csm=csm, status=state, tier=tier, after=after, limit=limit)
    return PageOf(items=[AccountOut.model_validate(account.model_dump()) for account in page.items], next=page.next)


@router.post("/import", summary="Import accounts", openapi_extra=CSV_BODY, responses=may_fail(ImportRefused, MediaTypeUnknown, body=True))
async def import_file(file: CsvDep, user: Operator, database: DatabaseDep, plays: PlaysDep) -> ImportReport:
    """A CSV file with a header line, as `text/csv` or as a form's file. Columns without a meaning of their own become your own fields.

    Good rows are kept even when others are bad; the report names each bad one with its line, its cells and what to write.
    Accounts that are there already are brought up to date, and the plays they are in hear of it.
    """
    return await take_in(database, plays, user, file)


@router.get("/{account_id}", summary="Look at an account", responses=may_fail(AccountNotFound))
async def get_account(account_id: Id, user: Viewer, session: SessionDep) -> AccountDetails:
    """The account with its facts and contacts."""
    account = await existing_account(session, account_id)
    contacts = [ContactOut.model_validate(asdict(contact)) for contact in await list_contacts_by_account(session, account_id)]
    return AccountDetails.model_validate(account.model_dump() | {"contacts": contacts})


@router.put("/{account_id}", summary="Add an account, or bring it up to date", responses=may_fail(body=True))
async def save_account(account_id: Id, body: PutAccount, user: Operator, database: DatabaseDep, plays: PlaysDep) -> AccountChanged:
    """Fields that are left out stay as they are. Plays the account is in hear of it at once."""
    account, deliveries = await put_account(database, user, account_id, body)
    told = await deliver_all(database, plays, user.tenant, deliveries)
    return AccountChanged(account=AccountOut.model_validate(account.model_dump()), told=told)


@router.patch("/{account_id}", summary="Change an account", responses=may_fail(AccountNotFound, body=True))
async def patch_account(account_id: Id, body: ChangeAccount, user: Operator, database: DatabaseDep, plays: PlaysDep) -> AccountChanged:
    """Set fields and facts. Every play the account is in hears of it at once and looks at its exits, its goal and its waits again."""
    account, deliveries = await change_account(database, user, account_id, body)
    told = await deliver_all(database, plays, user.tenant, deliveries)
    return AccountChanged(account=AccountOut.model_validate(account.model_dump()), told=told)


@router.get("/{account_id}/contacts", summary="List an account's contacts", responses=may_fail(AccountNotFound))
async def list_contacts(account_id: Id, user: Viewer, session: SessionDep) -> list[ContactOut]:
    """By id."""
    await existing_account(session, account_id)
    return [ContactOut.model_validate(asdict(contact)) for contact in await list_contacts_by_account(session, account_id)]


@router.put(
    "/{account_id}/contacts/{contact_id}",
    summary="Add or change a contact",
    responses=may_fail(AccountNotFound, ContactNotFound, body=True),
)
async def save_contact(
    account_id: Id, contact_id: ContactId, body: PutContact, user: Operator, database: DatabaseDep, plays: PlaysDep
) -> ContactOut:
    """The contact as a whole is replaced."""
    contact, deliveries = await put_contact(database, user, account_id, contact_id, body)
    await deliver_all(database, plays, user.tenant, deliveries)
    return ContactOut.model_validate(asdict(contact))


@router.delete(
    "/{account_id}/contacts/{contact_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a contact",
    responses=may_fail(AccountNotFound, ContactNotFound),
)
async def remove_contact(account_id: Id, contact_id: ContactId, user: Operator, session: SessionDep) -> Response:
    """Messages under way to the contact still leave."""
    await existing_account(session, account_id)
    known = {contact.id for contact in await list_contacts_by_account(session, account_id)}
    if contact_id not in known or not await delete_contact(session, contact_id):
        raise ContactNotFound(f'The account "{account_id}" has no contact "{contact_id}".')
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get(
    "/{account_id}/health",
    summary="Look at an account's health",
    tags=["scorecards"],
    responses=may_fail(AccountNotFound, HealthUnknown),
)
async def get_health(account_id: Id, user: Viewer, session: SessionDep) -> HealthOut:
    """Computed from the facts of now, with every group and measure, the trend, and what somebody says instead."""
    return await show_health(session, account_id)


@router.put(
    "/{account_id}/health/override",
    summary="Override an account's health",
    tags=["scorecards"],
    responses=may_fail(AccountNotFound, HealthUnknown, body=True),
)
async def put_override(account_id: Id, body: PutOverride, user: Operator, database: DatabaseDep, plays: PlaysDep) -> OverrideOut:
    """People and playbooks see this score until its time comes; one that is there already ends. Your name and reason are kept."""
    return await override_health(database, plays, user, account_id, body)


@router.delete(
    "/{account_id}/health/override",
    summary="End an override",
    tags=["scorecards"],
    responses=may_fail(AccountNotFound, OverrideNotFound),
)
async def remove_override(account_id: Id, user: Operator, database: DatabaseDep, plays: PlaysDep) -> OverrideOut:
    """The computed score counts again at once."""
    return await end_override_now(database, plays, user, account_id)
