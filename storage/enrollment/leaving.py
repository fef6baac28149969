"""How enrollments follow their plays: in with a play that another one starts, out when it ends, in again when it is taken up once more."""

from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlmodel import col

from enrollment.states import Reason, State, sources
from storage.enrollment_tables import Enrollment
from storage.session import Session
from storage.tables import METADATA, Run

_ENROLLMENTS = METADATA.tables["enrollment"]
# Made once: building the same statement for every record costs more than executing it.
_LEAVE = (
    update(_ENROLLMENTS)
    .where(_ENROLLMENTS.c.run == bindparam("of_run"), _ENROLLMENTS.c.state.in_(sorted(sources(State.LEFT))))
    .values(state=str(State.LEFT), reason=bindparam("outcome"), left_at=bindparam("at"), changed_at=bindparam("at"))
)
_TAKEN_UP = (
    update(_ENROLLMENTS)
    .where(_ENROLLMENTS.c.run == bindparam("of_run"), _ENROLLMENTS.c.state.in_(sorted(sources(State.ACTIVE) & {State.LEFT})))
    # Beside: the account may be in another play of this playbook by now.
    .values(state=str(State.ACTIVE), reason=str(Reason.ENTERED), left_at=None, changed_at=bindparam("at"), beside=True)
)


async def play_ended(session: Session, run_id: str, outcome: str, at: datetime) -> None:
    """Let the account of a play that has ended leave."""
    connection = await session.connection()
    await connection.execute(_LEAVE, {"of_run": run_id, "outcome": outcome, "at": at})


async def play_taken_up(session: Session, run_id: str, at: datetime) -> None:
    """Let the account of a play that is undone or retried be in the playbook again."""
    connection = await session.connection()
    await connection.execute(_TAKEN_UP, {"of_run": run_id, "at": at})


async def play_entered(session: Session, run: Run) -> None:
    """Write down that a play brought its account into another playbook. No rule is asked: the author of the first decided."""
    theirs = (col(Enrollment.playbook) == run.playbook, col(Enrollment.account) == run.account)
    episodes = (await session.execute(select(func.max(col(Enrollment.episode))).where(*theirs))).scalar_one()
    row = Enrollment(
        tenant=session.tenant,
        id=run.id,
        playbook=run.playbook,
        account=run.account,
        episode=(episodes or 0) + 1,
        beside=True,
        state=State.ACTIVE,
        reason=Reason.ENTERED,
        version=run.version,
        trigger=run.trigger,
        launch=run.launch,
        run=run.id,
        owner=run.owner,
        by=run.started_by,
        begun_at=run.started_at,
    )
    session.add(row)
    await session.flush()
