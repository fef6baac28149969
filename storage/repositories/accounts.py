"""Accounts and their contacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from sqlalchemy import Boolean, ColumnElement, Function, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.pages import Page, fetch_page
from storage.repositories.events import addresses_in, reconsider_events
from storage.session import Session
from storage.tables import METADATA, Account, Contact

_ACCOUNTS = METADATA.tables["account"]
_CONTACTS = METADATA.tables["contact"]
_SEALED: Final = ("email", "phone")
_DIGEST_LETTERS: Final = 20


@dataclass(frozen=True)
class KnownContact:
    """A contact, its sealed fields opened."""

    id: str
    account: str
    name: str
    email: str | None
    phone: str | None
    title: str | None
    roles: list[str]
    opt_outs: list[str]
    zone: str | None
    language: str | None


async def find_account(session: Session, account_id: str, *, lock: bool = False) -> Account | None:
    """Give an account. With `lock` nobody else may change it before the transaction ends."""
    query = select(Account).where(col(Account.id) == account_id)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def list_accounts(
    session: Session,
    *,
    search: str | None = None,
    csm: str | None = None,
    status: str | None = None,
    tier: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[Account]:
    """Give accounts by name. `search` is part of the name or the beginning of the id."""
    query = select(Account)
    if search:
        query = query.where(col(Account.name).icontains(search, autoescape=True) | col(Account.id).istartswith(search, autoescape=True))
    for column, wanted in ((Account.csm, csm), (Account.status, status), (Account.tier, tier)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    return await fetch_page(session, query, (col(Account.name), col(Account.id)), after=after, limit=limit)


async def hold_account(session: Session, account_id: str) -> bool:
    """Let nobody bring the account into a playbook before the transaction ends; False when there is no such account.

    Who notes what happened to an account holds it, so that a play that begins at the same moment is either seen or sees.
    """
    query = select(col(Account.id)).where(col(Account.id) == account_id).with_for_update(read=True, key_share=True)
    return (await session.execute(query)).first() is not None


async def lock_accounts(session: Session, ids: Sequence[str]) -> dict[str, Account]:
    """Give those of the ids that are accounts; nobody else may change them before the transaction ends.

    They are locked in the order of their ids, so that two who lock the same accounts never wait for each other.
    """
    query = select(Account).where(col(Account.id).in_(ids)).order_by(col(Account.id)).with_for_update()
    return {account.id: account for account in (await session.execute(query)).scalars()}


async def list_known_account_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Give those of the ids that are accounts."""
    return set((await session.execute(select(col(Account.id)).where(col(Account.id).in_(ids)))).scalars())


async def count_accounts(session: Session) -> int:
    """Count the tenant's accounts."""
    return (await session.execute(select(func.count()).select_from(Account))).scalar_one()


async def save_accounts(session: Session, rows: Sequence[Mapping[str, object]]) -> int:
    """Make accounts, or bring them up to date, in one statement; give how many are new.

    Every row has the same columns, `id` and `name` among them, and each id comes once. `custom` and `facts` are merged into what is there
    (facts by root name); other columns are replaced.
    """
    if not rows:
        return 0
    statement = insert(_ACCOUNTS)
    changes: dict[str, object] = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    for merged in ("custom", "facts"):
        if merged in changes:
            changes[merged] = _ACCOUNTS.c[merged].op("||")(statement.excluded[merged])
    # Rows handed over beside the statement leave its text the same for every batch, so that it is compiled once.
    saved = await session.execute(
        statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=changes | {"updated_at": func.now()})
        # A row of this transaction alone has no xmax: it was inserted, not updated.
        .returning(literal_column("(xmax = 0)", Boolean)),
        [dict(row) | {"tenant": session.tenant} for row in rows],
    )
    new = sum(1 for (is_new,) in saved if is_new)
    if new:
        await reconsider_events(session, clues=[f"account:{row['id']}" for row in rows])
    return new


async def update_account(session: Session, account_id: str, changes: Mapping[str, object], *, by: str) -> None:
    """Set columns of an account."""
    await session.execute(update(Account).where(col(Account.id) == account_id).values(**changes, updated_at=func.now(), updated_by=by))


async def set_facts(session: Session, account_id: str, root: str, facts: Mapping[str, object]) -> bool:
    """Merge facts under a root name (`health`, `usage`, …), in JSON form; False when there is no such account."""
    account = await find_account(session, account_id, lock=True)
    if account is None:
        return False
    before = account.facts.get(root)
    account.facts = {**account.facts, root: {**(before if isinstance(before, dict) else {}), **facts}}
    await session.flush()
    return True


async def list_contacts_by_account(session: Session, account_id: str) -> list[KnownContact]:
    """Give an account's contacts, by id."""
    query = select(_CONTACTS).where(_CONTACTS.c.account == account_id).order_by(_CONTACTS.c.id)
    return [_opened(session, row) for row in (await session.execute(query)).mappings()]


async def find_contact(session: Session, contact_id: str) -> KnownContact | None:
    """Give a contact."""
    row = (await session.execute(select(_CONTACTS).where(_CONTACTS.c.id == contact_id))).mappings().one_or_none()
    return None if row is None else _opened(session, row)


def _opened(session: Session, row: Mapping[Any, Any]) -> KnownContact:
    opened = {name: session.open_text("contact", name, row["id"], row[name]) for name in _SEALED}
    names = (one.name for one in fields(KnownContact))
    known: dict[str, Any] = {name: opened[name] if name in opened else row[name] for name in names}
    return KnownContact(**known)


async def list_known_contact_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Give those of the ids that are contacts."""
    return set((await session.execute(select(col(Contact.id)).where(col(Contact.id).in_(ids)))).scalars())


async def list_contacts_by_email(session: Session, emails: Sequence[str]) -> list[KnownContact]:
    """Give the contacts with these addresses, of whatever account."""
    digests = [digest for email in emails for digest in session.digests("contact", "email", email)]
    query = select(_CONTACTS).where(_CONTACTS.c.email_digest.in_(digests))
    return [_opened(session, row) for row in (await session.execute(query)).mappings()]


async def list_contacts_by_address(session: Session, address: str) -> list[KnownContact]:
    """Give the contacts with this e-mail address or phone number, of whatever account, by id."""
    column = "email" if "@" in address else "phone"
    query = select(_CONTACTS).where(_CONTACTS.c[f"{column}_digest"].in_(session.digests("contact", column, address)))
    return [_opened(session, row) for row in (await session.execute(query.order_by(_CONTACTS.c.id))).mappings()]


async def opt_out(session: Session, contact_ids: Sequence[str], channel: str) -> list[str]:
    """Note that contacts want nothing more by a channel; give the ids of those for whom this is new."""
    theirs = (_CONTACTS.c.id.in_(contact_ids), ~_CONTACTS.c.opt_outs.contains([channel]))
    return await _set_opt_outs(session, theirs, func.array_append(_CONTACTS.c.opt_outs, channel))


async def opt_in(session: Session, contact_ids: Sequence[str], channel: str) -> list[str]:
    """Note that contacts want to hear by a channel again; give the ids of those for whom this is new."""
    theirs = (_CONTACTS.c.id.in_(contact_ids), _CONTACTS.c.opt_outs.contains([channel]))
    return await _set_opt_outs(session, theirs, func.array_remove(_CONTACTS.c.opt_outs, channel))


async def _set_opt_outs(session: Session, theirs: Sequence[ColumnElement[bool]], opt_outs: Function[Any]) -> list[str]:
    # In the order of their ids, so that two who change the same contacts never wait for each other.
    locked = await session.execute(select(_CONTACTS.c.id).where(*theirs).order_by(_CONTACTS.c.id).with_for_update())
    ids = list(locked.scalars())
    if ids:
        await session.execute(update(_CONTACTS).where(_CONTACTS.c.id.in_(ids)).values(opt_outs=opt_outs))
    return ids


async def name_contacts(session: Session, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Give ids to contacts of a file: the one the account's contact with this address has, or a new one that does not show the address."""
    digests = {str(row["email"]): session.digests("contact", "email", str(row["email"])) for row in rows if row["email"]}
    wanted = [digest for several in digests.values() for digest in several]
    found = select(_CONTACTS.c.account, _CONTACTS.c.email_digest, _CONTACTS.c.id).where(_CONTACTS.c.email_digest.in_(wanted))
    known = {(account, digest): name for account, digest, name in await session.execute(found.order_by(_CONTACTS.c.id.desc()))}
    named: list[dict[str, object]] = []
    for row in rows:
        account, email = str(row["account"]), str(row["email"] or "")
        same = (known[account, digest] for digest in digests.get(email, ()) if (account, digest) in known)
        # Made of the address, so that two who import the same file at once make one contact and not two.
        new = session.digest("contact", "email", email)[:_DIGEST_LETTERS] if email else str(row["name"]).lower()
        named.append({"id": next(same, f"{account}.{new}"[:200]), **row})
    return named


async def save_contacts(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Make contacts, or bring them up to date. Every row has the same columns, `opt_outs` among them, which are only ever added to.

    `email` and `phone` are sealed here. Events about an address that was nobody's are looked at again.
    """
    if not rows:
        return
    sealed = [_sealed(session, row) for row in rows]
    statement = insert(_CONTACTS)
    changes: dict[str, object] = {name: statement.excluded[name] for name in sealed[0] if name not in ("tenant", "id")}
    # Nobody is written to again because a file forgot that they opted out.
    changes["opt_outs"] = literal_column("ARRAY(SELECT DISTINCT unnest(contact.opt_outs || excluded.opt_outs) ORDER BY 1)")
    written = statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=changes)
    await session.execute(written, sealed)
    await reconsider_events(session, addresses=addresses_in(rows))


def _sealed(session: Session, row: Mapping[str, object]) -> dict[str, object]:
    sealed = dict(row) | {"tenant": session.tenant}
    for name in _SEALED:
        if name in row:
            sealed[name] = session.seal("contact", name, str(row["id"]), cast(Json, row[name]))
            sealed[f"{name}_digest"] = None if row[name] is None else session.digest("contact", name, str(row[name]))
    return sealed


async def delete_contact(session: Session, contact_id: str) -> bool:
    """Take a contact away; False when there is none."""
    statement = delete(Contact).where(col(Contact.id) == contact_id).returning(col(Contact.id))
    return (await session.execute(statement)).first() is not None
