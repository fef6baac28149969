"""The facts of an account, as values by root name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import ColumnElement, ScalarSelect, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import aliased
from sqlmodel import col

from playbook_dsl.values import Json, Money, Value, from_json
from storage.fact_definitions import CUSTOM, FACTS, STORED_ROOTS, facts_of
from storage.session import Session
from storage.tables import Account, Contact, Person, Run, Task, Tenant

LONGEST_NOTICE_DAYS: Final = 36_500
"""A longer period of notice is a slip of the pen, and no date follows from it."""

Row: TypeAlias = dict[str, Any]
"""A row read as JSON: making models of it would cost more than reading it."""


_SEALED_NAMES: Final = ("email", "phone")


def _of_account(value: ColumnElement[Any], *where: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(value).where(*where).correlate(Account).scalar_subquery()


def _sealed_names(table: type[Contact | Person]) -> tuple[str, ...]:
    return _SEALED_NAMES if table is Contact else ()


def _records(table: type[Contact | Person], *names: str) -> ColumnElement[Any]:
    """Rows of a table as one JSON list of records; sealed columns as hexadecimal text."""
    pairs: list[ColumnElement[Any]] = []
    for name in names:
        value: ColumnElement[Any] = getattr(table, name)
        pairs += [literal_column(f"'{name}'"), func.encode(value, literal_column("'hex'")) if name in _sealed_names(table) else value]
    return func.jsonb_agg(func.jsonb_build_object(*pairs), type_=JSONB)


_CONTACT_NAMES: Final = ("id", "name", "email", "phone", "title", "roles", "opt_outs", "zone", "language")
_MANAGER = aliased(Person)
_CONTACTS = _of_account(
    _records(Contact, *_CONTACT_NAMES),
    col(Contact.account) == col(Account.id),
)
_CSM = _of_account(_records(Person, "id", "name", "email", "manager"), col(Person.id) == col(Account.csm))
_CSMS_MANAGER = _of_account(
    func.jsonb_build_object(
        literal_column("'id'"), _MANAGER.id, literal_column("'name'"), _MANAGER.name, literal_column("'email'"), _MANAGER.email
    ),
    col(Person.id) == col(Account.csm),
    col(Person.manager) == col(_MANAGER.id),
)
_PLAYS = _of_account(
    func.array_agg(aggregate_order_by(col(Run.playbook), col(Run.started_at), col(Run.id))),
    col(Run.account) == col(Account.id),
    col(Run.state) != "closed",
)
_OPEN_TASKS = _of_account(
    func.count(col(Task.id)), col(Task.account) == col(Account.id), col(Task.status) == "open", col(Task.kind) == "task"
)
_CONTACT_ORDER = ("champion", "primary_contact")


@dataclass(frozen=True)
class AccountRows:
    """Everything that is read of an account at once. `people` are its CSM and the CSM's manager by id."""

    account: Account
    tenant: Tenant | None
    contacts: list[Row]
    people: dict[str, Row]
    plays: tuple[str, ...]
    open_tasks: int


async def read_account(session: Session, account_id: str) -> AccountRows | None:
    """Read what facts are made of in one statement, because every play does it at its start and after every wait."""
    return (await read_accounts(session, [account_id])).get(account_id)


async def read_accounts(session: Session, ids: Sequence[str]) -> dict[str, AccountRows]:
    """Read what the facts of several accounts are made of, in one statement; those that do not exist are left out."""
    query = (
        select(Account, Tenant, _CONTACTS, _CSM, _CSMS_MANAGER, _PLAYS, _OPEN_TASKS)
        .outerjoin_from(Account, Tenant, col(Tenant.id) == col(Account.tenant))
        .where(col(Account.id) == ids[0] if len(ids) == 1 else col(Account.id).in_(ids))
    )
    found: dict[str, AccountRows] = {}
    for account, tenant, contacts, csm, manager, plays, open_tasks in await session.execute(query):
        people = [*(csm or ()), *([manager] if manager else ())]
        found[account.id] = AccountRows(
            account=account,
            tenant=tenant,
            contacts=[_opened(session, contact) for contact in contacts or ()],
            people={person["id"]: person for person in people},
            plays=tuple(dict.fromkeys(plays or ())),
            open_tasks=open_tasks,
        )
    return found


def _opened(session: Session, contact: Row) -> Row:
    opened = {name: contact[name] and bytes.fromhex(contact[name]) for name in _SEALED_NAMES}
    return contact | {name: session.open_text("contact", name, contact["id"], sealed) for name, sealed in opened.items()}


async def load_facts(session: Session, account_id: str) -> dict[str, Value] | None:
    """Give the facts of an account by root name; None when there is no such account. What is not known is None (missing)."""
    rows = await read_account(session, account_id)
    return None if rows is None else facts_from(rows.account, rows.contacts, rows.people, rows.tenant)


def facts_from(account: Account, contacts: Sequence[Row], people: Mapping[str, Row], tenant: Tenant | None) -> dict[str, Value]:
    """Give the facts from rows that were read before; every fact that is defined is there."""
    leaves = _account_leaves(account, contacts, people) | _contact_leaves(contacts) | _stored_leaves(account)
    for definition in facts_of(tenant):
        if definition.path.startswith(CUSTOM):
            tree = account.custom.get(definition.path.removeprefix(CUSTOM))
            leaves[definition.path] = [] if tree is None and definition.type.kind == "list" else _value(tree)
    record: dict[str, Value] = {}
    for path, value in leaves.items():
        *parents, last = path.split(".")
        node = record
        for parent in parents:
            node = cast(dict[str, Value], node.setdefault(parent, {}))
        node[last] = value
    return record


def _account_leaves(account: Account, contacts: Sequence[Row], people: Mapping[str, Row]) -> dict[str, Value]:
    csm = people.get(account.csm or "")
    manager = people.get(csm["manager"] or "") if csm else None
    mrr = None if account.mrr is None or account.currency is None else Money(plain(account.mrr), account.currency)
    leaves: dict[str, Value] = {
        f"account.{name}": getattr(account, name)
        for name in ("id", "name", "status", "stage", "tier", "segment", "country", "zone", "currency", "renewal_date")
    }
    leaves["account.mrr"] = mrr
    leaves["account.arr"] = Money(mrr.amount * 12, mrr.currency) if mrr else None
    leaves["account.notice_date"] = _notice_date(account)
    leaves["account.tags"] = list(account.tags)
    for path, person in (("account.csm", csm), ("account.csm.manager", manager)):
        leaves |= {f"{path}.{name}": person[name] if person else None for name in ("id", "name", "email")}
    leaves["account.contacts"] = [contact_record(contact) for contact in contacts]
    return leaves


def _contact_leaves(contacts: Sequence[Row]) -> dict[str, Value]:
    chosen = main_contact(contacts)
    known: dict[str, Value] = contact_record(chosen) if chosen else {}
    return {fact.path: known.get(fact.path.partition(".")[2]) for fact in FACTS if fact.path.startswith("contact.")}


def _stored_leaves(account: Account) -> dict[str, Value]:
    leaves: dict[str, Value] = {}
    for fact in FACTS:
        if fact.path.partition(".")[0] in STORED_ROOTS:
            node: object = account.facts
            for part in fact.path.split("."):
                node = node.get(part) if isinstance(node, dict) else None
            leaves[fact.path] = [] if node is None and fact.type.kind == "list" else _value(node)
    return leaves


def _notice_date(account: Account) -> date | None:
    contract = account.facts.get("contract")
    stored: Mapping[str, object] = contract if isinstance(contract, dict) else {}
    end, days = _value(stored.get("end_date")), stored.get("notice_days")
    end = end or account.renewal_date
    if not isinstance(end, date) or isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= LONGEST_NOTICE_DAYS:
        return None
    return end - timedelta(days=int(days))


def main_contact(contacts: Sequence[Row]) -> Row | None:
    """Give the champion, or else the primary contact, or else the first contact by id."""
    ordered = sorted(contacts, key=lambda contact: str(contact["id"]))
    for role in _CONTACT_ORDER:
        having = [contact for contact in ordered if role in contact["roles"]]
        if having:
            return having[0]
    return ordered[0] if ordered else None


def contact_record(contact: Row) -> dict[str, Value]:
    """Give a contact as a value."""
    record = {name: contact[name] for name in _CONTACT_NAMES}
    record["role"] = contact["roles"][0] if contact["roles"] else None
    return record


def plain(amount: Decimal) -> Decimal:
    """Give an amount with two digits where that is exact, so that 500.0000 of the column is the 500.00 that was written."""
    rounded = amount.quantize(Decimal("0.01"))
    return rounded if rounded == amount else amount.normalize()


def _value(tree: object) -> Value:
    return from_json(cast(Json, tree))
