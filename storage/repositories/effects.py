"""The ledger of effects."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlmodel import col

from playbook_dsl.values import Json
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import Effect


def effect_key(tenant: str, chain: str, step_key: str, generation: int) -> str:
    """Give the idempotency key of an effect: the same attempt of the same step of the same play always has the same one."""
    parts = "\x1f".join((tenant, chain, step_key, str(generation)))
    return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True)
class EffectRecord:
    """A row of the ledger, its sealed fields opened."""

    key: str
    status: str
    action: str
    digest: str
    run: str
    step_key: str
    account: str
    request: Json
    prior: Json
    result: Json
    vendor_id: str | None
    detail: str | None
    attempts: int


async def find_effect(session: Session, key: str, *, lock: bool = False) -> EffectRecord | None:
    """Give an effect. With `lock` nobody else may change it before the transaction ends."""
    query = select(Effect).where(col(Effect.key) == key)
    row = (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    return None if row is None else open_effect(session, row)


def open_effect(session: Session, row: Effect) -> EffectRecord:
    """Open the sealed fields of a row."""

    def opened(column: str) -> Json:
        return session.open("effect", column, row.key, getattr(row, column))

    return EffectRecord(
        key=row.key,
        status=row.status,
        action=row.action,
        digest=row.digest,
        run=row.run,
        step_key=row.step_key,
        account=row.account,
        request=opened("request"),
        prior=opened("prior"),
        result=opened("result"),
        vendor_id=row.vendor_id,
        detail=row.detail,
        attempts=row.attempts,
    )


async def add_effect(session: Session, effect: Effect, *, request: Json = None, prior: Json = None, result: Json = None) -> None:
    """Insert a row; a second one with the same key is an IntegrityError."""
    values = effect.model_dump(exclude_none=True, exclude={"tenant", "request", "prior", "result"})
    sealed = _sealed(session, effect.key, {"request": request, "prior": prior, "result": result})
    ended = {} if effect.status == "intended" else {"ended_at": func.now()}
    await session.execute(insert(Effect).values(**values, **sealed, **ended, tenant=session.tenant))


async def change_effect(session: Session, key: str, status: str, *, only_from: Sequence[str] = (), **changes: Json) -> bool:
    """Set the status of an effect, and `request`, `prior`, `result` (sealed here), `vendor_id`, `detail`, `digest` or `attempts`.

    With `only_from` nothing is changed, and the answer is False, unless the effect has one of these statuses.
    """
    sealed = _sealed(session, key, {name: changes.pop(name) for name in ("request", "prior", "result") if name in changes})
    times = {"ended_at": func.now()} if status in ("done", "skipped", "failed", "unknown") else {}
    if status in ("undone", "conflict", "undo_failed"):
        times = {"undone_at": func.now()}
    statement = update(Effect).where(col(Effect.key) == key).values(status=status, **changes, **sealed, **times).returning(col(Effect.key))
    if only_from:
        statement = statement.where(col(Effect.status).in_(only_from))
    return (await session.execute(statement)).first() is not None


def _sealed(session: Session, key: str, trees: dict[str, Json]) -> dict[str, bytes | None]:
    return {column: session.seal("effect", column, key, tree) for column, tree in trees.items()}


async def list_effects_by_vendor_id(session: Session, vendor_id: str, actions: str) -> list[Effect]:
    """Give the effects on an object of a vendor by actions whose names begin with `actions`, newest first. Sealed fields stay sealed."""
    query = select(Effect).where(col(Effect.vendor_id) == vendor_id, col(Effect.action).startswith(actions, autoescape=True))
    return list((await session.execute(query.order_by(col(Effect.intended_at).desc(), col(Effect.key)).limit(20))).scalars())


async def list_effects_by_chain(session: Session, chain: str) -> list[Effect]:
    """Give the effects of a play and its retries, oldest first. Sealed fields stay sealed."""
    query = select(Effect).where(col(Effect.chain) == chain).order_by(col(Effect.intended_at), col(Effect.key))
    return list((await session.execute(query)).scalars())


async def list_effects(
    session: Session, *, account: str | None = None, statuses: Sequence[str] = (), after: str | None = None, limit: int = 50
) -> Page[Effect]:
    """Give effects, newest first."""
    query = select(Effect)
    if account is not None:
        query = query.where(col(Effect.account) == account)
    if statuses:
        query = query.where(col(Effect.status).in_(statuses))
    return await fetch_page(session, query, (col(Effect.intended_at), col(Effect.key)), descending=True, after=after, limit=limit)
