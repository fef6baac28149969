"""Which accounts are treated and which are left alone, as it is written down."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col

from enrollment.holdout import TREATED, arm_of
from enrollment.rules import Rules
from storage.enrollment_tables import Arm
from storage.facts import AccountRows
from storage.session import Session


def draw_arm(session: Session, rules: Rules, rows: AccountRows, stratum: str, at: datetime) -> Arm:
    """Make the row of an account's arm, with what it was worth and how it was; the caller adds it to the session."""
    share, account = rules.holdout_share, rows.account
    return Arm(
        tenant=session.tenant,
        playbook=rules.playbook,
        account=account.id,
        arm=arm_of(session.tenant, rules.playbook, account.id, stratum, share),
        stratum=stratum,
        share=share,
        drawn_at=at,
        mrr=account.mrr,
        currency=account.currency or (rows.tenant.currency if rows.tenant else None),
        status=account.status,
        health=_number(account.facts, "health", "score"),
        risk=_number(account.facts, "risk", "score"),
        logins=_number(account.facts, "usage", "logins", "last_30d"),
    )


def _number(facts: Mapping[str, object], *path: str) -> float | None:
    """Give a stored fact; one that is not there, or no number, is not known."""
    node: object = facts
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return float(node) if isinstance(node, int | float) and not isinstance(node, bool) else None


async def contaminate(session: Session, playbook: str, accounts: Sequence[str], at: datetime) -> None:
    """Note that accounts that were to be left alone are played all the same; the first time counts."""
    if not accounts:
        return
    theirs = (col(Arm.playbook) == playbook, col(Arm.account).in_(accounts))
    uncounted = (col(Arm.arm) != TREATED, col(Arm.contaminated_at).is_(None))
    await session.execute(update(Arm).where(*theirs, *uncounted).values(contaminated_at=at))
