"""Playbooks, their versions, and message templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.plan import Plan
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import MessageTemplate, Playbook, PlaybookVersion


@dataclass(frozen=True)
class NewVersion:
    """A compiled playbook on its way to becoming a version."""

    source: str
    plan: Plan
    digest: str
    by: str


async def find_playbook(session: Session, slug: str, *, lock: bool = False) -> Playbook | None:
    """Give a playbook. With `lock` nobody else may change it before the transaction ends."""
    query = select(Playbook).where(col(Playbook.slug) == slug)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def list_playbooks(session: Session, *, after: str | None = None, limit: int = 50) -> Page[Playbook]:
    """Give playbooks by slug."""
    return await fetch_page(session, select(Playbook), (col(Playbook.slug),), after=after, limit=limit)


async def list_published_playbooks(session: Session) -> list[PlaybookVersion]:
    """Give the published version of every playbook that has one, by slug."""
    query = select(PlaybookVersion).where(col(PlaybookVersion.status) == "published").order_by(col(PlaybookVersion.slug))
    return list((await session.execute(query)).scalars())


async def find_version(session: Session, slug: str, version: int | None = None) -> PlaybookVersion | None:
    """Give a version of a playbook; without a number the published one."""
    query = select(PlaybookVersion).where(col(PlaybookVersion.slug) == slug)
    if version is None:
        query = query.where(col(PlaybookVersion.status) == "published")
    else:
        query = query.where(col(PlaybookVersion.version) == version)
    return (await session.execute(query)).scalar_one_or_none()


async def list_versions(session: Session, slug: str, *, after: str | None = None, limit: int = 50) -> Page[PlaybookVersion]:
    """Give the versions of a playbook, newest first."""
    query = select(PlaybookVersion).where(col(PlaybookVersion.slug) == slug)
    return await fetch_page(session, query, (col(PlaybookVersion.version),), descending=True, after=after, limit=limit)


async def save_draft(session: Session, new: NewVersion) -> PlaybookVersion:
    """Keep a text as a draft. A draft that is there already is replaced; a text equal to the newest version is that version."""
    playbook = await _touch_playbook(session, new.plan)
    newest = await _newest(session, playbook.slug)
    if newest is not None and newest.source == new.source and newest.digest == new.digest and newest.status != "archived":
        return newest
    if newest is not None and newest.status == "draft":
        newest.source, newest.plan, newest.digest, newest.created_by = new.source, plan_json(new.plan), new.digest, new.by
        newest.created_at = datetime.now(UTC)
        await session.flush()
        return newest
    version = PlaybookVersion(
        tenant=session.tenant,
        slug=playbook.slug,
        version=1 if newest is None else newest.version + 1,
        source=new.source,
        plan=plan_json(new.plan),
        digest=new.digest,
        created_by=new.by,
    )
    session.add(version)
    await session.flush()
    return version


async def publish_version(session: Session, version: PlaybookVersion) -> None:
    """Make this the version that new plays follow; the one before is archived. Plays under way keep theirs."""
    if version.status == "published":
        return
    published = (col(PlaybookVersion.slug) == version.slug, col(PlaybookVersion.status) == "published")
    await session.execute(update(PlaybookVersion).where(*published).values(status="archived"))
    version.status, version.published_at = "published", datetime.now(UTC)
    await session.flush()
    await session.execute(
        update(Playbook).where(col(Playbook.slug) == version.slug).values(published=version.version, updated_at=func.now())
    )


async def archive_playbook(session: Session, slug: str) -> None:
    """Archive every version: no new play can start. Plays under way go on."""
    await session.execute(update(PlaybookVersion).where(col(PlaybookVersion.slug) == slug).values(status="archived"))
    await session.execute(update(Playbook).where(col(Playbook.slug) == slug).values(published=None, updated_at=func.now()))


def plan_json(plan: Plan) -> dict[str, object]:
    """Give the plan as the table keeps it."""
    return plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def plan_of(version: PlaybookVersion) -> Plan:
    """Give the plan of a version."""
    return Plan.model_validate(version.plan)


async def _newest(session: Session, slug: str) -> PlaybookVersion | None:
    query = select(PlaybookVersion).where(col(PlaybookVersion.slug) == slug).order_by(col(PlaybookVersion.version).desc()).limit(1)
    return (await session.execute(query)).scalar_one_or_none()


async def _touch_playbook(session: Session, plan: Plan) -> Playbook:
    values = {"title": plan.title, "owner": plan.owner, "labels": list(plan.labels)}
    statement = insert(Playbook).values(tenant=session.tenant, slug=plan.playbook, **values)
    changed = statement.on_conflict_do_update(index_elements=["tenant", "slug"], set_={**values, "updated_at": func.now()})
    # The row stays locked until the end of the transaction, so that two drafts at once get two numbers.
    return (await session.execute(changed.returning(Playbook), execution_options={"populate_existing": True})).scalar_one()


async def list_templates(session: Session) -> list[MessageTemplate]:
    """Give the message templates, by name."""
    return list((await session.execute(select(MessageTemplate).order_by(col(MessageTemplate.name)))).scalars())


async def find_template(session: Session, name: str) -> MessageTemplate | None:
    """Give a message template."""
    return await session.get(MessageTemplate, (session.tenant, name))


async def save_templates(session: Session, templates: Sequence[MessageTemplate]) -> None:
    """Make message templates, or replace them. Plays of published versions keep the text they were published with."""
    for template in templates:
        values = template.model_dump(include={"channel", "subject", "body", "path"})
        statement = insert(MessageTemplate).values(tenant=session.tenant, name=template.name, **values)
        await session.execute(statement.on_conflict_do_update(index_elements=["tenant", "name"], set_={**values, "updated_at": func.now()}))
