"""Inbox items: tasks, approvals, forms, reviews, holds and notices."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlmodel import col

from playbook_dsl.values import Json
from storage.pages import Page, fetch_page
from storage.repositories.slack_questions import questions_closed
from storage.session import Session
from storage.tables import Account, Task

_NO_DUE_DATE = datetime(9999, 1, 1, tzinfo=UTC)


async def add_tasks(session: Session, tasks: Sequence[Task]) -> None:
    """Insert items."""
    for task in tasks:
        task.tenant = session.tenant
        session.add(task)
    await session.flush()


async def find_task(session: Session, task_id: str, *, lock: bool = False) -> Task | None:
    """Give an item. With `lock` nobody else may change it before the transaction ends."""
    query = select(Task).where(col(Task.id) == task_id)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def close_task(
    session: Session, task: Task, status: str, *, by: str | None, outcome: str | None = None, answers: dict[str, Json] | None = None
) -> None:
    """Close an open item as `done` or `cancelled`."""
    task.status = status
    task.closed_by = by
    task.outcome = outcome
    task.closed_at = datetime.now(UTC)
    if answers is not None:
        task.answers = dict(answers)
    await session.flush()
    if task.kind == "approval":
        await questions_closed(session, [task.id])


async def reopen_task(session: Session, task: Task) -> None:
    """Open a closed item again; what was answered stays readable."""
    task.status, task.closed_by, task.closed_at, task.outcome = "open", None, None, None
    await session.flush()


async def close_tasks_by_step(session: Session, chain: str, step_key: str, generation: int, reason: str) -> list[str]:
    """Cancel the open items of a step, and give their ids."""
    query = (
        update(Task)
        .where(col(Task.chain) == chain, col(Task.step_key) == step_key, col(Task.generation) == generation, col(Task.status) == "open")
        .values(status="cancelled", outcome=reason, closed_at=func.now())
        .returning(col(Task.id))
    )
    closed = list((await session.execute(query)).scalars())
    await questions_closed(session, closed)
    return closed


async def note_reminder(session: Session, chain: str, step_key: str, generation: int) -> None:
    """Count a reminder on the open items of a step; inboxes show it."""
    step = (col(Task.chain) == chain, col(Task.step_key) == step_key, col(Task.generation) == generation)
    await session.execute(update(Task).where(*step, col(Task.status) == "open").values(reminders=col(Task.reminders) + 1))


async def list_tasks_by_step(session: Session, chain: str, step_key: str, generation: int) -> list[Task]:
    """Give the items of a step, by id."""
    query = select(Task).where(col(Task.chain) == chain, col(Task.step_key) == step_key, col(Task.generation) == generation)
    return list((await session.execute(query.order_by(col(Task.id)))).scalars())


async def give_tasks_to_csm(session: Session, accounts: Sequence[str]) -> list[Task]:
    """Give the open tasks that follow the account's CSM to the CSM of now, and give those that moved."""
    moved = (
        update(Task)
        .where(col(Task.account) == col(Account.id), col(Account.id).in_(accounts), col(Task.status) == "open")
        .where(col(Task.context)["follows"].astext == "csm", col(Account.csm).is_not(None), col(Task.owner) != col(Account.csm))
        .values(owner=col(Account.csm))
        .returning(Task)
        .execution_options(populate_existing=True)
    )
    return list((await session.execute(moved)).scalars())


async def list_tasks(
    session: Session,
    *,
    owner: str | None = None,
    account: str | None = None,
    run: str | None = None,
    status: str | None = None,
    kind: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[Task]:
    """Give items by due date, those without one last."""
    query = select(Task)
    for column, wanted in ((Task.owner, owner), (Task.account, account), (Task.run, run), (Task.status, status), (Task.kind, kind)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    due = func.coalesce(col(Task.due_at), _NO_DUE_DATE)
    return await fetch_page(session, query, (due, col(Task.id)), after=after, limit=limit)
