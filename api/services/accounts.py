"""Changes to accounts, and word of them to the plays they are in."""

from collections.abc import Mapping
from typing import Any

from api.problems import AccountNotFound, ContactNotFound, FieldProblem, RequestInvalid
from api.schemas.accounts import ChangeAccount, PutAccount, PutContact
from api.security import Actor
from api.services.audit import audit
from api.services.news import facts_changed
from playbook_dsl.values import Json, from_json
from storage.custom_fields import fits, type_of_field
from storage.fact_definitions import FACTS, STORED_ROOTS
from storage.repositories.accounts import (
    KnownContact,
    find_account,
    find_contact,
    save_accounts,
    save_contacts,
    set_facts,
    update_account,
)
from storage.repositories.people import find_person
from storage.repositories.tasks import give_tasks_to_csm
from storage.repositories.tenants import find_tenant
from storage.session import Database, Session
from storage.tables import Account, Delivery


async def existing_account(session: Session, account_id: str, *, lock: bool = False) -> Account:
    """Give an account.

    Raises:
        AccountNotFound: there is none with this id.
    """
    account = await find_account(session, account_id, lock=lock)
    if account is None:
        raise AccountNotFound(f'There is no account "{account_id}"; import it first, or correct the id.')
    return account


async def put_account(database: Database, user: Actor, account_id: str, body: PutAccount) -> tuple[Account, list[Delivery]]:
    """Make an account, or bring the fields that are given up to date."""
    async with database.begin(user.tenant) as session:
        tenant = await find_tenant(session)
        row: dict[str, object] = {"id": account_id, "name": body.name}
        if await find_account(session, account_id, lock=True) is None:
            await save_accounts(session, [row | {"currency": body.currency or (tenant.currency if tenant else "USD")}])
        return await _change(session, user, account_id, ChangeAccount.model_validate(body.model_dump(exclude_unset=True)))


async def change_account(database: Database, user: Actor, account_id: str, body: ChangeAccount) -> tuple[Account, list[Delivery]]:
    """Set fields and facts of an account; give it as it is then, and what its plays are to be told.

    Raises:
        AccountNotFound: there is none with this id.
        RequestInvalid: a field or a fact that does not exist, or a value that does not fit it.
    """
    async with database.begin(user.tenant) as session:
        return await _change(session, user, account_id, body)


async def _change(session: Session, user: Actor, account_id: str, body: ChangeAccount) -> tuple[Account, list[Delivery]]:
    account = await existing_account(session, account_id, lock=True)
    given = body.model_dump(exclude_unset=True)
    facts: Mapping[str, Mapping[str, Json]] = given.pop("facts", None) or {}
    custom: dict[str, Json] = given.pop("custom", None) or {}
    wrong = await _wrong_fields(session, given, custom) + _wrong_facts(facts)
    if wrong:
        raise RequestInvalid(errors=wrong)
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None or name not in _REQUIRED}
    if custom:
        changes["custom"] = {name: value for name, value in {**account.custom, **custom}.items() if value is not None}
    if changes:
        await update_account(session, account_id, changes, by=user.name)
    if "csm" in changes:
        await give_tasks_to_csm(session, [account_id])
    for root, values in facts.items():
        await set_facts(session, account_id, root, values)
    await session.refresh(account)
    await audit(session, user.name, "account.change", "account", account_id, {"fields": sorted({*given, *custom, *facts})})
    return account, await facts_changed(session, account_id)


_REQUIRED = {"name", "status", "tags"}


async def _wrong_fields(session: Session, given: Mapping[str, Any], custom: Mapping[str, Json]) -> list[FieldProblem]:
    wrong: list[FieldProblem] = []
    csm = given.get("csm")
    if csm is not None and await find_person(session, str(csm)) is None:
        wrong.append(FieldProblem(pointer="#/csm", detail=f'there is no active person "{csm}"', code="unknown"))
    tenant = await find_tenant(session)
    for name, value in custom.items():
        kind = type_of_field(tenant, name)
        if kind is None:
            known = ", ".join(sorted(field["name"] for field in tenant.custom_fields)) if tenant else ""
            detail = f"your organisation has no such field on accounts; it has: {known or 'none'}"
            wrong.append(FieldProblem(pointer=f"#/custom/{name[:80]}", detail=detail, code="unknown"))
        elif value is not None and not _fits(kind, value):
            wrong.append(FieldProblem(pointer=f"#/custom/{name}", detail=f"must be a {kind}", code="bad_value"))
    return wrong


def _fits(kind: str, value: Json) -> bool:
    try:
        return fits(kind, from_json(value))
    except (ValueError, TypeError, ArithmeticError):
        return False


def _wrong_facts(facts: Mapping[str, Mapping[str, Json]]) -> list[FieldProblem]:
    """Refuse facts that no condition could read: a mistyped name would otherwise be kept and never looked at."""
    types = {fact.path: fact.type for fact in FACTS}
    wrong: list[FieldProblem] = []
    for root, values in facts.items():
        if root not in STORED_ROOTS:
            legal = ", ".join(sorted(STORED_ROOTS))
            wrong.append(FieldProblem(pointer=f"#/facts/{root}", detail=f"is no kind of fact; there are: {legal}", code="unknown"))
            continue
        for path, value in _leaves(root, dict(values)):
            kind = types.get(path)
            if kind is None:
                wrong.append(
                    FieldProblem(
                        pointer=f"#/facts/{path.replace('.', '/')[:200]}", detail=f'there is no fact "{path[:200]}"', code="unknown"
                    )
                )
            elif value is not None and not _is_of(kind.kind, kind.options, value):
                detail = f"must be one of {', '.join(kind.options)}" if kind.options else f"must be a {kind.kind}"
                wrong.append(FieldProblem(pointer=f"#/facts/{path.replace('.', '/')}", detail=detail, code="bad_value"))
    return wrong


def _leaves(path: str, node: Json) -> list[tuple[str, Json]]:
    """Give the values under a root by path; a marked value (`{"$date": …}`) is one."""
    if isinstance(node, dict) and not any(name.startswith("$") for name in node):
        return [leaf for name, value in node.items() for leaf in _leaves(f"{path}.{name}", value)]
    return [(path, node)]


def _is_of(kind: str, options: tuple[str, ...], value: Json) -> bool:
    try:
        found = from_json(value)
    except (ValueError, TypeError, ArithmeticError):
        return False
    match kind:
        case "number":
            return isinstance(found, int | float) and not isinstance(found, bool)
        case "bool":
            return isinstance(found, bool)
        case "text":
            return isinstance(found, str) and (not options or found in options)
        case "list":
            return isinstance(found, list)
        case _:
            return type(found).__name__.lower() == kind


async def put_contact(
    database: Database, user: Actor, account_id: str, contact_id: str, body: PutContact
) -> tuple[KnownContact, list[Delivery]]:
    """Make or replace a contact of an account.

    Raises:
        AccountNotFound: there is no such account.
        ContactNotFound: the id is taken by a contact of another account.
    """
    async with database.begin(user.tenant) as session:
        await existing_account(session, account_id, lock=True)
        known = await find_contact(session, contact_id)
        if known is not None and known.account != account_id:
            raise ContactNotFound(f'The contact "{contact_id}" belongs to the account "{known.account}".')
        await save_contacts(session, [body.model_dump() | {"id": contact_id, "account": account_id}])
        contact = await find_contact(session, contact_id)
        if contact is None:
            raise ContactNotFound
        await audit(session, user.name, "contact.save", "contact", contact_id, {"account": account_id})
        return contact, await facts_changed(session, account_id)
