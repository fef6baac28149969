"""Health as it is kept: the newest of each account, its history, what people said instead, and the facts made of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.repositories.accounts import lock_accounts
from storage.scoring_tables import FeatureSnapshot, ScoreHistory, ScoreNow, ScoreOverride
from storage.session import Session
from storage.tables import Account

KIND: Final = "health"
Values: TypeAlias = Mapping[str, Any]
"""Features by name."""
_PARTITION = text("SELECT playkeeper_month_partition('score_history', :day)")
_TREND_SLACK: Final = timedelta(days=15)
"""How much older than the trend's days a score may be to be compared with; there may have been nights without one."""


@dataclass(frozen=True)
class HealthRow:
    """The health of an account as it is to be written. `shown` is what people and playbooks see: an override's score goes first."""

    account: str
    shown: float | None
    computed: float | None
    band: str
    version: str
    coverage: float
    prediction: Mapping[str, Json]
    as_of: datetime
    facts: Mapping[str, Json] = field(default_factory=dict)


_LABELS: Final = ("id", "name", "tier", "segment", "country", "currency")


async def read_account_labels(session: Session) -> dict[str, dict[str, object]]:
    """Give of every account what says who it is and hardly changes. Not its status or stage: those tell its end."""
    query = select(col(Account.id), *(getattr(Account, name) for name in _LABELS))
    return {row[0]: dict(zip(_LABELS, row[1:], strict=True)) | {"tags": []} for row in await session.execute(query)}


async def read_newest_features(
    session: Session, accounts: Sequence[str], feature_set: str, as_of: datetime, *, within: timedelta
) -> dict[str, Values]:
    """Give the newest features of accounts at or before a moment; none older than `within`."""
    own = (col(FeatureSnapshot.account).in_(accounts), col(FeatureSnapshot.feature_set) == feature_set)
    when = (col(FeatureSnapshot.as_of) <= as_of, col(FeatureSnapshot.as_of) > as_of - within)
    query = (
        select(col(FeatureSnapshot.account), col(FeatureSnapshot.values)).where(*own, *when).ext(distinct_on(col(FeatureSnapshot.account)))
    )
    newest = query.order_by(col(FeatureSnapshot.account), col(FeatureSnapshot.as_of).desc())
    return dict((await session.execute(newest)).all())


async def read_scores_now(session: Session, accounts: Sequence[str]) -> dict[str, ScoreNow]:
    """Give the newest health of accounts."""
    query = select(ScoreNow).where(col(ScoreNow.kind) == KIND, col(ScoreNow.account).in_(accounts))
    return {row.account: row for row in (await session.execute(query)).scalars()}


async def sample_accounts(session: Session, most: int) -> tuple[list[str], int]:
    """Give the ids of all accounts, or of so many that are spread over all and always the same, and how many there are."""
    count = int((await session.execute(select(func.count()).select_from(Account))).scalar_one())
    query = select(col(Account.id))
    # By a digest, because ids in order may be old customers first.
    query = query.order_by(func.md5(col(Account.id))).limit(most) if count > most else query
    return sorted((await session.execute(query)).scalars()), count


async def read_scores_before(session: Session, accounts: Sequence[str], at: datetime) -> dict[str, float]:
    """Give the computed health of accounts at a moment: the newest at or before it that is not much older."""
    own = (col(ScoreHistory.kind) == KIND, col(ScoreHistory.account).in_(accounts), col(ScoreHistory.score).is_not(None))
    when = (col(ScoreHistory.as_of) <= at, col(ScoreHistory.as_of) > at - _TREND_SLACK)
    query = select(col(ScoreHistory.account), col(ScoreHistory.score)).where(*own, *when).ext(distinct_on(col(ScoreHistory.account)))
    newest = query.order_by(col(ScoreHistory.account), col(ScoreHistory.as_of).desc())
    return {account: float(score) for account, score in await session.execute(newest) if score is not None}


async def list_health_history(session: Session, account: str, since: datetime) -> list[ScoreHistory]:
    """Give the health of an account over time, the oldest first."""
    own = (col(ScoreHistory.kind) == KIND, col(ScoreHistory.account) == account, col(ScoreHistory.as_of) >= since)
    return list((await session.execute(select(ScoreHistory).where(*own).order_by(col(ScoreHistory.as_of)))).scalars())


async def write_health(session: Session, rows: Sequence[HealthRow], *, history: bool = True) -> None:
    """Write what accounts score now, and into their history; the same moment twice is written once."""
    if not rows:
        return
    now = [
        {
            "tenant": session.tenant,
            "kind": KIND,
            "account": row.account,
            "score": row.shown,
            "probability": None,
            "level": row.band,
            "source": "scorecard",
            "model_version": row.version,
            "feature_set": "",
            "coverage": row.coverage,
            "prediction": dict(row.prediction),
            "as_of": row.as_of,
            "scored_at": func.now(),
        }
        for row in rows
    ]
    statement = insert(ScoreNow).values(now)
    changes = {name: statement.excluded[name] for name in now[0] if name not in ("tenant", "kind", "account")}
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant", "kind", "account"], set_=changes))
    if history:
        await _write_history(session, rows)


async def _write_history(session: Session, rows: Sequence[HealthRow]) -> None:
    for day in sorted({row.as_of.date().replace(day=1) for row in rows}):
        await session.execute(_PARTITION, {"day": day})
    past = [
        {
            "tenant": session.tenant,
            "kind": KIND,
            "account": row.account,
            "as_of": row.as_of,
            "score": row.computed,
            "level": str(row.prediction.get("band") or ""),  # computed, as the score is
            "source": "scorecard",
            "model_version": row.version,
            "coverage": row.coverage,
        }
        for row in rows
    ]
    statement = insert(ScoreHistory).values(past)
    same = ["tenant", "kind", "account", "as_of"]
    changes = {name: statement.excluded[name] for name in past[0] if name not in same}
    await session.execute(statement.on_conflict_do_update(index_elements=same, set_=changes))


async def write_health_facts(session: Session, facts: Mapping[str, Mapping[str, Json]], by: str) -> None:
    """Merge what changed into the facts of accounts, under `health`; a trigger of the database notes each change."""
    if not facts:
        return
    locked = await lock_accounts(session, sorted(facts))
    merged = text("""
        UPDATE account SET facts = facts || jsonb_build_object('health', coalesce(facts -> 'health', '{}') || new.value),
            updated_at = now(), updated_by = :by
        FROM jsonb_each(CAST(:facts AS jsonb)) new WHERE account.tenant = :tenant AND account.id = new.key
    """)
    given = json.dumps({account: dict(changed) for account, changed in facts.items()})
    await session.execute(merged, {"tenant": session.tenant, "facts": given, "by": by})
    for account in locked.values():
        session.expire(account)


async def read_open_overrides(session: Session, accounts: Sequence[str], at: datetime) -> dict[str, ScoreOverride]:
    """Give what people say of the health of accounts; what was to end before `at` is over, whoever notices."""
    own = (col(ScoreOverride.kind) == KIND, col(ScoreOverride.account).in_(accounts))
    query = select(ScoreOverride).where(*own, col(ScoreOverride.ended_at).is_(None), col(ScoreOverride.until) > at)
    return {row.account: row for row in (await session.execute(query)).scalars()}


async def add_override(session: Session, row: ScoreOverride, at: datetime) -> list[str]:
    """Keep an override; the one before it ends. Give the ids of those that ended so."""
    own = (col(ScoreOverride.kind) == row.kind, col(ScoreOverride.account) == row.account, col(ScoreOverride.ended_at).is_(None))
    ended = update(ScoreOverride).where(*own).values(ended_at=at, ended_by=f"override {row.id}").returning(col(ScoreOverride.id))
    before = list((await session.execute(ended)).scalars())
    row.tenant = session.tenant
    session.add(row)
    await session.flush()
    return before


async def find_override_account(session: Session, override: str) -> str | None:
    """Give whose health an override is about."""
    return await session.scalar(select(col(ScoreOverride.account)).where(col(ScoreOverride.id) == override))


async def end_override(session: Session, override: str, at: datetime, by: str) -> ScoreOverride | None:
    """End an override; None when it has ended already, or is not there."""
    query = select(ScoreOverride).where(col(ScoreOverride.id) == override, col(ScoreOverride.ended_at).is_(None)).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    if row is not None:
        row.ended_at, row.ended_by = at, by
        await session.flush()
    return row


async def list_overrides_to_time(session: Session, before: datetime, known: Sequence[str]) -> list[ScoreOverride]:
    """Give the open overrides made before a moment, without those that are known to have a timer."""
    query = select(ScoreOverride).where(col(ScoreOverride.ended_at).is_(None), col(ScoreOverride.created_at) < before)
    return list((await session.execute(query.where(col(ScoreOverride.id).not_in(known)).order_by(col(ScoreOverride.until)))).scalars())
