"""The effects of many plays, for the receipt of an undo: of a query, or of a command that was given before."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, and_, func, or_, select
from sqlmodel import col

from storage.bulk_tables import BulkRun
from storage.pages import Page, fetch_page
from storage.repositories.bulk import Which, matching
from storage.session import Session
from storage.tables import Effect, Run, Step


@dataclass(frozen=True)
class Scope:
    """Whose effects: the plays of a command, or of a query. Those of plays that they started are among them."""

    job: str | None = None
    which: Which | None = None


def _plays(scope: Scope) -> Select[tuple[str, str, str]]:
    first = select(col(Run.id), col(Run.chain), col(Run.account))
    if scope.job is not None:
        first = first.join(BulkRun, and_(col(BulkRun.tenant) == col(Run.tenant), col(BulkRun.run) == col(Run.id)))
        first = first.where(col(BulkRun.job) == scope.job)
    else:
        first = first.where(*matching(scope.which or Which(), "undo"))
    tree = first.cte("plays", recursive=True)
    # The account's index finds them: sub-plays are on the account of their parent.
    below = select(col(Run.id), col(Run.chain), col(Run.account)).where(col(Run.account) == tree.c.account, col(Run.parent) == tree.c.id)
    whole = tree.union(below)
    return select(whole.c.id, whole.c.chain, whole.c.account)


def _effects(scope: Scope) -> Select[Effect]:
    chains = _plays(scope).subquery()
    return select(Effect).where(col(Effect.chain).in_(select(chains.c.chain)))


async def page_effects(session: Session, scope: Scope, *, after: str | None, limit: int) -> Page[Effect]:
    """Give effects, oldest first; sealed fields stay sealed."""
    return await fetch_page(session, _effects(scope), (col(Effect.intended_at), col(Effect.key)), after=after, limit=limit)


@dataclass(frozen=True)
class EffectCount:
    """How many effects of a class have a status."""

    status: str
    effect_class: str
    count: int


async def count_effects(session: Session, scope: Scope) -> list[EffectCount]:
    """Count effects by status and class."""
    found = _effects(scope).subquery()
    query = select(found.c.status, found.c.effect_class, func.count()).group_by(found.c.status, found.c.effect_class)
    return [EffectCount(str(status), str(kind), int(count)) for status, kind, count in await session.execute(query)]


async def steps_of(session: Session, effects: list[Effect]) -> Mapping[tuple[str, str], Step]:
    """Give the steps of effects, by play and key: they say whether an author's own counter-action took an effect back."""
    if not effects:
        return {}
    wanted = or_(*(and_(col(Step.run) == one.run, col(Step.key) == one.step_key) for one in effects))
    return {(step.run, step.key): step for step in (await session.execute(select(Step).where(wanted))).scalars()}


async def versions_of(session: Session, effects: list[Effect]) -> Mapping[str, tuple[str, int]]:
    """Give playbook and version by play."""
    query = select(col(Run.id), col(Run.playbook), col(Run.version)).where(col(Run.id).in_({one.run for one in effects}))
    return {run: (playbook, version) for run, playbook, version in await session.execute(query)}
