"""Models that were trained: which one scores, which ones only watch, and the way back."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import col

from storage.pages import Page
from storage.scoring_tables import DriftReport, ScoringModel
from storage.session import Session

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 16))")


async def lock_models(session: Session, target: str) -> None:
    """Let nobody else add or promote a model of this target before the transaction ends."""
    await session.execute(_LOCK, {"name": f"{session.tenant}/model {target}"})


async def find_model(session: Session, target: str, version: int) -> ScoringModel | None:
    """Give a model, its file not read until it is asked for."""
    return await session.scalar(
        select(ScoringModel).where(col(ScoringModel.target) == target, col(ScoringModel.version) == version).options(_without_file())
    )


async def find_trained(session: Session, target: str, training: str) -> ScoringModel | None:
    """Give the model that a run of the training made."""
    return await session.scalar(
        select(ScoringModel).where(col(ScoringModel.target) == target, col(ScoringModel.training) == training).options(_without_file())
    )


async def find_champion(session: Session, target: str) -> ScoringModel | None:
    """Give the model that scores."""
    return await session.scalar(
        select(ScoringModel).where(col(ScoringModel.target) == target, col(ScoringModel.status) == "champion").options(_without_file())
    )


async def read_file(session: Session, target: str, version: int) -> bytes:
    """Give a model's file."""
    wanted = select(col(ScoringModel.file)).where(col(ScoringModel.target) == target, col(ScoringModel.version) == version)
    return (await session.execute(wanted)).scalar_one()


async def list_models(session: Session, target: str, *, after: int | None, limit: int) -> Page[ScoringModel]:
    """Give the models of a target, the newest first; `after` is the version the last page ended with."""
    query = select(ScoringModel).where(col(ScoringModel.target) == target).options(_without_file())
    if after is not None:
        query = query.where(col(ScoringModel.version) < after)
    rows = list((await session.scalars(query.order_by(col(ScoringModel.version).desc()).limit(limit + 1))).all())
    return Page(items=rows[:limit], next=str(rows[limit - 1].version) if len(rows) > limit else None)


async def next_version(session: Session, target: str) -> int:
    """Give the version of the next model, which nobody else can take before the transaction ends."""
    await lock_models(session, target)
    newest = select(func.coalesce(func.max(col(ScoringModel.version)), 0)).where(col(ScoringModel.target) == target)
    return int((await session.execute(newest)).scalar_one()) + 1


async def add_model(session: Session, row: ScoringModel) -> None:
    """Write a model down, under the version that `next_version` gave."""
    row.tenant = session.tenant
    session.add(row)
    await session.flush()


async def set_verdict(
    session: Session, target: str, version: int, *, status: str, gates: Sequence[Mapping[str, object]], card: str
) -> None:
    """Keep what the gates said of a model that does not score, and its card."""
    await session.execute(
        update(ScoringModel)
        .where(col(ScoringModel.target) == target, col(ScoringModel.version) == version, col(ScoringModel.status) != "champion")
        .values(status=status, gates=list(gates), card=card)
    )


async def promote(session: Session, target: str, version: int, now: datetime) -> int | None:
    """Let a model score; give the version of the one that did so before, None when there was none or it was this one.

    Which one that was is kept with the model: it is where a rollback leads.
    """
    await lock_models(session, target)
    before = await find_champion(session, target)
    scored = before.version if before else None
    if scored == version:
        return None
    await _change(session, target, version, now, {"before": scored})
    return scored


async def step_back(session: Session, target: str, now: datetime) -> tuple[int, int | None] | None:
    """Let the champion before this one score again, or nobody where this one was the first; give the versions that left and came.

    The one that comes keeps what was before it, so that going back twice goes back two. None when no model scores.
    """
    await lock_models(session, target)
    champion = await find_champion(session, target)
    if champion is None:
        return None
    left, back = champion.version, champion.before
    await _change(session, target, back, now, {})
    return left, back


async def _change(session: Session, target: str, to: int | None, now: datetime, also: Mapping[str, object]) -> None:
    own = col(ScoringModel.target) == target
    await session.execute(update(ScoringModel).where(own, col(ScoringModel.status) == "champion").values(status="retired", retired_at=now))
    if to is not None:
        came = {"status": "champion", "promoted_at": now, "retired_at": None, **also}
        await session.execute(update(ScoringModel).where(own, col(ScoringModel.version) == to).values(came))
    session.expire_all()


async def find_predecessor(session: Session, target: str, version: int) -> ScoringModel | None:
    """Give the champion before this one."""
    row = await find_model(session, target, version)
    return None if row is None or row.before is None else await find_model(session, target, row.before)


async def list_cleared(session: Session, target: str) -> list[str]:
    """Give the features that somebody found no leak in, in whichever model of the target."""
    rows = await session.scalars(select(func.unnest(col(ScoringModel.cleared))).where(col(ScoringModel.target) == target).distinct())
    return sorted(rows)


async def save_drift(session: Session, row: DriftReport) -> None:
    """Keep a month's report; a second one of the month takes the first one's place."""
    values = row.model_dump(exclude={"created_at"}) | {"tenant": session.tenant}
    kept = insert(DriftReport).values(values)
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=["tenant", "target", "month"],
            set_={name: kept.excluded[name] for name in ("model_version", "alarms", "report")} | {"created_at": func.now()},
        )
    )


async def list_drift(session: Session, target: str, limit: int) -> list[DriftReport]:
    """Give the reports of a target, the newest first."""
    query = select(DriftReport).where(col(DriftReport.target) == target).order_by(col(DriftReport.month).desc()).limit(limit)
    return list((await session.scalars(query)).all())


def _without_file() -> ExecutableOption:
    return defer(ScoringModel.file)  # type: ignore[arg-type]  # SQLModel calls the column by its value's type
