"""The impact of a playbook: what became of those it played against those it left alone."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from api.schemas.impact import ArmOut, Contamination, ImpactOut, MeasureOut, OtherPlaybook, SideShares
from api.services.impact_cohort import Experiment, Found, Subject, assemble, read_experiment
from api.services.impact_looks import Looks, conclude, plan_out, read_looks
from api.services.impact_money import money_out, open_discounts
from api.services.impact_words import MEASURE_WORDS, estimate_out, measure_out, power_now, span_words
from enrollment.holdout import CONTROL, TREATED
from scoring.impact import proportions
from scoring.impact.money import Prices
from scoring.impact.readings import MEASURES, Measure, Reading, read
from scoring.impact.verdicts import NO_HOLDOUT
from storage.repositories.impact import OtherPlays
from storage.session import Session

_SECONDS_A_DAY: Final = 86_400
_ALMOST_SURE: Final = 0.99
_CONTAMINATED: Final = 0.1
"""The share of the control that was played all the same from which it is said."""


async def impact_of(session: Session, subject: Subject, prices: Prices) -> ImpactOut:
    """Give the impact of a playbook as it can be read now."""
    now = datetime.now(UTC)
    found = await read_experiment(session, subject.slug, subject.window(now), now)
    looks = await read_looks(session, subject, found)
    discounts = open_discounts(session, found)
    return await asyncio.to_thread(_read_out, subject, found, looks, discounts, prices)


def _read_out(subject: Subject, found: Found, looks: Looks, discounts: tuple[float, int], prices: Prices) -> ImpactOut:
    """Compute everything; takes up to seconds where there are many accounts, so not on the loop that serves."""
    known = assemble(found)
    out = ImpactOut(
        playbook=subject.slug,
        title=subject.title,
        verdict="inconclusive",
        words=[NO_HOLDOUT],
        holdout=subject.share,
        decides=subject.measure,
        window_days=round(found.window.total_seconds() / _SECONDS_A_DAY, 6),
    )
    if not found.rows and not subject.share:
        return out
    readings: dict[Measure, Reading] = {measure: read(known.cohort, measure) for measure in MEASURES}
    verdict = conclude(readings[subject.measure], looks)
    out.verdict = verdict.word
    out.arms = {arm: _arm(found, arm) for arm in (TREATED, CONTROL)}
    out.measures = _measures(subject, known, readings)
    out.power = power_now(readings["churn"])
    out.plan = plan_out(subject, looks)
    out.contamination = _contamination(found)
    out.money = money_out(found, known.cohort, readings, discounts, prices)
    out.words = [verdict.words, *_notes(subject, found, out)]
    return out


def _measures(subject: Subject, known: Experiment, readings: dict[Measure, Reading]) -> list[MeasureOut]:
    shown = [measure for measure in readings if measure == subject.measure or readings[measure].treated.accounts]
    unknown = {"nrr": "arr", "expansion": "arr"}
    return [
        measure_out(readings[measure], known.unknown.get(unknown.get(measure, measure), {}), decides=measure == subject.measure)
        for measure in shown
    ]


def _arm(found: Found, arm: str) -> ArmOut:
    drawn = [row for row in found.rows if row.arm.arm == arm]
    matured = sum(1 for row in found.matured if row.arm.arm == arm)
    return ArmOut(drawn=len(drawn), matured=matured, under_way=len(drawn) - matured, played=found.played.get(arm, 0))


def _contamination(found: Found) -> Contamination:
    control = [row for row in found.rows if row.arm.arm == CONTROL]
    played = sum(1 for row in control if row.arm.contaminated_at is not None)
    treated = len(found.rows) - len(control)
    total = next((each for each in found.others if not each.playbook), OtherPlays("", 0, 0))
    return Contamination(
        control_played=played,
        control_played_share=round(played / len(control), 4) if control else 0.0,
        touched_by_others=SideShares(treated=total.treated, control=total.control),
        others=[_other(each, treated, len(control)) for each in found.others if each.playbook],
    )


def _other(each: OtherPlays, treated: int, control: int) -> OtherPlaybook:
    counts = proportions.Counts.of(each.treated, treated, each.control, control)
    # Several playbooks are compared, so each needs more than 95 %.
    found = proportions.difference(counts, level=_ALMOST_SURE)
    return OtherPlaybook(
        playbook=each.playbook, treated=each.treated, control=each.control, difference=estimate_out(found), differs=found.excludes_zero
    )


def _notes(subject: Subject, found: Found, out: ImpactOut) -> list[str]:
    notes: Sequence[str | None] = (
        _about_measure(subject),
        subject.differs(found.now),
        None if subject.share else "The published version leaves nobody alone any more; only those that were drawn before are compared.",
        _about_time(found, out),
        _about_control(out),
        _about_others(out),
        "Only the measure that decides is tested, at planned looks; all other figures describe.",
    )
    return [note for note in notes if note is not None]


def _about_measure(subject: Subject) -> str | None:
    word = subject.measure_word
    if word is None or str(word).lower() in MEASURE_WORDS:
        return None
    return f'What "measure" names, "{word}", cannot be read from both arms; churn decides instead.'


def _about_time(found: Found, out: ImpactOut) -> str | None:
    under_way = sum(arm.under_way for arm in out.arms.values())
    if not under_way:
        return None
    return f"The time of {under_way} more accounts is not over yet ({span_words(found.window)} each); they do not count so far."


def _about_control(out: ImpactOut) -> str | None:
    found = out.contamination
    if found is None or found.control_played_share < _CONTAMINATED:
        return None
    return (
        f"{found.control_played} of those left alone ({found.control_played_share:.0%}) were played all the same by a person. They stay in "
        "their arm, as everybody does, so the true effect of a play is larger than the one shown."
    )


def _about_others(out: ImpactOut) -> str | None:
    differing = [f'"{each.playbook}"' for each in (out.contamination.others if out.contamination else ()) if each.differs]
    if not differing:
        return None
    return f"Both arms were not treated alike by other playbooks: {', '.join(differing)}. Part of the difference may be theirs."
