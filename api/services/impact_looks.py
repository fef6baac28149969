"""Planned looks: when one is due, what it finds, and what may be concluded between them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from api.impact_problems import LookNotDue, NobodyHeldOut, PlanFixed
from api.schemas.impact import EstimateOut, LookOut, PlanLooks, PlanOut
from api.schemas.parts import JsonMap
from api.services.audit import audit
from api.services.impact_cohort import Found, Subject, assemble, read_experiment
from api.services.impact_words import estimate_out, span_words
from scoring.impact.looks import boundaries
from scoring.impact.readings import FEWEST, Reading, read
from scoring.impact.verdicts import Verdict, Word, judge, too_few
from storage.enrollment.experiments import EVERY, LOOKS, begin_experiment, experiment_of, find_experiment
from storage.enrollment_tables import Experiment
from storage.repositories.impact import list_looks, lock_looks
from storage.scoring_tables import ImpactLook
from storage.session import Session

_DAY: Final = "%Y-%m-%d"


@dataclass(frozen=True)
class Looks:
    """The plan of a playbook's looks, and those that were taken. `start` is when the first account's time is over."""

    looks: int
    every: timedelta
    start: datetime | None
    now: datetime
    taken: Sequence[ImpactLook] = ()

    @property
    def last(self) -> int:
        """Give the number of the last look that was taken, 0 when there was none."""
        return self.taken[-1].look if self.taken else 0

    @property
    def due(self) -> int | None:
        """Give the number of the look that may be taken now: the newest whose time has come, unless it was taken."""
        if self.start is None:
            return None
        number = min(self.looks, (self.now - self.start) // self.every)
        return number if number > self.last else None

    @property
    def upcoming(self) -> int | None:
        """Give the number of the next look, due or not; None when the last one was taken."""
        return (self.due or self.last + 1) if self.last < self.looks else None

    def at(self, look: int) -> datetime | None:
        """Give when a look may be taken."""
        return None if self.start is None else self.start + look * self.every


async def read_looks(session: Session, subject: Subject, found: Found) -> Looks:
    """Read the plan and what was taken of it."""
    plan = subject.laid_down
    return Looks(
        looks=plan.looks if plan else LOOKS,
        every=timedelta(days=plan.every_days) if plan else EVERY,
        start=found.first_drawn_at + found.window if found.first_drawn_at else None,
        now=found.now,
        # Row 0 held a plan before plans had a table.
        taken=[row for row in await list_looks(session, subject.slug, subject.measure) if row.look],
    )


def conclude(reading: Reading, looks: Looks) -> Verdict:
    """Give what may be said now: what the first decisive look found, else the newest look, else that it is too early."""
    decisive = next((row for row in looks.taken if row.result["verdict"] in ("effective", "harmful")), None)
    shown = decisive or (looks.taken[-1] if looks.taken else None)
    if shown is not None:
        word, words = cast(Word, shown.result["verdict"]), str(shown.result["words"])
        return Verdict(word, f"{words} (Look {shown.look} of {looks.looks}, {shown.taken_at:{_DAY}}.){_upcoming(looks)}")
    if looks.start is None:
        return Verdict("too_early", "Too early: nobody has entered since the playbook has a holdout.")
    first = "" if reading.enough else f" {too_few(reading)}"
    return Verdict("too_early", f"Too early: no planned look was taken yet.{_upcoming(looks)}{first}")


def _upcoming(looks: Looks) -> str:
    if looks.upcoming is None:
        return " It was the last look of the plan."
    if looks.due is not None:
        return f" Look {looks.due} may be taken now."
    at = looks.at(looks.upcoming)
    return f" The next look is due on {at:{_DAY}}." if at else ""


def plan_out(subject: Subject, looks: Looks) -> PlanOut:
    """Give the plan."""
    laid = subject.laid_down
    return PlanOut(
        measure=subject.measure,
        watched=span_words(subject.window(looks.now)),
        version=laid.version if laid else None,
        laid_at=laid.laid_at if laid else None,
        differs=subject.differs(looks.now),
        looks=looks.looks,
        every_days=looks.every.days,
        taken=[look_out(row) for row in looks.taken],
        next_look=looks.upcoming,
        next_at=looks.at(looks.upcoming) if looks.upcoming is not None else None,
        due=looks.due is not None,
    )


def look_out(row: ImpactLook) -> LookOut:
    """Give a look as it was taken."""
    kept: JsonMap = row.result
    return LookOut(
        look=row.look,
        taken_at=row.taken_at,
        taken_by=row.taken_by,
        boundary=kept["boundary"],
        effect=EstimateOut.model_validate(kept["effect"]),
        treated=kept["treated"],
        control=kept["control"],
        verdict=kept["verdict"],
        words=kept["words"],
    )


async def take_look(session: Session, subject: Subject, who: str) -> LookOut:
    """Take the look that is due; it is kept as it was, whatever comes later.

    Raises:
        NobodyHeldOut: nobody was ever left alone.
        LookNotDue: not yet, or all were taken.
    """
    await lock_looks(session, subject.slug)
    now = datetime.now(UTC)
    found = await read_experiment(session, subject.slug, subject.window(now), now)
    if not found.rows and not subject.share:
        raise NobodyHeldOut(f'"{subject.slug}" leaves nobody alone, so there is nothing to look at. {NobodyHeldOut.advice}')
    looks = await read_looks(session, subject, found)
    if looks.due is None:
        raise LookNotDue(_not_due(looks))
    if subject.published:
        await begin_experiment(session, subject.published, now)
    row = await asyncio.to_thread(_look, subject, found, looks, looks.due)
    if row is None:
        raise LookNotDue(f"Look {looks.due} is not taken with so few: each group needs {FEWEST} accounts whose time is over.")
    row.tenant, row.taken_by, row.taken_at = session.tenant, who, now
    session.add(row)
    await session.flush()
    await audit(session, who, "impact.look", "playbook", subject.slug, {"look": row.look, "verdict": row.result["verdict"]})
    return look_out(row)


def _not_due(looks: Looks) -> str:
    if looks.upcoming is None:
        return f"All {looks.looks} looks of the plan were taken; the last one's verdict stays."
    at = looks.at(looks.upcoming)
    if at is None:
        return "Nobody was drawn yet, so no look is planned."
    return f"Look {looks.upcoming} of {looks.looks} is due on {at:%Y-%m-%d %H:%M} UTC; before that nothing it finds would be decisive."


def _look(subject: Subject, found: Found, looks: Looks, number: int) -> ImpactLook | None:
    """Take the look; None when there are too few accounts for it, so that it is not used up."""
    cohort = assemble(found).cohort
    first = read(cohort, subject.measure)
    if not first.enough:
        return None
    information = _information(first.treated.accounts, first.control.accounts)
    share = number / looks.looks
    earlier = [(float(str(row.result["share"])), float(str(row.result["information"]))) for row in looks.taken]
    shares, known = [*(each for each, _ in earlier), share], [*(each for _, each in earlier), information]
    boundary = boundaries(shares, known)[-1]
    reading = read(cohort, subject.measure, boundary)
    verdict = judge(reading)
    result = {
        "share": share,
        "information": information,
        "boundary": round(boundary, 4),
        "effect": estimate_out(reading.effect_now).model_dump(),
        "treated": reading.treated.accounts,
        "control": reading.control.accounts,
        "verdict": verdict.word,
        "words": verdict.words,
    }
    return ImpactLook(playbook=subject.slug, measure=subject.measure, look=number, looks=looks.looks, result=result)


def _information(treated: int, control: int) -> float:
    """Give the information of a comparison: accounts as they count together."""
    return treated * control / (treated + control)


async def lay_down(session: Session, subject: Subject, body: PlanLooks, who: str) -> PlanOut:
    """Lay down another plan of looks, as long as no outcome is known.

    The measure and the time stay those of the first draw; before anybody is drawn they are those of the published version.

    Raises:
        NobodyHeldOut: the playbook leaves nobody alone.
        PlanFixed: somebody's time is over, or a look was taken.
    """
    await lock_looks(session, subject.slug)
    now = datetime.now(UTC)
    found = await read_experiment(session, subject.slug, subject.window(now), now)
    if not found.rows and not subject.share:
        raise NobodyHeldOut(f'"{subject.slug}" leaves nobody alone, so there is nothing to plan. {NobodyHeldOut.advice}')
    taken = (await read_looks(session, subject, found)).taken
    if found.matured or taken:
        why = f"The time of {len(found.matured)} accounts is over" if found.matured else f"{len(taken)} looks were taken"
        raise PlanFixed(f"{why}; who knows outcomes cannot choose when to look. {PlanFixed.advice}")
    laid = await _laid(session, subject, now, anew=not found.rows)
    laid.looks, laid.every_days, laid.by = body.looks, body.every_days, who
    await session.flush()
    await audit(session, who, "impact.plan", "playbook", subject.slug, body.model_dump())
    planned = replace(subject, laid_down=laid)
    return plan_out(planned, await read_looks(session, planned, found))


async def _laid(session: Session, subject: Subject, now: datetime, *, anew: bool) -> Experiment:
    """Give what is laid down, as a row that can be changed. `anew`: nobody was drawn yet, so it may be as the published version says."""
    if subject.published is not None and anew:
        return await session.merge(experiment_of(session.tenant, subject.published, now))
    if subject.published is not None:
        await begin_experiment(session, subject.published, now)
    kept = await find_experiment(session, subject.slug)
    if kept is None:
        raise NobodyHeldOut(f'No version of "{subject.slug}" leaves anybody alone, so there is nothing to plan. {NobodyHeldOut.advice}')
    return await session.merge(kept)
