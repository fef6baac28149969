"""Answers to inbox items, and what plays make of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from activities.contracts import JsonTree
from api.forms import check_form
from api.plays import Plays
from api.problems import CommandNotAllowed, FieldProblem, InputsRefused, RunClosed, TaskClosed, TaskNotFound
from api.schemas.runs import Answered
from api.schemas.tasks import CompleteTask, TaskAnswered, TaskOut
from api.services.audit import audit
from api.services.commands import Asking, RunCommands
from api.services.delivering import deliver_all
from api.services.launch_course import decide_launch
from api.services.news import task_changed
from playbook_dsl.plan import FormField
from playbook_dsl.values import Json, to_json
from storage.enrollment.launching import lock_launch
from storage.repositories.tasks import close_task, find_task
from storage.session import Database, Session
from storage.tables import Task
from workflows.messages import CommandAnswer

_DECISIONS = ("retry", "skip", "undo", "edit")


async def existing_task(session: Session, task_id: str, *, lock: bool = False) -> Task:
    """Give an inbox item.

    Raises:
        TaskNotFound: there is none with this id.
    """
    task = await find_task(session, task_id, lock=lock)
    if task is None:
        raise TaskNotFound(f'There is no task "{task_id[:80]}"; GET /v1/tasks lists them.')
    return task


class Inbox:
    """Completes tasks and answers questions."""

    def __init__(self, database: Database, plays: Plays) -> None:
        """Keep where rows and plays are."""
        self._database = database
        self._plays = plays

    async def complete(self, asking: Asking, task_id: str, body: CompleteTask) -> TaskAnswered:
        """Mark a task or notice as done.

        Raises:
            TaskNotFound, TaskClosed: there is none, or it is closed.
            InputsRefused: its form is not filled in rightly.
            CommandNotAllowed: it is a question; those are answered.
        """
        async with self._database.begin(asking.tenant) as session:
            task = await _open_task(session, task_id)
            if task.kind not in ("task", "notice"):
                raise CommandNotAllowed(f"This is {_a(task.kind)}: it wants an answer; use /v1/tasks/{task.id}/answer.")
            answers = _checked(task, body.answers)
            await close_task(session, task, "done", by=asking.by, outcome=body.outcome, answers=answers)
            fields: dict[str, JsonTree] = {
                "status": "done",
                "answers": answers,
                "outcome": body.outcome,
                "completed_at": to_json(task.closed_at),
                "completed_by": asking.by,
            }
            deliveries = await task_changed(session, task, fields)
            await audit(session, asking.by, "task.complete", "task", task.id, {"outcome": body.outcome})
            done = TaskOut.model_validate(task.model_dump())
        told = await deliver_all(self._database, self._plays, asking.tenant, deliveries)
        answer = Answered(run=str(task.run), changed=True, state="", message="the play was told") if told else None
        return TaskAnswered(task=done, answer=answer)

    async def answer(self, asking: Asking, task_id: str, answers: Mapping[str, Json]) -> TaskAnswered:
        """Give the play the answer to a question, and close the item when the play has it.

        The play itself is asked first, outside of a transaction: it alone knows whether the question is still open. The request id is
        made of the item, the person and the answer, so that saying the same again after a broken connection finds the first answer, and
        whoever says something else at the same moment is refused by the play.

        Raises:
            TaskNotFound, TaskClosed: there is none, or it is closed; nothing was changed.
            InputsRefused: the answers do not fit the question.
        """
        async with self._database.begin(asking.tenant) as session:
            launch = launch_of(await existing_task(session, task_id))
            if launch is not None:
                return await _decide_launch(session, task_id, launch, asking.by, answers)
            task = await _open_task(session, task_id)
            do, particulars = _command(task, answers)
        asking = replace(asking, request_id=f"answer:{task.id}:{_digest(asking.by, do, particulars)}")
        try:
            said = await RunCommands(self._database, self._plays).tell(asking, str(task.run), do, **particulars)
        except RunClosed as error:
            raise TaskClosed(f"The play that asked this has ended; nothing was changed. {error.detail}") from error
        async with self._database.begin(asking.tenant) as session:
            task = await existing_task(session, task_id, lock=True)
            await self._close(session, task, asking.by, particulars)
            done = TaskOut.model_validate(task.model_dump())
        return TaskAnswered(task=done, answer=_answered(str(task.run), said))

    async def _close(self, session: Session, task: Task, by: str, particulars: Mapping[str, Any]) -> None:
        """Close the item; the play may have closed it meanwhile, and then only who answered is missing."""
        answers = dict(particulars.get("answers") or {})
        if task.status == "open":
            await close_task(session, task, "done", by=by, answers=answers)
        elif task.closed_by is None:
            await close_task(session, task, "done", by=by, outcome=task.outcome, answers=answers)


async def _open_task(session: Session, task_id: str) -> Task:
    task = await existing_task(session, task_id, lock=True)
    if task.status != "open":
        by = f" by {task.closed_by}" if task.closed_by else ""
        because = f" ({task.outcome})" if task.outcome else ""
        raise TaskClosed(f"This {task.kind} was closed{by}{because}; nothing was changed.")
    return task


def _digest(by: str, do: str, particulars: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([by, do, particulars], sort_keys=True, default=str).encode()).hexdigest()[:16]


def launch_of(task: Task) -> str | None:
    """Give the launch that an approval is about, None for a question of a play."""
    launch = task.context.get("launch")
    return str(launch) if task.kind == "approval" and task.run is None and launch is not None else None


async def _decide_launch(session: Session, task_id: str, launch: str, by: str, answers: Mapping[str, Json]) -> TaskAnswered:
    """Let a launch begin, or call it off; what follows is the relay's work. The launch is locked first, as everywhere."""
    approved, comment = answers.get("approved"), answers.get("comment")
    if not isinstance(approved, bool):
        wrong = FieldProblem(pointer="#/answers/approved", detail="must be true or false", code="missing")
        raise InputsRefused("Say whether you approve.", errors=[wrong])
    said = str(comment)[:1000] if comment else None
    row = await lock_launch(session, launch)
    if row is None:
        raise TaskClosed("The launch is gone; nothing was changed.")
    if row.status == "paused":
        raise CommandNotAllowed(f"The launch is paused; resume it first: playkeeper resume --launch {row.id}")
    task = await _open_task(session, task_id)
    decided = await decide_launch(session, launch, approved=approved, by=by, comment=said, now=datetime.now(UTC))
    if decided is None:
        raise TaskClosed("The launch does not wait for an approval any more; nothing was changed.")
    await close_task(session, task, "done", by=by, outcome="approved" if approved else "rejected", answers=dict(answers))
    return TaskAnswered(task=TaskOut.model_validate(task.model_dump()), answer=None)


def _checked(task: Task, answers: Mapping[str, Json]) -> dict[str, Json]:
    form = [FormField.model_validate(field) for field in task.form]
    values, wrong = check_form(form, answers, "#/answers")
    if wrong:
        raise InputsRefused("The answers do not fit the form; correct the fields listed under errors.", errors=wrong)
    return values


def _command(task: Task, answers: Mapping[str, Json]) -> tuple[str, dict[str, Any]]:
    """Give what the play is told: its name and its particulars."""
    if task.run is None:
        raise CommandNotAllowed("This item belongs to no play.")
    match task.kind:
        case "form":
            return "answer", {"key": task.step_key, "answers": _checked(task, answers)}
        case "approval" | "review":
            if not isinstance(answers.get("approved"), bool):
                wrong = FieldProblem(pointer="#/answers/approved", detail="must be true or false", code="missing")
                raise InputsRefused("Say whether you approve.", errors=[wrong])
            return "answer", {"key": task.step_key, "answers": dict(answers)}
        case "hold":
            return _decision(task, answers)
        case _:
            raise CommandNotAllowed(f"This is {_a(task.kind)}: it is completed, not answered; use /v1/tasks/{task.id}/complete.")


def _decision(task: Task, answers: Mapping[str, Json]) -> tuple[str, dict[str, Any]]:
    decision, inputs = answers.get("decision"), answers.get("inputs")
    if decision not in _DECISIONS:
        wrong = FieldProblem(pointer="#/answers/decision", detail=f"must be one of {', '.join(_DECISIONS)}", code="bad_value")
        raise InputsRefused("Say what is to happen with the held step.", errors=[wrong])
    if decision != "edit":
        return str(decision), {"key": task.step_key}
    if not isinstance(inputs, dict) or not inputs:
        raise InputsRefused(
            "Say what to change.", errors=[FieldProblem(pointer="#/answers/inputs", detail="must name inputs", code="missing")]
        )
    return "edit", {"key": task.step_key, "inputs": inputs}


def _answered(run: str, said: CommandAnswer) -> Answered:
    return Answered(run=run, **said.model_dump())


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
