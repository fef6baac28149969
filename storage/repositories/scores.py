"""Scores of accounts: what they are made of, the newest, and those of every night."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sqlalchemy import Float, RowMapping, bindparam, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from storage.pages import Page, fetch_page
from storage.scoring_tables import ScoreHistory, ScoreNow
from storage.session import Session
from storage.tables import Account

Tree: TypeAlias = Any
"""JSON of any shape."""

ONLINE: Final = timedelta(days=30)
"""Features that are older score nobody any more; whether younger ones are still fresh is `scoring.serve`'s to say."""
LOST: Final = "churned"
"""The status of an account that is no customer any more."""


@dataclass(frozen=True)
class Basis:
    """What an account is scored by.

    `features` are those of the newest snapshot as of a moment, None when there is none of the last 30 days; `health` is the row of the
    newest health score, `told_health` what the account's facts say; `kept` the row of the newest score of the target.
    """

    account: str
    status: str
    mrr: Decimal | None
    currency: str | None
    changed_at: datetime
    features: Mapping[str, Tree] | None
    features_at: datetime | None
    told_health: Mapping[str, Tree]
    health: Mapping[str, Tree] | None
    kept: Mapping[str, Tree] | None


# The newest snapshot is one step down the primary key, in the one or two partitions of the last 30 days.
_BASIS: Final = """
    SELECT a.id, a.status, a.mrr, a.currency, a.updated_at, s.values AS features, s.as_of AS features_at,
        a.facts -> 'health' AS told_health, to_jsonb(h) AS health, to_jsonb(n) AS kept
    FROM account a
    LEFT JOIN LATERAL (
        SELECT f.values, f.as_of FROM account_feature_snapshot f
        WHERE f.tenant = a.tenant AND f.account = a.id AND f.feature_set = :feature_set AND f.as_of <= :as_of AND f.as_of > :since
        ORDER BY f.as_of DESC LIMIT 1
    ) s ON true
    LEFT JOIN score_now h ON h.tenant = a.tenant AND h.kind = 'health' AND h.account = a.id
    LEFT JOIN score_now n ON n.tenant = a.tenant AND n.kind = :target AND n.account = a.id
"""
_ONE: Final = text(_BASIS + "WHERE a.id = :account")
_PAGE: Final = text(_BASIS + "WHERE a.id > :after AND a.status <> 'churned' ORDER BY a.id LIMIT :most")


async def read_basis(session: Session, account: str, target: str, feature_set: str, as_of: datetime) -> Basis | None:
    """Give what an account is scored by; None when there is no such account."""
    found = await session.execute(_ONE, {"account": account, **_which(target, feature_set, as_of)})
    row = found.mappings().one_or_none()
    return None if row is None else _basis(row)


async def page_basis(session: Session, target: str, feature_set: str, as_of: datetime, after: str, limit: int) -> list[Basis]:
    """Give what the next accounts are scored by, by id, in one statement. Accounts that were lost are left out."""
    found = await session.execute(_PAGE, {"after": after, "most": limit, **_which(target, feature_set, as_of)})
    return [_basis(row) for row in found.mappings()]


def _which(target: str, feature_set: str, as_of: datetime) -> dict[str, object]:
    return {"target": target, "feature_set": feature_set, "as_of": as_of, "since": as_of - ONLINE}


def _basis(row: RowMapping) -> Basis:
    told = row["told_health"]
    return Basis(
        account=row["id"],
        status=row["status"],
        mrr=row["mrr"],
        currency=row["currency"],
        changed_at=row["updated_at"],
        features=row["features"],
        features_at=row["features_at"],
        told_health=told if isinstance(told, dict) else {},
        health=row["health"],
        kept=row["kept"],
    )


# One parameter for all rows: the statement is the same for one account and for a page, and is planned once.
_SAVE: Final = text("""
    INSERT INTO score_now (tenant, kind, account, score, probability, level, source, model_version, feature_set, coverage, prediction,
        as_of, scored_at)
    SELECT :tenant, :kind, v.account, v.score, v.probability, v.level, v.source, v.model_version, :feature_set, v.coverage, v.prediction,
        v.as_of, v.scored_at
    FROM jsonb_to_recordset(:rows) AS v(account text, score float, probability float, level text, source text, model_version text,
        coverage float, prediction jsonb, as_of timestamptz, scored_at timestamptz)
    ORDER BY v.account
    ON CONFLICT (tenant, kind, account) DO UPDATE SET score = excluded.score, probability = excluded.probability, level = excluded.level,
        source = excluded.source, model_version = excluded.model_version, feature_set = excluded.feature_set, coverage = excluded.coverage,
        prediction = excluded.prediction, as_of = excluded.as_of, scored_at = excluded.scored_at
    WHERE score_now.scored_at <= excluded.scored_at
""").bindparams(bindparam("rows", type_=JSONB))
_NIGHT: Final = text("""
    INSERT INTO score_history (tenant, kind, account, as_of, score, probability, level, source, model_version, coverage)
    SELECT :tenant, :kind, v.account, :as_of, v.score, v.probability, v.level, v.source, v.model_version, v.coverage
    FROM jsonb_to_recordset(:rows) AS v(account text, score float, probability float, level text, source text, model_version text,
        coverage float)
    ON CONFLICT (tenant, kind, account, as_of) DO UPDATE SET score = excluded.score, probability = excluded.probability,
        level = excluded.level, source = excluded.source, model_version = excluded.model_version, coverage = excluded.coverage
""").bindparams(bindparam("rows", type_=JSONB))
_PARTITION: Final = text("SELECT playkeeper_month_partition('score_history', CAST(:day AS date))")
_LOCK: Final = text("SELECT id FROM account WHERE id = ANY(:accounts) ORDER BY id FOR NO KEY UPDATE")
_FACTS: Final = text("""
    UPDATE account a SET facts = a.facts || jsonb_build_object(CAST(:root AS text), known.facts || v.facts)
    FROM jsonb_to_recordset(:rows) AS v(account text, facts jsonb), account b
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_typeof(b.facts -> :root) = 'object' THEN b.facts -> :root ELSE '{}'::jsonb END AS facts
    ) known
    WHERE a.id = v.account AND b.tenant = a.tenant AND b.id = a.id
        AND (known.facts || v.facts) - 'updated_at' IS DISTINCT FROM known.facts - 'updated_at'
    RETURNING a.id
""").bindparams(bindparam("rows", type_=JSONB))


async def save_scores(session: Session, kind: str, feature_set: str, rows: Sequence[Mapping[str, Tree]]) -> None:
    """Keep the newest scores; a newer one that is there stays.

    Args:
        session: the transaction.
        kind: of what.
        feature_set: the hash of the features they rest on.
        rows: `account`, `score`, `probability`, `level`, `source`, `model_version`, `coverage`, `prediction` as JSON, and the moments
            `as_of` and `scored_at` as ISO text.
    """
    if rows:
        await session.execute(_SAVE, {"tenant": session.tenant, "kind": kind, "feature_set": feature_set, "rows": list(rows)})


async def save_night(session: Session, kind: str, as_of: datetime, rows: Sequence[Mapping[str, Tree]]) -> None:
    """Keep the scores of a night, rows as in `save_scores`; the same night twice is one."""
    if rows:
        await session.execute(_PARTITION, {"day": as_of.date()})
        await session.execute(_NIGHT, {"tenant": session.tenant, "kind": kind, "as_of": as_of, "rows": list(rows)})


async def save_facts(session: Session, root: str, facts: Mapping[str, Mapping[str, Tree]]) -> list[str]:
    """Merge facts under a root of many accounts, in JSON form; give those for whom more than `updated_at` is another now.

    The others are not written, so that nothing hears of them.
    """
    if not facts:
        return []
    # In the order of their ids, so that two who change the same accounts never wait for each other.
    await session.execute(_LOCK, {"accounts": sorted(facts)})
    rows = [{"account": account, "facts": values} for account, values in facts.items()]
    return sorted((await session.execute(_FACTS, {"root": root, "rows": rows})).scalars())


async def list_scores(session: Session, account: str) -> dict[str, ScoreNow]:
    """Give the newest scores of an account by kind."""
    query = select(ScoreNow).where(col(ScoreNow.account) == account)
    return {row.kind: row for row in (await session.execute(query)).scalars()}


async def list_history(session: Session, account: str, kind: str, *, after: str | None, limit: int) -> Page[ScoreHistory]:
    """Give the nightly scores of an account, the newest first."""
    query = select(ScoreHistory).where(col(ScoreHistory.account) == account, col(ScoreHistory.kind) == kind)
    return await fetch_page(session, query, (col(ScoreHistory.as_of),), descending=True, after=after, limit=limit)


@dataclass(frozen=True)
class RiskFilter:
    """Which risks a list holds; what is None does not matter. `by_money`: most money at risk first, else the highest risk."""

    level: str | None = None
    min_score: float | None = None
    csm: str | None = None
    by_money: bool = False


_YEAR: Final = 12
_MONEY: Final = func.coalesce(col(ScoreNow.probability) * cast(col(Account.mrr), Float) * _YEAR, 0.0, type_=Float)


async def list_risks(session: Session, which: RiskFilter, *, after: str | None, limit: int) -> Page[ScoreNow]:
    """Give accounts that are not lost by their risk of churn, the highest first."""
    query = select(ScoreNow).join(Account, col(Account.id) == col(ScoreNow.account))
    query = query.where(col(ScoreNow.kind) == "churn", col(Account.status) != "churned", col(ScoreNow.score).is_not(None))
    if which.level is not None:
        query = query.where(col(ScoreNow.level) == which.level)
    if which.min_score is not None:
        query = query.where(col(ScoreNow.score) >= which.min_score)
    if which.csm is not None:
        query = query.where(col(Account.csm) == which.csm)
    first = _MONEY if which.by_money else col(ScoreNow.score)
    return await fetch_page(session, query, (first, col(ScoreNow.account)), descending=True, after=after, limit=limit)


async def list_money(session: Session, accounts: Collection[str]) -> dict[str, tuple[str, str | None, Decimal | None, str | None]]:
    """Give name, CSM, monthly revenue and its currency of accounts."""
    query = select(col(Account.id), col(Account.name), col(Account.csm), col(Account.mrr), col(Account.currency))
    found = await session.execute(query.where(col(Account.id).in_(accounts)))
    return {name: (title, csm, mrr, currency) for name, title, csm, mrr, currency in found}
