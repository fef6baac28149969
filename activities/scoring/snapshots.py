"""Features of accounts, computed a page at a time from what was observed and kept: the feature store.

`snapshot_page` is a night's stage and also brings the facts that people read, and the status of who was lost, up to date; `history_page`
is the same for a moment of the past and tells nobody; `tidy_page` thins out what is old.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from activities.news import tell_plays
from activities.scoring.losses import mark_lost
from activities.scoring.pages import Page
from playbook_dsl.values import Json, Money, to_json
from scoring.features.compute import Snapshot, snapshot_at
from scoring.features.definitions import FEATURE_SET
from scoring.features.facts import Fact, Facts, facts_at
from scoring.features.history import History
from scoring.features.labels import Loss, loss_of
from scoring.observations import Observation
from storage.fact_definitions import BY_PATH
from storage.observed_events import FROM_EVENT
from storage.repositories.accounts import lock_accounts
from storage.repositories.observations import Seen, list_observations, list_observed, make_months
from storage.repositories.snapshots import NewSnapshot, list_account_ids, save_snapshots, thin_snapshots
from storage.session import Database, Session
from storage.tables import Account

_AT_ONCE: Final = 25
"""Accounts whose observations are in memory together: a busy one has 5,000 of the last 150 days."""
_ROOTS: Final = ("usage", "support", "survey", "billing", "meetings")


async def snapshot_page(database: Database, tenant: str, as_of: datetime, after: str, limit: int) -> Page:
    """Compute and keep the features of a page of accounts as of now, and write the facts that changed."""
    return await _page(database, tenant, as_of, after, limit, tell=True)


async def history_page(database: Database, tenant: str, as_of: datetime, after: str, limit: int) -> Page:
    """Compute and keep the features of a page of accounts as they were known at a moment of the past."""
    return await _page(database, tenant, as_of, after, limit, tell=False)


async def tidy_page(database: Database, tenant: str, as_of: datetime, after: str, limit: int) -> Page:
    """Keep every snapshot of a page of accounts for 30 days, and of the time before the first of each month."""
    if not after:
        await make_months_ahead(database, tenant, as_of)
    async with database.begin(tenant) as session:
        accounts = await list_account_ids(session, after, limit)
        await thin_snapshots(session, accounts, as_of)
    return _done(accounts, limit)


async def make_months_ahead(database: Database, tenant: str, now: datetime) -> None:
    """Make this month and the next of every table that is kept by month, while nobody waits for it."""
    for table in ("observation", "account_feature_snapshot", "score_history"):
        async with database.begin(tenant) as session:
            await make_months(session, table, [now.date(), now.date().replace(day=1) + timedelta(days=31)])


async def _page(database: Database, tenant: str, as_of: datetime, after: str, limit: int, *, tell: bool) -> Page:
    async with database.begin(tenant) as session:
        await make_months(session, "account_feature_snapshot", [as_of.date()])
        accounts = await list_account_ids(session, after, limit)
        # Of whom nothing was ever seen nothing is kept, and nothing more is asked.
        observed = await list_observed(session, accounts)
    for first in range(0, len(observed), _AT_ONCE):
        some = observed[first : first + _AT_ONCE]
        async with database.begin(tenant) as session:
            seen = await list_observations(session, some, as_of)
        # The worker's loop goes on while busy accounts are computed.
        known = sorted({each.account for each in seen})
        snapshots, facts, losses = await asyncio.to_thread(_computed, known, seen, as_of, tell)
        async with database.begin(tenant) as session:
            await save_snapshots(session, as_of, FEATURE_SET, [stored_form(account, each) for account, each in snapshots.items()])
            if facts:
                await _write_facts(session, facts, as_of)
        await mark_lost(database, tenant, losses)
    return _done(accounts, limit)


def _done(accounts: Sequence[str], limit: int) -> Page:
    return Page(accounts=len(accounts), last=accounts[-1] if accounts else "", more=len(accounts) == limit)


def observation_of(seen: Seen) -> Observation:
    """Give an observation as scoring reads it."""
    return Observation(seen.id, seen.account, seen.kind, seen.occurred_at, seen.ingested_at, seen.subject, seen.values)  # type: ignore[arg-type]  # was checked when it came in


def histories_from(accounts: Sequence[str], seen: Sequence[Seen]) -> dict[str, History]:
    """Give the history of each of the accounts, also of those of whom nothing was seen."""
    by_account: dict[str, list[Observation]] = {account: [] for account in accounts}
    for each in seen:
        by_account[each.account].append(observation_of(each))
    return {account: History(account, theirs) for account, theirs in by_account.items()}


def _computed(
    accounts: Sequence[str], seen: Sequence[Seen], as_of: datetime, tell: bool
) -> tuple[dict[str, Snapshot], dict[str, Facts], dict[str, Loss]]:
    histories = histories_from(accounts, seen)
    snapshots = {account: snapshot_at(history, as_of) for account, history in histories.items()}
    if not tell:
        return snapshots, {}, {}
    # Events know the invoices since a vendor was connected; a sync knows all of them, and what it wrote must not be undone every night.
    whole = [each for each in seen if not (each.kind == "invoice" and each.id.startswith(FROM_EVENT))]
    read = histories if len(whole) == len(seen) else histories_from(accounts, whole)
    facts = {account: found for account, history in read.items() if (found := facts_at(history, as_of))}
    return snapshots, facts, {account: loss for account, history in histories.items() if (loss := loss_of(history, as_of))}


def stored_form(account: str, snapshot: Snapshot) -> NewSnapshot:
    """Give a snapshot as it is stored; what is missing is left out of the values."""
    return NewSnapshot(
        account=account,
        values={name: value for name, value in snapshot.values.items() if value is not None},
        max_event_at=snapshot.max_event_at,
        max_ingested_at=snapshot.max_ingested_at,
        source_status={
            kind: {"count": each.count, "newest_at": each.newest_at.isoformat(), "age_days": each.age_days}
            for kind, each in snapshot.sources.items()
        },
    )


async def _write_facts(session: Session, facts: Mapping[str, Facts], as_of: datetime) -> None:
    told: set[str] = set()
    for account_id, account in (await lock_accounts(session, list(facts))).items():
        changed = changed_facts(account, facts[account_id], as_of)
        if changed:
            account.facts = {**account.facts, **changed}
            told.add(account_id)
    await session.flush()
    await tell_plays(session, told)


def changed_facts(account: Account, found: Facts, as_of: datetime) -> dict[str, Json]:
    """Give the roots of facts that are not what they were, each as a whole; what else is under them stays."""
    roots: dict[str, Json] = {}
    for root in _ROOTS:
        before = account.facts.get(root)
        merged: Json = dict(before) if isinstance(before, dict) else {}
        for path, fact in found.items():
            if path.startswith(f"{root}."):
                merged = _with(merged, path.split(".")[1:], _json(path, fact, account))
        if merged != (before if before is not None else {}):
            if root == "usage" and isinstance(merged, dict):
                merged["updated_at"] = to_json(as_of)
            roots[root] = merged
    return roots


def _with(node: Json, path: Sequence[str], value: Json) -> Json:
    inner = dict(node) if isinstance(node, dict) else {}
    inner[path[0]] = value if len(path) == 1 else _with(inner.get(path[0]), path[1:], value)
    return inner


def _json(path: str, fact: Fact, account: Account) -> Json:
    kind = BY_PATH[path].type.kind
    if isinstance(fact, datetime):
        return to_json(fact.date() if kind == "date" else fact)
    if fact is not None and kind == "money":
        return to_json(Money(Decimal(f"{fact:.2f}"), account.currency)) if account.currency else None
    return int(fact) if fact is not None and fact == int(fact) else fact
