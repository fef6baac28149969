"""Accounts and their contacts."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Boolean, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import METADATA, Account, Contact

_ACCOUNTS = METADATA.tables["account"]
_CONTACTS = METADATA.tables["contact"]


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
    return sum(1 for (is_new,) in saved if is_new)


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


async def list_contacts_by_account(session: Session, account_id: str) -> list[Contact]:
    """Give an account's contacts, by id."""
    query = select(Contact).where(col(Contact.account) == account_id).order_by(col(Contact.id))
    return list((await session.execute(query)).scalars())


async def find_contact(session: Session, contact_id: str) -> Contact | None:
    """Give a contact."""
    return (await session.execute(select(Contact).where(col(Contact.id) == contact_id))).scalar_one_or_none()


async def list_known_contact_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Give those of the ids that are contacts."""
    return set((await session.execute(select(col(Contact.id)).where(col(Contact.id).in_(ids)))).scalars())


async def list_contacts_by_email(session: Session, emails: Sequence[str]) -> list[Contact]:
    """Give the contacts with these addresses, of whatever account."""
    query = select(Contact).where(func.lower(col(Contact.email)).in_([email.lower() for email in emails]))
    return list((await session.execute(query)).scalars())


async def save_contacts(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Make contacts, or bring them up to date. Every row has the same columns, `opt_outs` among them, which are only ever added to."""
    if not rows:
        return
    statement = insert(_CONTACTS)
    changes: dict[str, object] = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    # Nobody is written to again because a file forgot that they opted out.
    changes["opt_outs"] = literal_column("ARRAY(SELECT DISTINCT unnest(contact.opt_outs || excluded.opt_outs) ORDER BY 1)")
    written = statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=changes)
    await session.execute(written, [dict(row) | {"tenant": session.tenant} for row in rows])


async def delete_contact(session: Session, contact_id: str) -> bool:
    """Take a contact away; False when there is none."""
    statement = delete(Contact).where(col(Contact.id) == contact_id).returning(col(Contact.id))
    return (await session.execute(statement)).first() is not None
