"""What accounts have behind them in a playbook, read for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlmodel import col

from enrollment.deciding import Past
from enrollment.states import FORGIVEN, OPEN, State
from storage.enrollment_tables import Arm, Baseline, Enrollment, Exemption
from storage.session import Session
from storage.tables import Account


@dataclass
class History:
    """One account in one playbook. `opened` and `left` are by key."""

    opened: dict[str, list[Enrollment]] = field(default_factory=dict)
    left: dict[str, datetime] = field(default_factory=dict)
    entered: dict[str, datetime] = field(default_factory=dict)
    episodes: int = 0
    arm: Arm | None = None
    excluded: str | None = None
    exempt: str | None = None
    existed: bool = False

    def past(self, key: str) -> Past:
        """Give the past under a key, as the rules want it."""
        rows = self.opened.get(key, [])
        standing = self.standing(key)
        return Past(
            open=State(standing.state) if standing else None,
            since=standing.changed_at if standing else None,
            until=standing.until if standing else None,
            waiting=any(row.beside and row.state == State.QUEUED for row in rows),
            entered_at=self.entered.get(key),
            left_at=self.left.get(key),
        )

    def standing(self, key: str) -> Enrollment | None:
        """Give the enrollment that is open under a key: the one that counts, or else a play beside it."""
        rows = self.opened.get(key, [])
        counting = [row for row in rows if not row.beside] or [row for row in rows if row.state == State.ACTIVE]
        return counting[0] if counting else None

    def add(self, row: Enrollment) -> None:
        """Take note of an enrollment that was just made."""
        self.opened.setdefault(row.key, []).append(row)
        self.episodes = max(self.episodes, row.episode)


async def read_histories(session: Session, playbook: str, accounts: Sequence[str], now: datetime) -> dict[str, History]:
    """Give the history of every account in a playbook, in a handful of statements."""
    found = {account: History() for account in accounts}
    theirs = (col(Enrollment.playbook) == playbook, col(Enrollment.account).in_(accounts))
    opened = select(Enrollment).where(*theirs, col(Enrollment.state).in_(OPEN)).order_by(col(Enrollment.created_at), col(Enrollment.id))
    for row in (await session.execute(opened)).scalars():
        found[row.account].opened.setdefault(row.key, []).append(row)
    counts = col(Enrollment.reason).not_in(FORGIVEN)
    ended = select(
        col(Enrollment.account),
        col(Enrollment.key),
        func.max(col(Enrollment.episode)),
        func.max(col(Enrollment.left_at)).filter(counts),
        func.max(func.coalesce(col(Enrollment.begun_at), col(Enrollment.created_at))).filter(counts),
    )
    for account, key, episode, left_at, entered_at in await session.execute(ended.where(*theirs).group_by("account", "key")):
        history = found[account]
        history.episodes = max(history.episodes, episode)
        if left_at is not None:
            history.left[key] = left_at
        if entered_at is not None:
            history.entered[key] = entered_at
    for arm in (await session.execute(select(Arm).where(col(Arm.playbook) == playbook, col(Arm.account).in_(accounts)))).scalars():
        found[arm.account].arm = arm
    existed = select(col(Baseline.account)).where(col(Baseline.playbook) == playbook, col(Baseline.account).in_(accounts))
    for account in (await session.execute(existed)).scalars():
        found[account].existed = True
    await _read_exemptions(session, playbook, found, now)
    return found


async def _read_exemptions(session: Session, playbook: str, found: dict[str, History], now: datetime) -> None:
    in_force = (
        col(Exemption.playbook).in_(("", playbook)),
        or_(col(Exemption.until).is_(None), col(Exemption.until) > now),
    )
    exemptions = list((await session.execute(select(Exemption).where(*in_force).order_by(col(Exemption.created_at)))).scalars())
    segments = {one.value for one in exemptions if one.kind == "segment"}
    members: dict[str, list[str]] = {}
    if segments:
        query = select(col(Account.segment), col(Account.id)).where(col(Account.id).in_(list(found)), col(Account.segment).in_(segments))
        for segment, account in await session.execute(query):
            members.setdefault(str(segment), []).append(account)
    for one in exemptions:
        for account in [one.value] if one.kind == "account" else members.get(one.value, []):
            history = found.get(account)
            if history is not None and one.of == "playbook":
                history.excluded = history.excluded or one.because
            elif history is not None:
                history.exempt = history.exempt or one.because
