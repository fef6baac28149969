"""Scorecards and their versions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from playbook_dsl.scorecard.card import Card
from storage.pages import Page, fetch_page
from storage.scoring_tables import Scorecard
from storage.session import Session

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 16))")


@dataclass(frozen=True)
class NewScorecard:
    """A compiled scorecard on its way to becoming a version."""

    source: str
    card: Card
    by: str


async def list_published_scorecards(session: Session) -> list[Scorecard]:
    """Give the published version of every scorecard that has one, by name."""
    query = select(Scorecard).where(col(Scorecard.status) == "published").order_by(col(Scorecard.name))
    return list((await session.execute(query)).scalars())


async def list_newest_scorecards(session: Session, *, after: str | None = None, limit: int = 50) -> Page[Scorecard]:
    """Give of every scorecard the published version, or else the newest, by name."""
    order = (col(Scorecard.name), (col(Scorecard.status) == "published").desc(), col(Scorecard.version).desc())
    newest = select(col(Scorecard.name), col(Scorecard.version)).ext(distinct_on(col(Scorecard.name))).order_by(*order).subquery()
    query = select(Scorecard).join(newest, (newest.c.name == col(Scorecard.name)) & (newest.c.version == col(Scorecard.version)))
    return await fetch_page(session, query, (col(Scorecard.name),), after=after, limit=limit)


async def find_scorecard(session: Session, name: str, version: int | None = None) -> Scorecard | None:
    """Give a version of a scorecard; without a number the published one."""
    query = select(Scorecard).where(col(Scorecard.name) == name)
    wanted = col(Scorecard.status) == "published" if version is None else col(Scorecard.version) == version
    return (await session.execute(query.where(wanted))).scalar_one_or_none()


async def list_scorecard_versions(session: Session, name: str, *, after: str | None = None, limit: int = 50) -> Page[Scorecard]:
    """Give the versions of a scorecard, newest first."""
    query = select(Scorecard).where(col(Scorecard.name) == name)
    return await fetch_page(session, query, (col(Scorecard.version),), descending=True, after=after, limit=limit)


async def save_scorecard(session: Session, new: NewScorecard) -> Scorecard:
    """Keep a text as a draft. A draft that is there already is replaced; a text equal to the newest version is that version."""
    # Two drafts at once get two numbers.
    await session.execute(_LOCK, {"name": f"{session.tenant}/scorecard {new.card.name}"})
    found = await list_scorecard_versions(session, new.card.name, limit=1)
    newest = found.items[0] if found.items else None
    digest = new.card.digest()
    if newest is not None and newest.source == new.source and newest.digest == digest and newest.status != "archived":
        return newest
    if newest is not None and newest.status == "draft":
        row = newest
    else:
        version = 1 if newest is None else newest.version + 1
        row = Scorecard(tenant=session.tenant, name=new.card.name, version=version, source=new.source, digest=digest)
        session.add(row)
    row.source, row.card, row.digest, row.created_by = new.source, new.card.model_dump(mode="json"), digest, new.by
    row.created_at = datetime.now(UTC)
    await session.flush()
    await session.refresh(row)
    return row


async def publish_scorecard(session: Session, row: Scorecard) -> bool:
    """Make this the version that accounts are scored by; the one before is archived. False when it is already."""
    if row.status == "published":
        return False
    await archive_scorecard(session, row.name)
    row.status, row.published_at = "published", datetime.now(UTC)
    await session.flush()
    return True


async def archive_scorecard(session: Session, name: str) -> None:
    """Let nobody be scored by a scorecard any more."""
    published = (col(Scorecard.name) == name, col(Scorecard.status) == "published")
    await session.execute(update(Scorecard).where(*published).values(status="archived"))


def card_of(row: Scorecard) -> Card:
    """Give the card of a version."""
    return Card.model_validate(row.card)
