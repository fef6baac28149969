"""Records that become contacts."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import select
from sqlmodel import col

from playbook_dsl.values import Json
from storage.repositories.accounts import name_contacts, save_contacts
from storage.session import Session
from storage.sync.fields import decide
from storage.sync.items import Item, Tally
from storage.sync.mapping import KindRule
from storage.tables import Contact

_COLUMNS: Final = ("name", "email", "phone", "title", "roles", "zone", "language")


async def take_contacts(session: Session, vendor: str, rule: KindRule, items: Sequence[Item], tally: Tally) -> None:
    """Bring contacts of accounts that are known up to date, and make new ones."""
    placed = [item for item in items if item.account]
    await _name(session, vendor, placed)
    here = await _here(session, [str(item.contact) for item in placed])
    rows: dict[str, dict[str, object]] = {}
    for item in placed:
        contact = str(item.contact)
        before = rows.get(contact) or here.get(contact)
        row = dict(before or dict.fromkeys(_COLUMNS)) | {"id": contact, "account": item.account, "opt_outs": []}
        for each in rule.fields:
            if each.target not in item.values:
                continue
            value = decide(
                each,
                item,
                cast("Json", row[each.target]),
                tally,
                vendor=vendor,
                is_new=before is None,
                changed_here_at=None,
            )
            if value is not None or each.target != "name":
                row[each.target] = value
        row["roles"] = row["roles"] or []
        row["name"] = row["name"] or str(row["email"] or contact).partition("@")[0]
        outcome = "created" if before is None else "unchanged" if before == row else "changed"
        tally.counts[outcome] += 1
        if outcome != "unchanged":
            rows[contact] = row
            tally.accounts.add(str(item.account))
            if before is not None and before["account"] != item.account:
                tally.accounts.add(str(before["account"]))
    await save_contacts(session, [rows[contact] for contact in sorted(rows)])


async def _name(session: Session, vendor: str, items: Sequence[Item]) -> None:
    """Give contacts their ids: the linked one, the one of the account with this address, or a new one."""
    new = [item for item in items if item.contact is None]
    with_address = [item for item in new if item.values.get("email")]
    rows = [{"account": item.account, "email": item.values["email"], "name": ""} for item in with_address]
    for item, named in zip(with_address, await name_contacts(session, rows) if rows else [], strict=True):
        item.contact = str(named["id"])
    for item in new:
        item.contact = item.contact or f"{item.account}.{vendor}.{item.external_id}"[:200]


async def _here(session: Session, contacts: Sequence[str]) -> dict[str, dict[str, object]]:
    query = select(Contact).where(col(Contact.id).in_(contacts)).order_by(col(Contact.id)).with_for_update()
    found: dict[str, dict[str, object]] = {}
    for row in (await session.execute(query.execution_options(populate_existing=True))).scalars():
        opened: dict[str, Any] = {name: getattr(row, name) for name in ("id", "account", *_COLUMNS)}
        for name in ("email", "phone"):
            opened[name] = session.open_text("contact", name, row.id, opened[name])
        found[row.id] = opened | {"opt_outs": []}
    return found
