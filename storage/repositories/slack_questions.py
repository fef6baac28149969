"""Questions of inbox items that are asked in Slack as well: which are to be sent, and which are to say what was decided."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.session import Session
from storage.tables import SlackQuestion

# The play closes an item as soon as it has the answer; who gave it is written a moment later.
_GRACE: Final = timedelta(seconds=5)


async def add_questions(session: Session, tasks: Sequence[str], now: datetime) -> None:
    """Note that these items are to be asked in Slack; what was noted before stays."""
    rows = [{"tenant": session.tenant, "task": task, "state": "due", "attempts": 0, "due_at": now} for task in tasks]
    if rows:
        await session.execute(insert(SlackQuestion).values(rows).on_conflict_do_nothing())


async def claim_question(session: Session, now: datetime, lease: timedelta) -> SlackQuestion | None:
    """Give the question that waits longest for something to be done about it; nobody else gets it while the lease lasts."""
    due = select(SlackQuestion).where(col(SlackQuestion.due_at) <= now)
    first = due.order_by(col(SlackQuestion.due_at), col(SlackQuestion.task)).limit(1)
    found = (await session.execute(first.with_for_update(skip_locked=True))).scalar_one_or_none()
    if found is not None:
        found.due_at = now + lease
        found.attempts += 1
        await session.flush()
    return found


async def find_question(session: Session, task: str) -> SlackQuestion | None:
    """Give the question of an item."""
    return await session.get(SlackQuestion, (session.tenant, task))


async def change_question(session: Session, task: str, **changes: object) -> None:
    """Set columns of a question."""
    await session.execute(update(SlackQuestion).where(col(SlackQuestion.task) == task).values(**changes))


async def questions_closed(session: Session, tasks: Sequence[str]) -> None:
    """Have questions looked at again whose items were closed. One that is being sent right now is looked at after that."""
    if not tasks:
        return
    open_ones = update(SlackQuestion).where(col(SlackQuestion.task).in_(tasks), col(SlackQuestion.state).not_in(("told", "dropped")))
    await session.execute(open_ones.values(due_at=func.greatest(col(SlackQuestion.due_at), func.now() + _GRACE)))
