"""Takes a page of a vendor's records in, in one transaction with the cursor that continues after it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import DBAPIError, StatementError

from playbook_dsl.values import Json
from storage.account_cells import WrongCell
from storage.repositories.connections import save_links
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.sync.accounts import take_accounts
from storage.sync.contacts import take_contacts
from storage.sync.converting import WrongValue, checked, convert, is_told, moment_of, value_of
from storage.sync.events import check_events, tell_turns
from storage.sync.facts import check_facts, take_facts, turns_at
from storage.sync.items import Item, Tally, VendorRecord
from storage.sync.mapping import Fields, KindRule
from storage.sync.matching import find_links, match_accounts
from storage.sync.rows import Seen, forget_failures, read_seen, save_failures, save_seen
from storage.vendor_tables import Link

_LONGEST_ID: Final = 200
_BREATH: Final = 50
_OF_VALUES: Final = ("22", "23")
"""SQLSTATE classes: data exceptions, and integrity constraints."""


@dataclass(frozen=True)
class Intake:
    """What a page is taken in with. `anew`: also records that say what they said before are gone through."""

    vendor: str
    rule: KindRule
    now: datetime
    anew: bool = False


async def take_page(session: Session, intake: Intake, records: Sequence[VendorRecord]) -> Tally:
    """Take records in; those that cannot be are queued with their reason, and the others are not kept by them."""
    try:
        async with session.begin_nested():
            return await _take(session, intake, records)
    except StatementError as error:
        if not records or not _is_of_a_record(error):
            raise
        session.expire_all()
        if len(records) == 1:
            return await _refused(session, intake, records[0], error)
    # One of them is something the database refuses. Halves find it without trying each alone.
    middle = len(records) // 2
    first = await take_page(session, intake, records[:middle])
    second = await take_page(session, intake, records[middle:])
    first.counts += second.counts
    first.skipped += second.skipped
    first.examples = second.examples | first.examples
    first.accounts |= second.accounts
    return first


def _is_of_a_record(error: StatementError) -> bool:
    """Say whether a value is to blame: neither a database that is away nor two who waited for each other are a record's fault."""
    if not isinstance(error, DBAPIError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state)[:2] in _OF_VALUES
    # What the driver cannot even write has no state.
    return not error.connection_invalidated and isinstance(getattr(error.orig, "__cause__", None), ValueError | TypeError | OverflowError)


async def _refused(session: Session, intake: Intake, record: VendorRecord, error: Exception) -> Tally:
    tally = Tally()
    tally.counts["read"] += 1
    # The statement and its parameters stay out of it: they may hold what is sealed.
    tally.fail(_name_of(record), "refused", f"the database refuses it ({type(error).__name__})", record.fields, deleted=record.deleted)
    await save_failures(session, intake.vendor, intake.rule.kind, tally.failed, intake.now)
    return tally


async def _take(session: Session, intake: Intake, records: Sequence[VendorRecord]) -> Tally:
    vendor, rule = intake.vendor, intake.rule
    tally = Tally()
    newest = _newest(rule, records)
    tally.counts["read"] += len(records)
    tally.counts["unchanged"] += len(records) - len(newest)
    seen = await read_seen(session, vendor, rule.kind, list(newest))
    items: list[Item] = []
    for number, (name, record) in enumerate(newest.items()):
        if number % _BREATH == 0:
            await asyncio.sleep(0)
        item = _item(intake, name, record, seen.get(name), tally)
        if item is not None:
            items.append(item)
    gone = [item for item in items if item.deleted]
    there = [item for item in items if not item.deleted]
    await _find_accounts(session, vendor, rule, there, tally)
    tenant = await find_tenant(session)
    if rule.into == "account":
        await take_accounts(session, vendor, rule, there, tally, tenant, intake.now)
    elif rule.into == "contact":
        await take_contacts(session, vendor, rule, there, tally)
    taken = [item for item in there if item.account]
    await _keep(session, vendor, rule, [*taken, *gone])
    if rule.into == "facts":
        for item in taken:
            tally.counts["created" if item.seen is None else "changed"] += 1
        before = {item.seen.account for item in items if item.seen is not None}
        await take_facts(session, vendor, rule, {*before, *(str(item.account) for item in taken)}, tally, tenant, intake.now)
    await tell_turns(session, vendor, rule, [*taken, *gone], tenant, intake.now)
    _count_gone(rule, gone, tally)
    failed = {each.external_id for each in tally.failed}
    ignored = [item.external_id for item in there if not item.account and rule.unmatched == "ignore"]
    await forget_failures(session, vendor, rule.kind, [*(name for name in newest if name not in failed), *ignored])
    await save_failures(session, vendor, rule.kind, [each for each in tally.failed if each.external_id not in ignored], intake.now)
    return tally


def _count_gone(rule: KindRule, gone: Sequence[Item], tally: Tally) -> None:
    for item in gone:
        known = item.seen is not None and not item.seen.deleted
        tally.counts["changed" if known and rule.into == "facts" else "unchanged"] += 1
        if known and rule.into != "facts":
            tally.skip(item.external_id, "*", f"deleted there; the {rule.into} stays here")


def _name_of(record: VendorRecord) -> str:
    return str(record.external_id).encode("utf-8", "replace").decode().replace("\0", "?")[:_LONGEST_ID]


def _changed_at(rule: KindRule, record: VendorRecord) -> datetime | None:
    raw = value_of(record.fields, rule.changed_at) if rule.changed_at else None
    try:
        return None if raw in (None, "") else moment_of(raw)
    except WrongCell:
        return None


def _newest(rule: KindRule, records: Sequence[VendorRecord]) -> dict[str, VendorRecord]:
    """Give each record once: the one that changed last, and of equals the last."""
    newest: dict[str, tuple[datetime | None, VendorRecord]] = {}
    for record in records:
        name, at = _name_of(record), _changed_at(rule, record)
        before = newest.get(name)
        if before is None or at is None or before[0] is None or at >= before[0]:
            newest[name] = (at, record)
    return {name: record for name, (_, record) in newest.items()}


def _item(intake: Intake, name: str, record: VendorRecord, seen: Seen | None, tally: Tally) -> Item | None:
    """Give a record that has something new to say; None when it has not, or cannot be read."""
    rule, at = intake.rule, _changed_at(intake.rule, record)
    if seen is not None and seen.changed_at is not None:
        older = at is not None and at < seen.changed_at
        if older or (seen.deleted and not record.deleted and at == seen.changed_at):
            tally.counts["unchanged"] += 1
            return None
        at = at or seen.changed_at
    read: dict[str, Json] = {}
    values: dict[str, Json] = {}
    if not record.deleted:
        try:
            values = _read(rule, record.fields)
        except WrongValue as error:
            tally.fail(name, "bad_value", str(error), record.fields)
            return None
        read = values if seen is None or rule.into == "facts" else {**seen.read, **values}
        if seen is not None and not seen.deleted and seen.account and read == seen.read and not intake.anew:
            tally.counts["unchanged"] += 1
            return None
    item = Item(name, record.fields, at, record.deleted, read, dict(values), seen)
    if rule.into == "facts" and not record.deleted:
        item.turns_at = turns_at(rule, values, intake.now)
    return item


def _read(rule: KindRule, fields: Fields) -> dict[str, Json]:
    if rule.into == "facts":
        values: dict[str, Json] = {name: value_of(fields, name) for name in rule.needs()}
        check_facts(rule, values)
        check_events(rule, values)
        return values
    told = [each for each in rule.fields if each.target == "name" or is_told(fields, each.source)]
    return {each.target: checked(each.target, convert(fields, each.source, each.type)) for each in told}


async def _find_accounts(session: Session, vendor: str, rule: KindRule, items: Sequence[Item], tally: Tally) -> None:
    links = await find_links(session, vendor, rule.kind, [item.external_id for item in items]) if rule.link else {}
    unknown = {item.external_id: item.fields for item in items if item.external_id not in links or rule.into != "account"}
    matched = await match_accounts(session, rule, unknown)
    for item in items:
        link = links.get(item.external_id)
        item.account = matched.get(item.external_id) or (link.account if link else None)
        item.contact = link.contact if link else None
        if (item.account is None and not rule.create) or (item.account is None and rule.into != "account"):
            tally.fail(item.external_id, "unmatched", "no account of ours is found for it by the rules of `match`", item.fields)


async def _keep(session: Session, vendor: str, rule: KindRule, items: Sequence[Item]) -> None:
    rows = [
        Seen(
            item.external_id,
            item.account or (item.seen.account if item.seen else ""),
            item.contact or (item.seen.contact if item.seen else None),
            item.changed_at,
            item.deleted,
            item.read,
            item.kept,
            item.turns_at,
        )
        for item in items
    ]
    await save_seen(session, vendor, rule.kind, rows)
    if rule.link:
        links = [
            Link(vendor=vendor, kind=rule.kind, external_id=item.external_id, account=item.account, contact=item.contact)
            for item in items
            if item.account and not item.deleted
        ]
        await save_links(session, links)
