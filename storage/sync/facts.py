"""Records that become facts: what is told of an account from all its records of a kind."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from playbook_dsl.values import Json, Money, Value, from_json, to_json
from storage.account_cells import WrongCell
from storage.facts import plain
from storage.repositories.accounts import lock_accounts
from storage.session import Session
from storage.sync.accounts import value_here, with_fact
from storage.sync.converting import WrongValue, convert, moment_of, passes_at
from storage.sync.items import Tally
from storage.sync.mapping import Condition, FactRule, Fields, KindRule
from storage.sync.rows import Seen, read_of_accounts, set_turns
from storage.tables import Account, Tenant


def check_facts(rule: KindRule, values: Fields) -> None:
    """See whether facts can be made of a record.

    Raises:
        WrongValue: they cannot.
    """
    for each in rule.facts:
        if each.source is not None:
            convert(values, each.source, each.type, currency="USD")
        for condition in each.where:
            if condition.time is not None:
                _passes(values, condition)
        if each.by is not None and values.get(each.by) is not None:
            _moment(values, each.by)


def turns_at(rule: KindRule, values: Fields, now: datetime) -> datetime | None:
    """Give when a condition on the time of a record turns next."""
    moments = (_passes(values, each) for fact in rule.facts for each in fact.where if each.time is not None)
    return min((at for at in moments if at is not None and at > now), default=None)


async def take_facts(
    session: Session, vendor: str, rule: KindRule, accounts: Iterable[str], tally: Tally, tenant: Tenant | None, now: datetime
) -> None:
    """Make the facts of accounts anew from what is kept of their records."""
    wanted = sorted({account for account in accounts if account})
    locked = await lock_accounts(session, wanted)
    records = await read_of_accounts(session, vendor, rule.kind, wanted)
    for name, account in locked.items():
        if _set_facts(account, rule, records.get(name, []), tenant, now):
            account.updated_at = now
            account.updated_by = f"sync {vendor}"
            tally.accounts.add(name)
    await session.flush()


async def turn(
    session: Session, vendor: str, rule: KindRule, accounts: Sequence[str], tally: Tally, tenant: Tenant | None, now: datetime
) -> None:
    """Make the facts of accounts anew of which a record's moment has come."""
    await take_facts(session, vendor, rule, accounts, tally, tenant, now)
    records = await read_of_accounts(session, vendor, rule.kind, accounts)
    turned = [seen for several in records.values() for seen in several if seen.turns_at is not None and seen.turns_at <= now]
    await set_turns(session, vendor, rule.kind, {seen.external_id: turns_at(rule, seen.read, now) for seen in turned})


def _set_facts(account: Account, rule: KindRule, records: Sequence[Seen], tenant: Tenant | None, now: datetime) -> bool:
    currency = account.currency or (tenant.currency if tenant else None)
    changed = False
    for each in rule.facts:
        value = fact_of(each, [seen.read for seen in records], currency, now)
        if value_here(account, each.target) != value:
            account.facts = with_fact(account.facts, each.target.split("."), value)
            changed = True
    return changed


def fact_of(rule: FactRule, records: Sequence[Fields], currency: str | None, now: datetime) -> Json:
    """Make a fact of records; None when nothing is known."""
    counting = [values for values in records if all(holds(each, values, now) for each in rule.where)]
    if rule.how == "count":
        return len(counting)
    if rule.source is None:
        return None
    if rule.how == "latest":
        by = rule.by or ""
        dated = [values for values in counting if values.get(by) is not None]
        newest = max(dated, key=lambda values: _moment(values, by), default=None)
        return None if newest is None else convert(newest, rule.source, rule.type, currency=currency)
    found = [value for values in counting if (value := from_json(convert(values, rule.source, rule.type, currency=currency))) is not None]
    if rule.how == "sum":
        return to_json(_sum(found, rule, currency))
    comparable: list[Any] = list(found)
    return to_json((min if rule.how == "min" else max)(comparable, default=None))


def _sum(found: Sequence[Value], rule: FactRule, currency: str | None) -> Value:
    if rule.type.kind == "money":
        amounts = [value for value in found if isinstance(value, Money)]
        # Of several currencies the account's own counts: adding them up would be wrong.
        unit = currency if not amounts or any(each.currency == currency for each in amounts) else amounts[0].currency
        return Money(plain(sum((each.amount for each in amounts if each.currency == unit), Decimal(0))), unit) if unit else None
    total = sum(Decimal(str(value)) for value in found)
    return int(total) if total == int(total) else float(total)


def holds(condition: Condition, values: Fields, now: datetime) -> bool:
    """Say whether a record is as a condition wants it."""
    if condition.time is not None:
        at = _passes(values, condition)
        return at is not None and (at <= now) == (condition.time == "past")
    return values.get(condition.field) in condition.words


def _passes(values: Fields, condition: Condition) -> datetime | None:
    raw = values.get(condition.field)
    try:
        return None if raw in (None, "") else passes_at(raw)
    except WrongCell as error:
        raise WrongValue(f"{condition.field}: {error.wrong}; wanted is {error.write}") from None


def _moment(values: Fields, name: str) -> datetime:
    try:
        return moment_of(values[name])
    except WrongCell as error:
        raise WrongValue(f"{name}: {error.wrong}; wanted is {error.write}") from None
