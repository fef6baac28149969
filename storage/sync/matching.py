"""Whose records are: links first written down, then the rules of the mapping in their order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from storage.repositories.accounts import list_known_account_ids
from storage.session import Session
from storage.sync.converting import domain_of, value_of
from storage.sync.mapping import Fields, KindRule, MatchRule
from storage.tables import Account, Contact
from storage.vendor_tables import Link

_MOST_VALUES: Final = 50


async def find_links(session: Session, vendor: str, kind: str, external_ids: Iterable[str]) -> dict[str, Link]:
    """Give the links of a vendor's objects by their ids."""
    query = select(Link).where(col(Link.vendor) == vendor, col(Link.kind) == kind, col(Link.external_id).in_(list(external_ids)))
    return {row.external_id: row for row in (await session.execute(query)).scalars()}


async def match_accounts(session: Session, rule: KindRule, records: Mapping[str, Fields]) -> dict[str, str]:
    """Give the accounts of records (by external id) that the rules find; where a rule finds two, it finds none."""
    found: dict[str, str] = {}
    for each in rule.match:
        values = {name: _values(each, fields) for name, fields in records.items() if name not in found}
        wanted = {value for several in values.values() for value in several}
        if not wanted:
            continue
        known = await _accounts_by(session, each, sorted(wanted))
        for name, several in values.items():
            accounts = {account for value in several for account in known.get(value, ())}
            if len(accounts) == 1:
                found[name] = accounts.pop()
    return found


def _values(rule: MatchRule, fields: Fields) -> list[str]:
    raw = value_of(fields, rule.field)
    several = raw if isinstance(raw, list) else [raw]
    texts = (str(each).strip() for each in several[:_MOST_VALUES] if isinstance(each, str | int) and not isinstance(each, bool))
    if rule.how == "domain":
        return [host for text in texts if (host := domain_of(text))]
    return [text for text in texts if text and "\0" not in text]


async def _accounts_by(session: Session, rule: MatchRule, values: Sequence[str]) -> dict[str, set[str]]:
    match rule.how:
        case "account":
            return {account: {account} for account in await list_known_account_ids(session, values)}
        case "email":
            return await _by_email(session, values)
        case "link":
            links = await find_links(session, rule.vendor, rule.name, values)
            return {name: {link.account} for name, link in links.items()}
        case _:
            return await _by_own_field(session, rule.name, values)


async def _by_email(session: Session, values: Sequence[str]) -> dict[str, set[str]]:
    digests = {digest: value for value in values for digest in session.digests("contact", "email", value)}
    query = select(col(Contact.email_digest), col(Contact.account)).where(col(Contact.email_digest).in_(list(digests)))
    found: dict[str, set[str]] = {}
    for digest, account in await session.execute(query):
        found.setdefault(digests[str(digest)], set()).add(account)
    return found


async def _by_own_field(session: Session, name: str, values: Sequence[str]) -> dict[str, set[str]]:
    field = col(Account.custom)[name].astext
    found: dict[str, set[str]] = {}
    for value, account in await session.execute(select(field, col(Account.id)).where(field.in_(values))):
        found.setdefault(value, set()).add(account)
    return found
