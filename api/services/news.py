"""News for the plays of an account: written with what made them, delivered once that is committed."""

from collections.abc import Mapping, Sequence

from activities.contracts import JsonTree
from api.services.facts import loaded_facts
from playbook_dsl.values import Json
from storage.ids import new_id
from storage.repositories.deliveries import add_delivery
from storage.repositories.runs import find_run, list_active_runs_by_account
from storage.session import Session
from storage.tables import Delivery, Event, Run, Task
from workflows.messages import News


async def facts_changed(session: Session, account: str) -> list[Delivery]:
    """Note the account's facts of now for every play it is in."""
    runs = await list_active_runs_by_account(session, account)
    if not runs:
        return []
    loaded = (await loaded_facts(session, account)).model_dump(mode="json")
    return [await add_delivery(session, run.workflow_id, _dump(News(kind="facts", id=new_id(), fields=loaded))) for run in runs]


async def event_happened(session: Session, event: Event, fields: Mapping[str, Json]) -> list[Delivery]:
    """Note an event for every play its account is in."""
    if event.account is None:
        return []
    return await tell_event(session, event, fields, await list_active_runs_by_account(session, event.account))


async def tell_event(session: Session, event: Event, fields: Mapping[str, Json], runs: Sequence[Run]) -> list[Delivery]:
    """Note an event for plays."""
    news = _dump(News(kind="event", id=event.id, name=event.name, fields=dict(fields)))
    return [await add_delivery(session, run.workflow_id, news) for run in runs]


async def object_changed(session: Session, event: Event, live: str, fields: Mapping[str, Json], runs: Sequence[Run]) -> list[Delivery]:
    """Note for plays what an event has changed of something they made."""
    news = _dump(News(kind="object", id=f"{event.id}:{live}", name=live, fields=dict(fields)))
    return [await add_delivery(session, run.workflow_id, news) for run in runs]


async def task_changed(session: Session, task: Task, fields: dict[str, JsonTree]) -> Sequence[Delivery]:
    """Note what changed of a task for the play that made it."""
    run = await find_run(session, task.run) if task.run else None
    if run is None:
        return []
    # The same change noted twice is one: the id is of the change, not of the note.
    news = News(kind="object", id=f"task:{task.id}:{task.status}:{new_id()}", name=f"task:{task.id}", fields=fields)
    return [await add_delivery(session, run.workflow_id, _dump(news))]


def _dump(news: News) -> JsonTree:
    return news.model_dump(mode="json", exclude_defaults=True) | {"kind": news.kind, "id": news.id}
