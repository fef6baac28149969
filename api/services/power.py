"""What an experiment could show before it is begun: how many accounts there are, and how many of them are lost anyway."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement

from api.problems import AudienceNotAsked, PlaybookNotFound
from api.schemas.impact import AtBaseRate, BaseRateOut, Needed, PowerOut
from api.services.impact_words import power_words, span_words
from enrollment.rules import Rules
from scoring.impact.estimates import critical
from scoring.impact.power import accounts_in_all, accounts_per_arm, smallest_detectable
from scoring.impact.proportions import wilson
from scoring.impact.verdicts import NO_HOLDOUT
from scoring.predictions import WINDOW_DAYS
from storage.enrollment.audience import AudienceUnusable, audience_condition, count_audience
from storage.enrollment.experiments import window_of
from storage.enrollment.published import find_published
from storage.repositories.impact import count_lost, predicted_churn
from storage.session import Session

DEFAULT_SHARE: Final = 0.15
_REDUCTIONS: Final = (0.1, 0.2, 0.3, 0.5)
_RATES: Final = (0.02, 0.05, 0.1, 0.2)
_PROVABLE: Final = 1 / 3
_HALF: Final = 0.5
_LEAST_RATE: Final = 1e-6
_DAY_S: Final = 86_400


@dataclass(frozen=True)
class Plan:
    """An experiment that is thought of. What is None is as the playbook says, or as the data say."""

    share: float | None = None
    days: float | None = None
    base_rate: float | None = None
    version: int | None = None


async def power_of_playbook(session: Session, slug: str, plan: Plan) -> PowerOut:
    """Say what an experiment with the audience of a playbook could show.

    Raises:
        PlaybookNotFound: there is no published version, or none of this number.
        AudienceNotAsked: the audience cannot be asked of the database.
    """
    published = await find_published(session, slug, plan.version)
    if published is None:
        which = f'version {plan.version} of "{slug}"' if plan.version else f'published version of "{slug}"'
        raise PlaybookNotFound(f"There is no {which}.")
    now = datetime.now(UTC)
    condition = await _audience(session, published.rules, now)
    eligible = await count_audience(session, condition)
    share = plan.share or published.rules.holdout_share or DEFAULT_SHARE
    days = plan.days or window_of(published.rules, now).total_seconds() / _DAY_S
    base = await base_rate(session, condition, eligible, days, now, plan.base_rate)
    control = round(eligible * share)
    reduction = smallest_detectable(eligible - control, control, base.value) if base.value is not None else None
    return PowerOut(
        playbook=slug,
        version=published.version,
        eligible=eligible,
        share=share,
        days=round(days, 6),
        watched=span_words(timedelta(days=days)),
        treated=eligible - control,
        control=control,
        base_rate=base,
        smallest_reduction=reduction,
        needed=_needed(base, share),
        at_base_rates=[_at(rate, eligible - control, control) for rate in _RATES] if not base.value else [],
        provable=reduction is not None and reduction <= _PROVABLE,
        words=_words(published.rules, eligible, base, reduction, days),
    )


async def power_line(session: Session, rules: Rules, accounts: int, now: datetime) -> str:
    """Say in a sentence what a launch on so many accounts could show."""
    if not rules.holdout_share:
        return NO_HOLDOUT
    days = window_of(rules, now).total_seconds() / _DAY_S
    try:
        base = await base_rate(session, await _audience(session, rules, now), accounts, days, now, None)
    except AudienceNotAsked:
        return "What it could show cannot be said, because the audience cannot be looked up."
    control = round(accounts * rules.holdout_share)
    reduction = smallest_detectable(accounts - control, control, base.value) if base.value is not None else None
    return " ".join(_words(rules, accounts, base, reduction, days))


async def _audience(session: Session, rules: Rules, now: datetime) -> ColumnElement[bool]:
    try:
        return await audience_condition(session, rules.enroll.audience, now)
    except AudienceUnusable as error:
        raise AudienceNotAsked(f'The audience of "{rules.playbook}" cannot be asked of the database: {error}.') from None


async def base_rate(
    session: Session, condition: ColumnElement[bool], eligible: int, days: float, now: datetime, given: float | None
) -> BaseRateOut:
    """Say how many would be lost within so many days: as given, as seen in the past, or as a model predicted of half of the audience."""
    if given is not None:
        return BaseRateOut(value=given, low=given, high=given, source="given", accounts=0)
    span = timedelta(days=days)
    seen = await count_lost(session, span, now)
    known = seen.since is not None and seen.since <= now - span and seen.accounts > 0
    if known and seen.lost:
        return _rate(seen.lost / seen.accounts, seen.accounts, "observed")
    scored, mean = await predicted_churn(session, condition)
    if mean is not None and scored >= max(1.0, eligible * _HALF):
        value = min(max(1 - (1 - min(mean, 1.0)) ** (days / WINDOW_DAYS), 0.0), 1.0)
        return _rate(value, scored, "predicted")
    return _rate(0.0, seen.accounts, "observed") if known else BaseRateOut(value=None, low=None, high=None, source="unknown", accounts=0)


def _rate(value: float, accounts: int, source: str) -> BaseRateOut:
    low, high = wilson(value * accounts, accounts, critical())
    return BaseRateOut.model_validate(
        {"value": round(value, 6), "low": round(float(low), 6), "high": round(float(high), 6), "source": source, "accounts": accounts}
    )


def _at(rate: float, treated: int, control: int) -> AtBaseRate:
    return AtBaseRate(base_rate=rate, smallest_reduction=smallest_detectable(treated, control, rate))


def _needed(base: BaseRateOut, share: float) -> list[Needed]:
    if base.value is None or not _LEAST_RATE < base.value < 1:
        return []
    return [
        Needed(reduction=cut, per_arm=accounts_per_arm(base.value, cut), in_all=accounts_in_all(base.value, cut, share))
        for cut in _REDUCTIONS
    ]


_SOURCES: Final = {
    "predicted": "what a model predicted of {accounts} accounts of the audience, as no loss was seen in so long a time before now",
    "observed": "the losses among all {accounts} customers in as long a time before now; those of the audience alone may be more or fewer",
    "given": "the rate that was given",
}


def _words(rules: Rules, eligible: int, base: BaseRateOut, reduction: float | None, days: float) -> list[str]:
    words = [] if rules.holdout_share else [NO_HOLDOUT]
    if not eligible:
        return [*words, "Nobody is in the audience now, so nothing can be shown yet."]
    if base.value is None:
        return [
            *words,
            "How many are lost anyway is not known: no losses were seen for long enough, and no model scored half of the audience (what a "
            "scorecard stands in with is no base rate). Name a base rate; below is what some would allow to be seen.",
        ]
    if not base.value:
        return [
            *words,
            f"None of {base.accounts} accounts was lost in {span_words(timedelta(days=days))}, so fewer losses cannot be shown; "
            "compare health or usage.",
        ]
    stands_on = _SOURCES[base.source].format(accounts=base.accounts)
    interval = "" if base.source == "given" else f", between {base.low:.1%} and {base.high:.1%}"
    words += [f"{power_words(reduction, base.value)} The base rate is for {span_words(timedelta(days=days))}{interval}, from {stands_on}."]
    if reduction is None or reduction > _PROVABLE:
        words.append(_advice())
    return words


def _advice() -> str:
    return (
        "Do not promise a figure for this playbook: hold out more, watch longer, let more accounts in, judge it together with similar "
        "playbooks, or compare health and usage, which show effects earlier."
    )
