"""Questions to people: approvals, forms, reviews, holds and notices, and what is done about overdue tasks."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from activities.actions.tasks import tell_of_task
from activities.contracts import AskCall, AskResult, AskUpdate, RunRef, TaskUpdate
from activities.owners import resolve_each, resolve_owner
from connectors.slack.vendor import SLACK
from storage.repositories.connections import find_connection
from storage.repositories.slack_questions import add_questions
from storage.repositories.tasks import (
    add_tasks,
    close_tasks_by_step,
    find_task,
    list_tasks_by_step,
    note_reminder,
)
from storage.session import Database, Session
from storage.tables import Person, Task


async def ask(database: Database, call: AskCall) -> AskResult:
    """Put items into inboxes. Asking again for the same round gives the items that are there.

    Raises:
        Nobody: nobody named could be found.
    """
    async with database.begin(call.run.tenant) as session:
        of_step = await list_tasks_by_step(session, call.run.chain, call.key, call.generation)
        # A step that was reviewed and then fails is held as well: two items about one step.
        there = [task for task in of_step if (task.kind, task.round) == (call.kind, call.round)]
        if not there:
            there = [_item(call, person) for person in await _asked(session, call)]
            await add_tasks(session, there)
            await _ask_in_slack(session, there)
    return AskResult(asked=tuple(str(task.owner) for task in there), items=tuple(task.id for task in there))


async def update_ask(database: Database, call: AskUpdate) -> None:
    """Remind of the open items of a step, or close them."""
    async with database.begin(call.run.tenant) as session:
        if call.do == "close":
            await close_tasks_by_step(session, call.run.chain, call.key, call.generation, call.reason)
        else:
            await note_reminder(session, call.run.chain, call.key, call.generation)


async def update_task(database: Database, call: TaskUpdate) -> None:
    """Tell somebody of an overdue task, or give it to somebody else; once for each round.

    Raises:
        Nobody: nobody named could be found.
    """
    task_id = call.task.removeprefix("task:")
    async with database.begin(call.run.tenant) as session:
        task = await find_task(session, task_id, lock=True)
        done = f"{call.do}:{call.round}"
        overdue = task.context.get("overdue", []) if task else []
        if task is None or task.status != "open" or not isinstance(overdue, list) or done in overdue:
            return
        person = await resolve_owner(session, call.run.account, list(call.to))
        if call.do == "reassign":
            task.owner = person.id
            await tell_of_task(session, task)
        else:
            await add_tasks(session, [_notice(call, task, person)])
        task.context = {**task.context, "overdue": [*overdue, done]}
        await session.flush()


async def _ask_in_slack(session: Session, tasks: Sequence[Task]) -> None:
    """Note approvals to be asked in Slack as well; the relay sends them. The items are in the inbox whatever becomes of that."""
    approvals = [task.id for task in tasks if task.kind == "approval"]
    if approvals and await find_connection(session, SLACK.name) is not None:
        await add_questions(session, approvals, datetime.now(UTC))


async def _asked(session: Session, call: AskCall) -> Sequence[Person]:
    if call.ask_each:
        return await resolve_each(session, call.run.account, call.by)
    return [await resolve_owner(session, call.run.account, list(call.by))]


def _item(call: AskCall, person: Person) -> Task:
    return Task(
        id=_id(call.run, call.key, str(call.generation), call.kind, str(call.round), person.id),
        kind=call.kind,
        account=call.run.account,
        title=call.title,
        why=call.why,
        owner=person.id,
        due_at=call.due_at,
        form=list(call.form),
        context=dict(call.context),
        run=call.run.run_id,
        chain=call.run.chain,
        step_key=call.key,
        generation=call.generation,
        round=call.round,
    )


def _notice(call: TaskUpdate, task: Task, person: Person) -> Task:
    return Task(
        id=_id(call.run, call.key, task.id, str(call.round), person.id),
        kind="notice",
        account=task.account,
        title=f"Overdue: {task.title}",
        why=f"{task.owner} has not finished it in time",
        owner=person.id,
        context={"task": task.id},
        run=call.run.run_id,
        chain=call.run.chain,
        step_key=f"{call.key}.overdue",
        round=call.round,
    )


def _id(run: RunRef, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((run.tenant, run.chain, *parts)).encode()).hexdigest()[:32]
