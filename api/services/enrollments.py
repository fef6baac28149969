"""Enrollments as lists show them, and taking back those that wait or are observed."""

from datetime import UTC, datetime

from api.problems import EnrollmentNotFound, EnrollmentNotWaiting
from api.schemas.enrollments import EnrollmentOut
from api.security import Actor
from api.services.audit import audit
from enrollment.states import Reason, State
from storage.enrollment.admission import leave
from storage.enrollment.lists import find_enrollment
from storage.enrollment_tables import Enrollment
from storage.repositories.accounts import lock_accounts
from storage.session import Session

_WAITS = (State.QUEUED, State.SUPPRESSED, State.HELD_OUT)


async def withdraw(session: Session, user: Actor, enrollment_id: str, reason: str | None) -> EnrollmentOut:
    """Take back an enrollment that waits or is observed: it counts as never having been. Withdrawing twice changes nothing.

    Raises:
        EnrollmentNotFound: there is none with this id.
        EnrollmentNotWaiting: its play is under way or has ended.
    """
    found = await find_enrollment(session, enrollment_id)
    if found is not None:
        # Who lets it in has locked the account too: one of the two is first, and the other sees what it did.
        await lock_accounts(session, [found.account])
        await session.refresh(found, with_for_update=True)
    if found is None:
        raise EnrollmentNotFound(f'There is no enrollment "{enrollment_id[:80]}".')
    if found.state == State.LEFT and found.reason == Reason.WITHDRAWN:
        return enrollment_out(found)
    if found.state not in _WAITS:
        play = f" Cancel or undo its play {found.run} instead." if found.run and found.state == State.ACTIVE else ""
        raise EnrollmentNotWaiting(f"This enrollment is {_words(found)}; only one that waits or is observed can be withdrawn.{play}")
    was = found.state
    leave(found, Reason.WITHDRAWN, datetime.now(UTC), f"{user.name} took it back" + (f": {reason}" if reason else ""))
    details = {"playbook": found.playbook, "account": found.account, "was": was, "reason": reason}
    await audit(session, user.name, "enrollment.withdraw", "enrollment", found.id, details)
    return enrollment_out(found)


def _words(row: Enrollment) -> str:
    return "active" if row.state == State.ACTIVE else f"over ({row.reason})"


def enrollment_out(row: Enrollment) -> EnrollmentOut:
    """Give an enrollment without what is sealed."""
    return EnrollmentOut.model_validate(row.model_dump(exclude={"start", "tenant"}))
