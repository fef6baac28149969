"""Records that become accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlmodel import col

from playbook_dsl.values import Json, from_json, to_json
from storage.account_cells import WrongCell, read_id
from storage.facts import plain
from storage.repositories.accounts import lock_accounts
from storage.repositories.tasks import give_tasks_to_csm
from storage.session import Session
from storage.sync.converting import value_of
from storage.sync.fields import decide, last_written
from storage.sync.items import Item, Tally
from storage.sync.mapping import ACCOUNT_FIELDS, KindRule
from storage.tables import Account, Person, Tenant

_CUSTOM: Final = "custom."
_NEEDED: Final = ("name", "status", "tags")


@dataclass
class Accounts:
    """The accounts of a page, locked. `csms` are the ids of people by what vendors call them."""

    vendor: str
    now: datetime
    known: dict[str, Account] = field(default_factory=dict)
    csms: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)


async def take_accounts(
    session: Session, vendor: str, rule: KindRule, items: Sequence[Item], tally: Tally, tenant: Tenant | None, now: datetime
) -> None:
    """Bring accounts up to date; make those that nobody knows where the mapping says so."""
    for item in items:
        if item.account is None and rule.create:
            item.account = _id_of_new(rule, item, tally)
    wanted = sorted({item.account for item in items if item.account})
    here = Accounts(vendor, now, await lock_accounts(session, wanted), await _csms(session, items))
    for item in items:
        if item.account is None:
            continue
        account = here.known.get(item.account)
        is_new = account is None
        if account is None:
            if not rule.create or not item.values.get("name"):
                reason = "it would be new, and its name is missing" if rule.create else f'the account "{item.account}" is gone'
                tally.fail(item.external_id, "bad_value" if rule.create else "unmatched", reason, item.fields)
                item.account = None
                continue
            account = Account(
                tenant=session.tenant, id=item.account, name="", currency=tenant.currency if tenant else None, custom={}, facts={}
            )
            here.known[item.account] = account
        changed = _fill(here, rule, item, account, tally, is_new=is_new)
        if is_new:
            session.add(account)
        tally.counts["created" if is_new else "changed" if changed else "unchanged"] += 1
    await session.flush()
    if here.moved:
        await give_tasks_to_csm(session, sorted(here.moved))


def _id_of_new(rule: KindRule, item: Item, tally: Tally) -> str | None:
    given = value_of(item.fields, rule.id_field) if rule.id_field else item.external_id
    try:
        return read_id(str(given or ""))
    except WrongCell as error:
        why = f'it would be new, and "{str(given or "")[:60]}" cannot be its id: {error.wrong}'
        tally.fail(item.external_id, "bad_value", why, item.fields)
        return None


async def _csms(session: Session, items: Sequence[Item]) -> dict[str, str]:
    named = {str(item.values["csm"]).lower() for item in items if item.values.get("csm")}
    if not named:
        return {}
    query = select(col(Person.id), func.lower(col(Person.email))).where(
        or_(func.lower(col(Person.id)).in_(named), func.lower(col(Person.email)).in_(named)), col(Person.active)
    )
    found = (await session.execute(query.order_by(col(Person.id).desc()))).all()
    return {email: name for name, email in found} | {name.lower(): name for name, _ in found}


def _fill(here: Accounts, rule: KindRule, item: Item, account: Account, tally: Tally, *, is_new: bool) -> bool:
    """Set the fields; give whether anything is other than before."""
    changed = False
    # There is one moment for the whole account; at the latest then was the field changed by somebody.
    at = account.updated_at
    for each in rule.fields:
        if each.target not in item.values or (each.target == "csm" and not _known_csm(here, item, account, tally)):
            continue
        if each.target in _NEEDED and item.values[each.target] is None and not is_new:
            continue
        before = value_here(account, each.target)
        value = decide(each, item, before, tally, vendor=here.vendor, is_new=is_new, changed_here_at=at)
        if value != before and not (is_new and value is None):
            _set(account, each.target, value)
            changed = True
            if each.target == "csm":
                here.moved.add(account.id)
    if changed:
        account.updated_at = here.now
        account.updated_by = f"sync {here.vendor}"
        tally.accounts.add(account.id)
    return changed


def _known_csm(here: Accounts, item: Item, account: Account, tally: Tally) -> bool:
    named = item.values["csm"]
    if named is None:
        return True
    found = here.csms.get(str(named).lower())
    if found is None:
        tally.skip(item.external_id, "csm", "nobody active in the team has this id or e-mail address")
        written = item.seen is not None and "csm" in item.seen.read
        item.kept["csm"] = last_written(item, "csm") if written else account.csm
        return False
    item.values["csm"] = item.kept["csm"] = found
    return True


def value_here(account: Account, target: str) -> Json:
    """Give a field of an account as JSON."""
    if target.startswith(_CUSTOM):
        found: Any = account.custom.get(target.removeprefix(_CUSTOM))
        return found  # type: ignore[no-any-return]  # stored in the form of JSON
    if target in ACCOUNT_FIELDS:
        value = getattr(account, target)
        if isinstance(value, Decimal):
            exact = plain(value)
            return int(exact) if exact == exact.to_integral_value() else float(exact)
        return to_json(value)
    node: Any = account.facts
    for part in target.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node  # type: ignore[no-any-return]  # stored in the form of JSON


def _set(account: Account, target: str, value: Json) -> None:
    if target.startswith(_CUSTOM):
        name = target.removeprefix(_CUSTOM)
        account.custom = {key: each for key, each in {**account.custom, name: value}.items() if each is not None}
    elif target == "mrr":
        account.mrr = None if value is None else Decimal(str(value))
    elif target in ACCOUNT_FIELDS:
        setattr(account, target, from_json(value))
    else:
        account.facts = with_fact(account.facts, target.split("."), value)


def with_fact(tree: dict[str, object], path: Sequence[str], value: Json) -> dict[str, object]:
    """Give facts with one of them set."""
    first, *rest = path
    inner = tree.get(first)
    return {**tree, first: with_fact(dict(inner) if isinstance(inner, dict) else {}, rest, value) if rest else value}
