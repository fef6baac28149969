"""The facts of an account, as values by root name."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from playbook_dsl.values import Json, Money, Value, from_json
from storage.fact_definitions import CUSTOM, FACTS, STORED_ROOTS, facts_of
from storage.repositories.accounts import find_account, list_contacts_by_account
from storage.repositories.people import list_people_by_ids
from storage.session import Session
from storage.tables import Account, Contact, Person, Tenant

LONGEST_NOTICE_DAYS: Final = 36_500
"""A longer period of notice is a slip of the pen, and no date follows from it."""

_CONTACT_ORDER = ("champion", "primary_contact")


async def load_facts(session: Session, account_id: str, tenant: Tenant | None) -> dict[str, Value] | None:
    """Give the facts of an account by root name; None when there is no such account. What is not known is None (missing)."""
    account = await find_account(session, account_id)
    if account is None:
        return None
    contacts = await list_contacts_by_account(session, account_id)
    people = {person.id: person for person in await _csm_and_manager(session, account)}
    return facts_from(account, contacts, people, tenant)


async def _csm_and_manager(session: Session, account: Account) -> list[Person]:
    if account.csm is None:
        return []
    csm = await list_people_by_ids(session, [account.csm])
    manager = csm[0].manager if csm else None
    return csm + (await list_people_by_ids(session, [manager]) if manager else [])


def facts_from(account: Account, contacts: Sequence[Contact], people: Mapping[str, Person], tenant: Tenant | None) -> dict[str, Value]:
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


def _account_leaves(account: Account, contacts: Sequence[Contact], people: Mapping[str, Person]) -> dict[str, Value]:
    csm = people.get(account.csm or "")
    manager = people.get(csm.manager or "") if csm else None
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
        leaves |= {f"{path}.{name}": getattr(person, name) if person else None for name in ("id", "name", "email")}
    leaves["account.contacts"] = [contact_record(contact) for contact in contacts]
    return leaves


def _contact_leaves(contacts: Sequence[Contact]) -> dict[str, Value]:
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


def main_contact(contacts: Sequence[Contact]) -> Contact | None:
    """Give the champion, or else the primary contact, or else the first contact by id."""
    ordered = sorted(contacts, key=lambda contact: contact.id)
    for role in _CONTACT_ORDER:
        having = [contact for contact in ordered if role in contact.roles]
        if having:
            return having[0]
    return ordered[0] if ordered else None


def contact_record(contact: Contact) -> dict[str, Value]:
    """Give a contact as a value."""
    return {
        "id": contact.id,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "title": contact.title,
        "role": contact.roles[0] if contact.roles else None,
        "roles": list(contact.roles),
        "opt_outs": list(contact.opt_outs),
        "zone": contact.zone,
        "language": contact.language,
    }


def plain(amount: Decimal) -> Decimal:
    """Give an amount with two digits where that is exact, so that 500.0000 of the column is the 500.00 that was written."""
    rounded = amount.quantize(Decimal("0.01"))
    return rounded if rounded == amount else amount.normalize()


def _value(tree: object) -> Value:
    return from_json(cast(Json, tree))
