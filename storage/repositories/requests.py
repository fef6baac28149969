"""Requests that came with an Idempotency-Key, and what they were answered."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.session import Session
from storage.tables import Request

# A process that died while answering must not block the key for long.
_LONGEST_ANSWER = timedelta(seconds=60)


@dataclass(frozen=True)
class Claimed:
    """A request that had its key first, its answer opened; `status` is 0 while it is under way."""

    digest: str
    status: int
    answer: Json


async def claim_request(session: Session, key: str, digest: str) -> Claimed | None:
    """Claim the key; None when it is ours now, else the request that had it first."""
    values = {"tenant": session.tenant, "key": key, "digest": digest, "status": 0}
    claimed = await session.execute(insert(Request).values(values).on_conflict_do_nothing().returning(col(Request.key)))
    if claimed.first() is not None:
        return None
    found = await session.get(Request, (session.tenant, key), with_for_update=True)
    if found is None or (found.status == 0 and found.digest == digest and found.created_at < datetime.now(UTC) - _LONGEST_ANSWER):
        await session.execute(update(Request).where(col(Request.key) == key).values(created_at=datetime.now(UTC)))
        return None
    return Claimed(found.digest, found.status, session.open("request", "answer", key, found.answer))


async def keep_answer(session: Session, key: str, status: int, answer: Json) -> None:
    """Note what the request was answered."""
    sealed = session.seal("request", "answer", key, answer)
    await session.execute(update(Request).where(col(Request.key) == key).values(status=status, answer=sealed))


async def drop_request(session: Session, key: str) -> None:
    """Let go of the key: the request failed and may be sent again."""
    await session.execute(delete(Request).where(col(Request.key) == key))
