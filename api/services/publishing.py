"""Publishing a version: what it watches, and what becomes of the accounts that match already."""

from datetime import UTC, datetime

from sqlalchemy import delete
from sqlmodel import col

from api.schemas.playbooks import ExistingOut
from api.services.audit import audit
from playbook_dsl.values import Json
from storage.enrollment.published import Published, find_published, published
from storage.enrollment_tables import Baseline, Launch
from storage.ids import new_id
from storage.repositories.playbooks import archive_playbook, publish_version
from storage.repositories.runs import add_launch
from storage.session import Session
from storage.tables import PlaybookVersion
from storage.triggers.baselines import count_matching, take_baseline
from storage.triggers.conditions import Clause, lowering
from storage.triggers.watching import PUBLISHED, forget_watches, keep_watches


async def publish(session: Session, version: PlaybookVersion, by: str) -> ExistingOut | None:
    """Make this the version that new plays follow. Publishing it twice changes nothing.

    Returns:
        How many accounts match already and what becomes of them; None when it was published before, or only people start it.
    """
    if version.status == "published":
        return None
    before = await find_published(session, version.slug)
    await publish_version(session, version)
    now = datetime.now(UTC)
    playbook = published(session.tenant, version)
    await keep_watches(session, playbook, now)
    details: dict[str, Json] = {"version": version.version}
    existing = await _existing(session, playbook, before, by, now)
    if existing is not None:
        details |= {"existing": existing.then, "accounts": existing.accounts}
    await audit(session, by, "playbook.publish", "playbook", version.slug, details)
    return existing


async def archive(session: Session, slug: str, by: str) -> None:
    """Let no new play start, by whatever way."""
    await archive_playbook(session, slug)
    await forget_watches(session, slug, datetime.now(UTC))
    await audit(session, by, "playbook.archive", "playbook", slug, {})


async def _existing(session: Session, playbook: Published, before: Published | None, by: str, now: datetime) -> ExistingOut | None:
    enroll = playbook.rules.enroll
    if playbook.plan.enroll is None:
        return None
    audience = (await lowering(session, now)).clause(enroll.audience)
    if audience is None:
        return None
    matching = await count_matching(session, audience)
    launch = await _include(session, playbook, by, now, matching) if enroll.existing == "include" else None
    await _baseline(session, playbook, before, audience)
    return ExistingOut(then=enroll.existing, accounts=matching, launch=launch)


async def _baseline(session: Session, playbook: Published, before: Published | None, audience: Clause) -> None:
    enroll = playbook.rules.enroll
    if enroll.existing != "only_new":
        await session.execute(delete(Baseline).where(col(Baseline.playbook) == playbook.slug))
        return
    was = before.rules.enroll if before else None
    # Who came after the first publishing stays new, whatever else the next version changes.
    if was is None or was.existing != "only_new" or was.audience != enroll.audience:
        await take_baseline(session, playbook.slug, audience)


async def _include(session: Session, playbook: Published, by: str, now: datetime, matching: int) -> str:
    launch = Launch(
        id=new_id(),
        playbook=playbook.slug,
        version=playbook.version,
        kind=PUBLISHED,
        why="the accounts that were in the audience when it was published",
        started_by=by,
        expected=matching,
        started_at=now,
    )
    await add_launch(session, launch)
    return launch.id
