"""Which accounts are treated and which are left alone, as it is written down."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col

from enrollment.holdout import TREATED, arm_of
from enrollment.rules import Rules
from storage.enrollment_tables import Arm
from storage.session import Session


def draw_arm(session: Session, rules: Rules, account: str, stratum: str, at: datetime) -> Arm:
    """Make the row of an account's arm; the caller adds it to the session."""
    share = rules.holdout_share
    arm = arm_of(session.tenant, rules.playbook, account, stratum, share)
    return Arm(tenant=session.tenant, playbook=rules.playbook, account=account, arm=arm, stratum=stratum, share=share, drawn_at=at)


async def contaminate(session: Session, playbook: str, accounts: Sequence[str], at: datetime) -> None:
    """Note that accounts that were to be left alone are played all the same; the first time counts."""
    if not accounts:
        return
    theirs = (col(Arm.playbook) == playbook, col(Arm.account).in_(accounts))
    uncounted = (col(Arm.arm) != TREATED, col(Arm.contaminated_at).is_(None))
    await session.execute(update(Arm).where(*theirs, *uncounted).values(contaminated_at=at))
