"""What impact is computed from: arms as they were drawn, and what was seen of their accounts since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped
from sqlmodel import col

from enrollment.holdout import TREATED
from storage.enrollment_tables import Arm
from storage.scoring_tables import FeatureSnapshot, ImpactLook, ObservationRow, RevenueChange, ScoreHistory, ScoreNow
from storage.session import Session
from storage.tables import Account, Effect, Run, Task
from storage.touch_tables import Touch

FRESH: Final = timedelta(days=14)
"""A health or a usage that is older than this at a moment says nothing about the moment."""
STAND_IN: Final = "scorecard"
"""The source of scores that no model gave: a scorecard stood in, and its probabilities are not calibrated."""
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 17))")


@dataclass(frozen=True)
class ArmRow:
    """An arm, and the account as it is now; `status` is None when the account is gone."""

    arm: Arm
    status: str | None
    mrr: Decimal | None
    health_before: float | None
    health_after: float | None
    usage_before: float | None
    usage_after: float | None


@dataclass(frozen=True)
class ContractRow:
    """An observation of kind `contract`."""

    account: str
    at: datetime
    subject: str
    status: str | None
    mrr: object
    end: object


@dataclass(frozen=True)
class OtherPlays:
    """Accounts of both arms that another playbook played in their time."""

    playbook: str
    treated: int
    control: int


@dataclass(frozen=True)
class EffortRow:
    """What was done in the plays of treated accounts in their time. `discounts` are sealed rows of the ledger."""

    tasks: int
    messages: dict[str, int]
    discounts: list[Effect]


async def list_arms(session: Session, playbook: str, window: timedelta) -> list[ArmRow]:
    """Give the arms of a playbook, in the order in which they were drawn, with health and usage at the draw and at the window's end."""
    query = (
        select(Arm, col(Account.status), col(Account.mrr))
        .outerjoin_from(Arm, Account, and_(col(Account.tenant) == col(Arm.tenant), col(Account.id) == col(Arm.account)))
        .where(col(Arm.playbook) == playbook)
        .order_by(col(Arm.drawn_at), col(Arm.account))
    )
    rows = list(await session.execute(query))
    if not rows:
        return []
    since = rows[0][0].drawn_at - FRESH
    health = [await _health(session, playbook, after, since) for after in (timedelta(0), window)]
    logins = [await _logins(session, playbook, after, since) for after in (timedelta(0), window)]
    return [
        ArmRow(
            arm=arm,
            status=status,
            mrr=mrr,
            health_before=arm.health if arm.health is not None else health[0].get(arm.account),
            health_after=health[1].get(arm.account),
            usage_before=arm.logins if arm.logins is not None else logins[0].get(arm.account),
            usage_after=logins[1].get(arm.account),
        )
        for arm, status, mrr in rows
    ]


async def _health(session: Session, playbook: str, after: timedelta, since: datetime) -> dict[str, float | None]:
    """Give the newest health of each account so long after its draw. `since` leaves out the months before the first."""
    seen, moment = ScoreHistory, col(ScoreHistory.as_of)
    at = col(Arm.drawn_at) + after
    joined = and_(col(seen.tenant) == col(Arm.tenant), col(seen.account) == col(Arm.account), moment <= at, moment > at - FRESH)
    query = select(col(Arm.account), col(seen.score)).join_from(Arm, seen, joined)
    query = query.where(col(Arm.playbook) == playbook, col(seen.kind) == "health", moment > since)
    newest = query.ext(distinct_on(col(Arm.account))).order_by(col(Arm.account), moment.desc())
    return {account: score for account, score in await session.execute(newest)}


async def _logins(session: Session, playbook: str, after: timedelta, since: datetime) -> dict[str, float | None]:
    """Give the newest logins of 30 days of each account so long after its draw, as its features have them."""
    seen, moment = FeatureSnapshot, col(FeatureSnapshot.as_of)
    at = col(Arm.drawn_at) + after
    joined = and_(col(seen.tenant) == col(Arm.tenant), col(seen.account) == col(Arm.account), moment <= at, moment > at - FRESH)
    query = select(col(Arm.account), col(seen.values)["logins_30d"].as_float()).join_from(Arm, seen, joined)
    query = query.where(col(Arm.playbook) == playbook, moment > since)
    newest = query.ext(distinct_on(col(Arm.account))).order_by(col(Arm.account), moment.desc())
    return {account: logins for account, logins in await session.execute(newest)}


def _of(playbook: str) -> Select[str]:
    return select(col(Arm.account)).where(col(Arm.playbook) == playbook)


async def list_contract_words(session: Session, playbook: str) -> list[ContractRow]:
    """Give what was seen of the contracts of all accounts with an arm, oldest first."""
    seen = ObservationRow
    values = col(seen.values)
    query = (
        select(col(seen.account), col(seen.occurred_at), col(seen.subject), values["status"].astext, values["mrr"], values["end"].astext)
        .where(col(seen.kind) == "contract", col(seen.account).in_(_of(playbook)))
        .order_by(col(seen.occurred_at), col(seen.id))
    )
    return [ContractRow(*row) for row in await session.execute(query)]


async def list_revenue_changes(session: Session, playbook: str, since: datetime) -> list[RevenueChange]:
    """Give what changed in what the accounts with an arm pay, oldest first."""
    query = select(RevenueChange).where(col(RevenueChange.account).in_(_of(playbook)), col(RevenueChange.at) > since)
    return list((await session.scalars(query.order_by(col(RevenueChange.at)))).all())


def _in_window(moment: Mapped[datetime], window: timedelta) -> ColumnElement[bool]:
    return and_(moment >= col(Arm.drawn_at), moment <= col(Arm.drawn_at) + window)


async def count_other_plays(session: Session, playbook: str, window: timedelta, most: int) -> list[OtherPlays]:
    """Count the accounts of each arm that other playbooks played in their time, the most frequent playbooks first; "" is any of them."""
    treated = func.count(func.distinct(col(Run.account))).filter(col(Arm.arm) == TREATED)
    control = func.count(func.distinct(col(Run.account))).filter(col(Arm.arm) != TREATED)
    joined = (
        select(func.coalesce(col(Run.playbook), ""), treated, control)
        .join_from(Arm, Run, and_(col(Run.tenant) == col(Arm.tenant), col(Run.account) == col(Arm.account)))
        .where(col(Arm.playbook) == playbook, col(Run.playbook) != playbook, _in_window(col(Run.started_at), window))
        .group_by(func.rollup(col(Run.playbook)))
        .order_by((treated + control).desc(), col(Run.playbook))
        .limit(most + 1)
    )
    return [OtherPlays(*row) for row in await session.execute(joined)]


async def count_played(session: Session, playbook: str) -> dict[str, int]:
    """Count the accounts of each arm of which a play of this playbook began since the draw."""
    query = (
        select(col(Arm.arm), func.count(func.distinct(col(Run.account))))
        .join_from(Arm, Run, and_(col(Run.tenant) == col(Arm.tenant), col(Run.account) == col(Arm.account)))
        .where(col(Arm.playbook) == playbook, col(Run.playbook) == playbook, col(Run.started_at) >= col(Arm.drawn_at))
        .group_by(col(Arm.arm))
    )
    return {arm: count for arm, count in await session.execute(query)}


async def read_effort(session: Session, playbook: str, window: timedelta, now: datetime) -> EffortRow:
    """Give what was done for the treated accounts whose time is over."""
    theirs = (col(Arm.playbook) == playbook, col(Arm.arm) == TREATED, col(Arm.drawn_at) + window <= now)
    plays = (
        select(col(Run.id))
        .join_from(Arm, Run, and_(col(Run.tenant) == col(Arm.tenant), col(Run.account) == col(Arm.account)))
        .where(*theirs, col(Run.playbook) == playbook, _in_window(col(Run.started_at), window))
    )
    done = select(func.count()).select_from(Task).where(col(Task.run).in_(plays), col(Task.status) == "done")
    sent = select(col(Touch.channel), func.count()).where(col(Touch.run).in_(plays)).group_by(col(Touch.channel))
    given = select(Effect).where(col(Effect.run).in_(plays), col(Effect.action) == "stripe.apply_discount", col(Effect.status) == "done")
    return EffortRow(
        tasks=int((await session.execute(done)).scalar_one()),
        messages={channel: count for channel, count in await session.execute(sent)},
        discounts=list((await session.scalars(given)).all()),
    )


async def lock_looks(session: Session, playbook: str) -> None:
    """Let nobody else take a look at this playbook before the transaction ends."""
    await session.execute(_LOCK, {"name": f"{session.tenant}/impact {playbook}"})


async def list_looks(session: Session, playbook: str, measure: str) -> list[ImpactLook]:
    """Give the looks that were taken, the first one first."""
    query = select(ImpactLook).where(col(ImpactLook.playbook) == playbook, col(ImpactLook.measure) == measure)
    return list((await session.scalars(query.order_by(col(ImpactLook.look)))).all())


async def list_playbooks_with_arms(session: Session) -> list[str]:
    """Give the playbooks that ever drew an arm."""
    return list((await session.scalars(select(col(Arm.playbook)).distinct().order_by(col(Arm.playbook)))).all())


@dataclass(frozen=True)
class BaseRate:
    """Customers of now and those that were lost in a time, and since when anything is known of contracts."""

    accounts: int
    lost: int
    since: datetime | None


async def count_lost(session: Session, span: timedelta, now: datetime) -> BaseRate:
    """Count how many accounts were lost in so long a time before now, by what was seen of them."""
    seen = ObservationRow
    since = now - span
    lost = select(func.count(func.distinct(col(seen.account)))).where(
        col(seen.kind) == "contract",
        col(seen.values)["status"].astext == "churned",
        col(seen.occurred_at) > since,
        col(seen.occurred_at) <= now,
    )
    kept = select(func.count()).select_from(Account).where(col(Account.status) != "churned")
    oldest = select(func.min(col(seen.occurred_at))).where(col(seen.kind) == "contract")
    gone = int((await session.execute(lost)).scalar_one())
    customers = int((await session.execute(kept)).scalar_one())
    return BaseRate(accounts=customers + gone, lost=gone, since=(await session.execute(oldest)).scalar_one())


async def predicted_churn(session: Session, condition: ColumnElement[bool]) -> tuple[int, float | None]:
    """Give of how many accounts of an audience a model predicted churn, and the mean of it.

    Stand-ins of a scorecard are no predictions: their probabilities come from an assumed base rate, which they cannot show therefore.
    """
    scored = and_(col(ScoreNow.tenant) == col(Account.tenant), col(ScoreNow.account) == col(Account.id), col(ScoreNow.kind) == "churn")
    query = select(func.count(col(ScoreNow.probability)), func.avg(col(ScoreNow.probability)))
    query = query.join_from(Account, ScoreNow, scored).where(condition, col(ScoreNow.source) != STAND_IN)
    count, mean = (await session.execute(query)).one()
    return int(count), None if mean is None else float(mean)


@dataclass(frozen=True)
class RiskRow:
    """An account that is a customer: what it pays a month, and its probability of being lost."""

    segment: str | None
    tier: str | None
    currency: str | None
    mrr: Decimal | None
    probability: float | None
    level: str | None
    source: str | None
    as_of: datetime | None


async def list_risks(session: Session) -> Sequence[RiskRow]:
    """Give every account that was not lost, with its churn score where it has one."""
    scored = and_(col(ScoreNow.tenant) == col(Account.tenant), col(ScoreNow.account) == col(Account.id), col(ScoreNow.kind) == "churn")
    query = (
        select(col(Account.segment), col(Account.tier), col(Account.currency), col(Account.mrr))
        .add_columns(col(ScoreNow.probability), col(ScoreNow.level), col(ScoreNow.source), col(ScoreNow.as_of))
        .outerjoin_from(Account, ScoreNow, scored)
        .where(col(Account.status) != "churned")
        .order_by(col(Account.id))
    )
    return [RiskRow(*row) for row in await session.execute(query)]
