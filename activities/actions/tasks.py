"""`task.create`, `task.cancel`, `task.complete`."""

from typing import Literal

from activities.contracts import JsonTree, UndoResult
from activities.definitions.tasks import (
    TASK_CANCEL,
    TASK_COMPLETE,
    TASK_CREATE,
    CloseTaskInput,
    CloseTaskOutput,
    CreateTaskInput,
    TaskOutput,
)
from activities.effects import InternalAction, Outcome, Work
from activities.failures import NotFound
from activities.news import tell_play
from activities.owners import resolve_owner, specs_of
from activities.reading import output_of, read_due, read_inputs
from playbook_dsl.values import to_json
from storage.calendars import calendar_of
from storage.repositories.accounts import find_account
from storage.repositories.effects import EffectRecord
from storage.repositories.runs import find_run
from storage.repositories.tasks import add_tasks, close_task, find_task, reopen_task
from storage.repositories.tenants import find_tenant
from storage.session import Session
from storage.tables import Task


def task_fields(task: Task) -> dict[str, JsonTree]:
    """Give what a play sees change of a task, in the JSON form of values."""
    return {
        "status": task.status,
        "owner": task.owner,
        "answers": task.answers,
        "outcome": task.outcome,
        "completed_at": to_json(task.closed_at),
        "completed_by": task.closed_by,
    }


async def tell_of_task(session: Session, task: Task) -> None:
    """Note for the play that made a task what became of it; it hears of it once this transaction is committed."""
    run = await find_run(session, task.run) if task.run else None
    if run is not None and run.state != "closed":
        changed_at = task.closed_at.isoformat() if task.closed_at else ""
        news_id = f"task:{task.id}:{task.status}:{changed_at}:{task.owner}"
        await tell_play(session, run.workflow_id, kind="object", news_id=news_id, name=f"task:{task.id}", fields=task_fields(task))


class CreateTask(InternalAction):
    """Puts a task into somebody's inbox."""

    contract = TASK_CREATE

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Make the task; its id follows from the effect's key."""
        inputs = read_inputs(CreateTaskInput, work.call)
        account = await find_account(session, work.run.account)
        if account is None:
            raise NotFound(f'there is no account "{work.run.account}"')
        owner = await resolve_owner(session, work.run.account, inputs.owner)
        due_at = read_due(inputs.due, calendar_of(account, await find_tenant(session))) if inputs.due is not None else None
        task = Task(
            id=work.object_id,
            kind="task",
            account=work.run.account,
            title=inputs.title,
            why=inputs.description or f'"{work.call.title}" of the playbook "{work.run.playbook}"',
            owner=owner.id,
            priority=inputs.priority,
            due_at=due_at,
            checklist=[{"text": item, "done": False} for item in inputs.checklist],
            form=inputs.form,
            context=_follows(inputs, owner.id == account.csm),
            run=work.run.run_id,
            chain=work.run.chain,
            step_key=work.call.key,
            generation=work.call.generation,
        )
        await add_tasks(session, [task])
        output = TaskOutput(task_id=task.id, owner=owner.id, owner_name=owner.name, due_at=due_at)
        return Outcome(output_of(output), live=f"task:{task.id}")

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Cancel the task. One that a person has done stays done: there is nothing left to take back."""
        task = await find_task(session, record.key[:32], lock=True)
        if task is None or task.status == "cancelled":
            return UndoResult(status="nothing", detail="the task is gone already")
        if task.status == "done":
            return UndoResult(status="nothing", detail=f"the task was done by {task.closed_by or 'somebody'} and stays done")
        await close_task(session, task, "cancelled", by=None, outcome="taken back with its play")
        return UndoResult(status="undone", detail=f'cancelled the task "{task.title}"')


def _follows(inputs: CreateTaskInput, is_csm: bool) -> dict[str, object]:
    """Say whether the task moves with the account to another CSM: it was given to the CSM as such, not to a person by name."""
    by_role = any(spec in ("csm", "owner") for spec in specs_of(inputs.owner))
    return {"follows": "csm"} if is_csm and by_role and inputs.when_owner_changes == "follow" else {}


class CloseTask(InternalAction):
    """Closes a task that another step made."""

    def __init__(self, status: Literal["done", "cancelled"]) -> None:
        """Close tasks as `status`."""
        self.contract = TASK_COMPLETE if status == "done" else TASK_CANCEL
        self._status = status

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Close the task if it is open."""
        inputs = read_inputs(CloseTaskInput, work.call)
        task = await find_task(session, inputs.task.removeprefix("task:"), lock=True)
        if task is None:
            raise NotFound(f'there is no task "{inputs.task}"')
        changed = task.status == "open"
        if changed:
            await close_task(session, task, self._status, by=f"play {work.run.playbook}", outcome=inputs.outcome)
            await tell_of_task(session, task)
        output = CloseTaskOutput(task_id=task.id, status="done" if task.status == "done" else "cancelled", changed=changed)
        return Outcome(output_of(output), prior={"task": task.id, "changed": changed})

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Open the task again, if this step closed it and it is still closed the same way."""
        prior = record.prior if isinstance(record.prior, dict) else {}
        task = await find_task(session, str(prior.get("task")), lock=True)
        if task is None or not prior.get("changed") or task.status == "open":
            return UndoResult(status="nothing", detail="the task is as it was before")
        if task.status != self._status and not force:
            return UndoResult(status="conflict", detail=f'the task "{task.title}" is {task.status} by now')
        await reopen_task(session, task)
        await tell_of_task(session, task)
        return UndoResult(status="undone", detail=f'opened the task "{task.title}" again')
