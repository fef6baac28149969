"""Enrollments as lists show them."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from storage.enrollment_tables import Enrollment
from storage.pages import Page, fetch_page
from storage.session import Session


@dataclass(frozen=True)
class EnrollmentFilter:
    """Which enrollments a list holds; what is None does not matter."""

    playbook: str | None = None
    account: str | None = None
    state: str | None = None
    launch: str | None = None


async def list_enrollments(session: Session, which: EnrollmentFilter, *, after: str | None = None, limit: int = 50) -> Page[Enrollment]:
    """Give enrollments, newest first."""
    query = select(Enrollment)
    wanted = (
        (Enrollment.playbook, which.playbook),
        (Enrollment.account, which.account),
        (Enrollment.state, which.state),
        (Enrollment.launch, which.launch),
    )
    for column, value in wanted:
        if value is not None:
            query = query.where(col(column) == value)
    return await fetch_page(session, query, (col(Enrollment.created_at), col(Enrollment.id)), descending=True, after=after, limit=limit)


async def find_enrollment(session: Session, enrollment_id: str, *, lock: bool = False) -> Enrollment | None:
    """Give an enrollment. With `lock` nobody else may change it before the transaction ends."""
    query = select(Enrollment).where(col(Enrollment.id) == enrollment_id)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
