"""News for plays: noted in the transaction that makes them, brought by the relay once it is committed."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Literal

from activities.contracts import JsonTree
from storage.ids import new_id
from storage.loaded import load_for_play
from storage.repositories.deliveries import add_delivery
from storage.repositories.runs import find_run, list_active_runs_by_accounts
from storage.session import Session
from storage.tables import AccountLock

_AT_ONCE = timedelta(0)


async def tell_play(
    session: Session,
    workflow_id: str,
    *,
    kind: Literal["event", "facts", "object", "lock_granted"],
    news_id: str,
    name: str | None = None,
    key: str | None = None,
    fields: dict[str, JsonTree] | None = None,
) -> None:
    """Note news for a play. The same `news_id` twice is heard once."""
    news: JsonTree = {"kind": kind, "id": news_id, "name": name, "key": key, "fields": fields or {}}
    await add_delivery(session, workflow_id, news, pause=_AT_ONCE)


async def hand_on_locks(session: Session, holders: Sequence[AccountLock]) -> None:
    """Tell plays that a lock is theirs; one that has it already hears nothing new."""
    for holder in holders:
        waiting = await find_run(session, holder.run)
        if waiting is not None:
            # A play that is taken up again may wait for the same lock at the same step once more.
            news_id = f"lock:{holder.name}:{holder.run}:{holder.key}:{holder.since.isoformat()}"
            await tell_play(session, waiting.workflow_id, kind="lock_granted", news_id=news_id, key=holder.key)


async def tell_plays(session: Session, accounts: Collection[str]) -> None:
    """Note the facts of now for every play of accounts that changed; the relay brings them once this is committed."""
    if not accounts:
        return
    for account, workflow_ids in (await list_active_runs_by_accounts(session, sorted(accounts))).items():
        loaded = await load_for_play(session, account)
        for workflow_id in workflow_ids if loaded is not None else ():
            await tell_play(session, workflow_id, kind="facts", news_id=new_id(), fields=loaded)
