"""The working off of a launch: which accounts are left, and what became of those that were looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlmodel import col

from enrollment.launches import Course
from storage.enrollment.launching import added, lock_launch
from storage.enrollment.published import find_published
from storage.enrollment_tables import Launch, LaunchAccount
from storage.session import Session

SWEPT: Final = ("sweep", "dry_run")
"""The kinds of launches whose accounts are written down and worked off by a workflow."""


@dataclass(frozen=True)
class Part:
    """A range of the rows of a launch: from `first` (included) to `last` (excluded)."""

    first: int
    last: int


def parts_of(expected: int, most: int) -> list[Part]:
    """Split the rows of a launch, numbered from 1, into at most so many parts of about the same size."""
    size = max(1, -(-expected // most))
    return [Part(first, min(first + size, expected + 1)) for first in range(1, expected + 1, size)]


async def take_page(session: Session, launch_id: str, part: Part, size: int) -> list[str]:
    """Take the next accounts of a part off the list, in its order; they come back if the transaction fails."""
    mine = (col(LaunchAccount.launch) == launch_id, col(LaunchAccount.row) >= part.first, col(LaunchAccount.row) < part.last)
    # Whoever holds some of these rows is a copy of us that was taken for dead: wait for it, so that each page is decided once.
    query = select(LaunchAccount).where(*mine).order_by(col(LaunchAccount.row)).limit(size).with_for_update()
    rows = list((await session.execute(query)).scalars())
    if rows:
        taken = [row.account for row in rows]
        await session.execute(
            delete(LaunchAccount)
            .where(col(LaunchAccount.launch) == launch_id, col(LaunchAccount.account).in_(taken))
            .execution_options(synchronize_session=False)
        )
    return [row.account for row in rows]


async def add_counts(session: Session, launch_id: str, looked_at: int, counts: Mapping[str, int]) -> Launch | None:
    """Add what became of a page to the launch; give it as it stands now, locked, because somebody may have stopped it meanwhile."""
    launch = await lock_launch(session, launch_id)
    if launch is not None:
        launch.accounts += looked_at
        launch.counts = added(launch.counts, counts)
        await session.flush()
    return launch


async def end_launch(session: Session, launch_id: str, at: datetime, *, status: str, why: str = "") -> None:
    """Close a launch that was worked off; what is left of its list is thrown away.

    One with an approval or waves before it goes on: its accounts wait, and the relay takes the next step of its course.
    """
    launch = await lock_launch(session, launch_id)
    if launch is None:
        return
    playbook = await find_published(session, launch.playbook, launch.version)
    last_wave = Course.of(playbook.rules.enroll).last_wave if playbook and launch.kind == "sweep" else 0
    await session.execute(delete(LaunchAccount).where(col(LaunchAccount.launch) == launch_id).execution_options(synchronize_session=False))
    launch.rows = launch.cursor = launch.expected or 0
    if status == "failed" or (launch.status == "running" and launch.open_wave >= last_wave):
        launch.status, launch.why = status, why
    if launch.status not in ("running", "waiting", "paused"):
        launch.ended_at = launch.ended_at or at
    await session.flush()


async def list_launches_to_work_off(session: Session, before: datetime, limit: int = 20) -> list[Launch]:
    """Give the launches that should have begun before this time and whose audience nobody has written down yet, the oldest first."""
    left = (
        col(Launch.status).in_(("running", "waiting")),
        col(Launch.ended_at).is_(None),
        col(Launch.expected).is_(None),
        col(Launch.kind).in_(SWEPT),
        col(Launch.started_at) < before,
    )
    return list((await session.execute(select(Launch).where(*left).order_by(col(Launch.started_at)).limit(limit))).scalars())


async def list_sweeps_since(session: Session, playbook: str, trigger_id: str, since: datetime) -> list[datetime]:
    """Give when a trigger's sweeps began, of those that were not dry runs and did not fail."""
    mine = (
        col(Launch.playbook) == playbook,
        col(Launch.trigger_id) == trigger_id,
        col(Launch.kind) == "sweep",
        col(Launch.status) != "failed",
    )
    return list((await session.execute(select(col(Launch.started_at)).where(*mine, col(Launch.started_at) >= since))).scalars())
