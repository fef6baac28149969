"""The inbox: what waits for people, and their answers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api.deps import DatabaseDep, PlaysDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import CommandNotAllowed, InputsRefused, PlayNotAnswering, RunClosed, TaskClosed, TaskNotFound, TemporalAway
from api.routes.runs import Key, asking
from api.schemas.tasks import AnswerTask, CompleteTask, TaskAnswered, TaskOut
from api.security import Operator, Viewer
from api.services.inbox import Inbox, existing_task
from storage.repositories.tasks import list_tasks

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

TaskId = Annotated[str, Path(max_length=100, description="The item's id.", examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])]


@router.get("", summary="List the inbox", responses=may_fail())
async def list_all_tasks(
    user: Viewer,
    session: SessionDep,
    owner: Annotated[str | None, Query(max_length=100, examples=["maria"], description="Only of this person.")] = None,
    account: Annotated[str | None, Query(max_length=100, examples=["C-0001"], description="Only of this account.")] = None,
    run: Annotated[str | None, Query(max_length=100, description="Only of this play.")] = None,
    kind: Annotated[
        Literal["task", "approval", "form", "review", "hold", "notice"] | None,
        Query(examples=["approval"], description="Only of this kind."),
    ] = None,
    status: Annotated[Literal["open", "done", "cancelled"] | None, Query(examples=["open"], description="Only with this status.")] = "open",
    after: After = None,
    limit: Limit = 50,
) -> PageOf[TaskOut]:
    """By due date; each item says why it is there. Without `status` the open ones."""
    page = await list_tasks(session, owner=owner, account=account, run=run, status=status, kind=kind, after=after, limit=limit)
    return PageOf(items=[TaskOut.model_validate(task.model_dump()) for task in page.items], next=page.next)


@router.get("/{task_id}", summary="Look at an inbox item", responses=may_fail(TaskNotFound))
async def get_task(task_id: TaskId, user: Viewer, session: SessionDep) -> TaskOut:
    """The item with its form and what it shows of the play."""
    return TaskOut.model_validate((await existing_task(session, task_id)).model_dump())


@router.post(
    "/{task_id}/complete",
    summary="Complete a task",
    responses=may_fail(TaskNotFound, TaskClosed, InputsRefused, CommandNotAllowed, body=True),
)
async def complete_task(
    task_id: TaskId, user: Operator, database: DatabaseDep, plays: PlaysDep, body: CompleteTask | None = None, key: Key = None
) -> TaskAnswered:
    """Mark a task as done, with the answers its form asks for. A play that waits for it goes on."""
    return await Inbox(database, plays).complete(asking(user, key), task_id, body or CompleteTask())


@router.post(
    "/{task_id}/answer",
    summary="Answer a question, approve, or decide on a held step",
    responses=may_fail(TaskNotFound, TaskClosed, InputsRefused, RunClosed, CommandNotAllowed, TemporalAway, PlayNotAnswering, body=True),
)
async def answer_task(
    task_id: TaskId, body: AnswerTask, user: Operator, database: DatabaseDep, plays: PlaysDep, key: Key = None
) -> TaskAnswered:
    """The play hears the answer at once and says what it does with it. 409 when the question is closed: nothing is changed then."""
    return await Inbox(database, plays).answer(asking(user, key), task_id, body.answers)
