"""What models learn from: one snapshot an account and month, and what its contracts came to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from storage.session import Session

_COUNT = text("SELECT count(*), count(DISTINCT account) FROM account_feature_snapshot WHERE feature_set = :feature_set AND as_of <= :until")
_MONTHLY = text(
    "SELECT DISTINCT ON (account, date_trunc('month', as_of, 'UTC')) account, as_of, values FROM account_feature_snapshot "
    "WHERE feature_set = :feature_set AND as_of <= :until AND as_of > :since AND abs(hashtext(account)) % 1000 < :per_mille "
    "ORDER BY account, date_trunc('month', as_of, 'UTC'), as_of"
)
_LATE = text(
    "SELECT count(*) FROM account_feature_snapshot "
    "WHERE feature_set = :feature_set AND as_of <= :until AND (max_event_at > as_of OR max_ingested_at > as_of)"
)
_CONTRACTS = text(
    "SELECT account, id, subject, occurred_at, ingested_at, values FROM observation "
    "WHERE kind = 'contract' AND ingested_at <= :known AND account = ANY(:accounts) ORDER BY account, occurred_at, id"
)
_BATCH = 5_000


@dataclass(frozen=True)
class Kept:
    """A snapshot: the features of an account as they were known at a moment."""

    account: str
    as_of: datetime
    values: dict[str, object]


@dataclass(frozen=True)
class ContractRow:
    """One observation of a contract."""

    account: str
    id: str
    subject: str
    occurred_at: datetime
    ingested_at: datetime
    values: dict[str, bool | float | int | str | None]


async def read_snapshots(session: Session, feature_set: str, *, since: datetime, until: datetime, most: int) -> AsyncIterator[Kept]:
    """Give the first snapshot of each account in each month, by account.

    Args:
        session: of the tenant.
        feature_set: which features.
        since: snapshots lie after it.
        until: and not after this.
        most: about how many at most; where there are more, those of a sample of the accounts, drawn by a hash of their ids.
    """
    given = {"feature_set": feature_set, "until": until}
    rows, accounts = (await session.execute(_COUNT, given)).one()
    months = max(1, (until.year - since.year) * 12 + until.month - since.month + 1)
    expected = min(int(rows), int(accounts) * months)
    per_mille = 1000 if expected <= most else max(1, 1000 * most // expected)
    found = await session.stream(_MONTHLY.execution_options(yield_per=_BATCH), given | {"since": since, "per_mille": per_mille})
    async for row in found:
        yield Kept(row.account, row.as_of, row.values)


async def count_late(session: Session, feature_set: str, until: datetime) -> int:
    """Give how many snapshots rest on something that was seen or learned after their moment: a leak, of which there must be none."""
    return int((await session.execute(_LATE, {"feature_set": feature_set, "until": until})).scalar_one())


async def read_contracts(session: Session, accounts: Sequence[str], known: datetime) -> list[ContractRow]:
    """Give what was observed of these accounts' contracts and learned until a moment, by account and time."""
    return [ContractRow(*row) for row in await session.execute(_CONTRACTS, {"accounts": list(accounts), "known": known})]


_NEWEST = text(
    "SELECT DISTINCT ON (account) account, as_of, values FROM account_feature_snapshot "
    "WHERE feature_set = :feature_set AND as_of >= :since AND as_of < :until ORDER BY account, as_of DESC LIMIT :most"
)
_SAID = text(
    "SELECT DISTINCT ON (account) account, as_of, probability FROM score_history WHERE kind = :kind AND source = 'champion' "
    "AND probability IS NOT NULL AND as_of > :since AND as_of <= :until ORDER BY account, as_of DESC LIMIT :most"
)


@dataclass(frozen=True)
class Said:
    """A probability that a champion gave at a moment."""

    account: str
    as_of: datetime
    probability: float


async def read_newest(session: Session, feature_set: str, since: datetime, until: datetime, most: int) -> list[Kept]:
    """Give the newest snapshot of each account from a moment on and before another."""
    given = {"feature_set": feature_set, "since": since, "until": until, "most": most}
    return [Kept(*row) for row in await session.execute(_NEWEST, given)]


async def read_said(session: Session, kind: str, since: datetime, until: datetime, most: int) -> list[Said]:
    """Give the newest probability that a champion gave each account after a moment and at or before another."""
    given = {"kind": kind, "since": since, "until": until, "most": most}
    return [Said(*row) for row in await session.execute(_SAID, given)]
