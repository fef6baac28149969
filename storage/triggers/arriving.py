"""Makes of events what may bring accounts in, in the transaction in which an event and its account are known."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from storage.enrollment_tables import Launch
from storage.repositories.playbooks import find_version
from storage.session import Session
from storage.tables import METADATA, Event
from storage.trigger_tables import TriggerWatch, WatchedPath
from storage.triggers.queue import New, Way, add_occurrences

_LAUNCHES = METADATA.tables["launch"]


async def event_arrived(session: Session, event: Event, account: str | None) -> None:
    """Note the event for every playbook that it may bring an account into. Noting it twice changes nothing.

    Args:
        session: the transaction in which the event was kept or its account found.
        event: a row that is kept.
        account: whose it is, None when it is nobody's; then only triggers that say for which accounts it is can fire.
    """
    watches = select(TriggerWatch).join(
        WatchedPath, and_(col(WatchedPath.playbook) == col(TriggerWatch.playbook), col(WatchedPath.trigger) == col(TriggerWatch.trigger))
    )
    found = (await session.execute(watches.where(col(WatchedPath.path) == f"event:{event.name}"))).scalars()
    now = datetime.now(UTC)
    for watch in list(found):
        if watch.kind == "event_accounts":
            await _launch(session, watch, event)
        elif account is not None:
            way = Way(watch.playbook, watch.trigger, "event", timedelta(seconds=watch.settle_s))
            await add_occurrences(session, way, [New(account, event.id, now, now, event=event.id)])


async def _launch(session: Session, watch: TriggerWatch, event: Event) -> None:
    """Begin a launch over the accounts it is for; its id follows from the event, so that the same event is one launch."""
    version = await find_version(session, watch.playbook)
    if version is None:
        return
    name = "\x1f".join((session.tenant, watch.playbook, watch.trigger, event.id))
    row = Launch(
        tenant=session.tenant,
        id=hashlib.sha256(name.encode()).hexdigest()[:32],
        playbook=watch.playbook,
        version=version.version,
        kind="event",
        trigger_id=watch.trigger,
        why=event.name,
        event=event.id,
        started_at=datetime.now(UTC),
    )
    values = row.model_dump(exclude_none=True)
    await session.execute(insert(_LAUNCHES).values(values).on_conflict_do_nothing(index_elements=["tenant", "id"]))
