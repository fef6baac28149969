"""What decides about a playbook's effect: laid down once, before anything can be known, and kept over all its versions.

Who could choose the measure, the time or the looks after outcomes are seen would find effects that are none. So they are those of the
version under which the first account was drawn (or for which a plan was laid down before), and publishing does not change them.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from enrollment.rules import OBSERVED_FOR, Rules
from playbook_dsl.timing.durations import approximate_seconds
from storage.enrollment.published import Published, find_published, published
from storage.enrollment_tables import Arm, Enrollment, Experiment
from storage.scoring_tables import ImpactLook
from storage.session import Session
from storage.tables import PlaybookVersion

DEFAULT_WINDOW: Final = timedelta(seconds=approximate_seconds(OBSERVED_FOR))
LOOKS: Final = 12
EVERY: Final = timedelta(days=30)


def window_of(rules: Rules | None, now: datetime) -> timedelta:
    """Give how long each account is watched: as long as one that is left alone stays in the playbook.

    Where that depends on the account it is 90 days for all: both arms are watched equally long, whatever happens to them.
    """
    if rules is None:
        return DEFAULT_WINDOW
    window = rules.observed_until(now, {}) - now
    return window if window > timedelta(0) else DEFAULT_WINDOW


def experiment_of(tenant: str, version: Published, at: datetime) -> Experiment:
    """Make the experiment that a version asks for; the caller adds it to the session."""
    word = (version.rules.enroll.holdout or {}).get("measure")
    return Experiment(
        tenant=tenant,
        playbook=version.slug,
        version=version.version,
        measure=None if word is None else str(word),
        window_s=window_of(version.rules, at).total_seconds(),
        looks=LOOKS,
        every_days=EVERY.days,
        laid_at=at,
    )


async def find_experiment(session: Session, playbook: str) -> Experiment | None:
    """Give what was laid down for a playbook; None when nobody was drawn and nothing was planned."""
    return await _kept(session, playbook) or await _older(session, playbook)


async def begin_experiment(session: Session, version: Published, at: datetime) -> None:
    """Lay down what decides, unless it is laid down; to be called before the arms that are drawn now are written."""
    if await _kept(session, version.slug) is not None:
        return
    found = await _older(session, version.slug) or experiment_of(session.tenant, version, at)
    # Two first draws at one moment: the first one counts.
    await session.execute(insert(Experiment).values(**found.model_dump()).on_conflict_do_nothing())


async def _kept(session: Session, playbook: str) -> Experiment | None:
    return (await session.scalars(select(Experiment).where(col(Experiment.playbook) == playbook))).one_or_none()


async def _older(session: Session, playbook: str) -> Experiment | None:
    """Give what decided about arms that were drawn before this was kept: the version of the first draw, and looks that were taken."""
    first = select(Arm).where(col(Arm.playbook) == playbook).order_by(col(Arm.drawn_at), col(Arm.account)).limit(1)
    arm = (await session.scalars(first)).one_or_none()
    version = None if arm is None else await _version_of(session, playbook, arm)
    if arm is None or version is None:
        return None
    found = experiment_of(session.tenant, version, arm.drawn_at)
    looks = select(ImpactLook).where(col(ImpactLook.playbook) == playbook).order_by(col(ImpactLook.taken_at), col(ImpactLook.look)).limit(1)
    look = (await session.scalars(looks)).one_or_none()
    if look is not None:
        days = look.result.get("every_days")
        found.measure, found.looks, found.by = look.measure, look.looks, look.taken_by
        found.every_days = days if isinstance(days, int) else found.every_days
    return found


async def _version_of(session: Session, playbook: str, arm: Arm) -> Published | None:
    """Give the version an account was drawn under; where its enrollment is gone, the oldest one with a holdout."""
    drawn = (col(Enrollment.playbook) == playbook, col(Enrollment.account) == arm.account, col(Enrollment.created_at) >= arm.drawn_at)
    enrolled = select(col(Enrollment.version)).where(*drawn).order_by(col(Enrollment.created_at)).limit(1)
    number = (await session.scalars(enrolled)).one_or_none()
    if number is not None:
        return await find_published(session, playbook, number)
    ever = (col(PlaybookVersion.slug) == playbook, col(PlaybookVersion.published_at).is_not(None))
    rows = await session.scalars(select(PlaybookVersion).where(*ever).order_by(col(PlaybookVersion.version)))
    versions = [published(session.tenant, row) for row in rows]
    return next((each for each in versions if each.rules.holdout_share), None)
