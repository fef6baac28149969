"""Revenue at risk, and the page for executives."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

import numpy as np

from api.schemas.impact import EstimateOut, ImpactLine, ImpactOut, ImpactPage, RiskGroup, RiskOut, RiskPart
from api.services.impact import impact_of
from api.services.impact_cohort import find_subject
from api.services.impact_words import estimate_out
from scoring.impact.estimates import Estimate
from scoring.impact.money import Prices, revenue_at_risk
from scoring.panel import Numbers
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS
from storage.enrollment.published import list_published
from storage.repositories.impact import STAND_IN, RiskRow, list_playbooks_with_arms, list_risks
from storage.repositories.tenants import find_tenant
from storage.session import Session

By: TypeAlias = Literal["segment", "tier", "level"]
_Row: TypeAlias = tuple[float, float, bool]
"""An account's probability, what it pays a year, and whether a scorecard stood in for a model."""
_MONTHS: Final = 12
_ALL: Final = "all"


async def risk_of(session: Session, by: By) -> RiskOut:
    """Give the revenue at risk of all customers, in groups."""
    tenant = await find_tenant(session)
    return await asyncio.to_thread(_risk, await list_risks(session), by, tenant.currency if tenant else "USD")


def _risk(rows: Sequence[RiskRow], by: By, currency: str) -> RiskOut:
    left_out: Counter[str] = Counter()
    groups: dict[str, list[_Row]] = {}
    unscored = 0.0
    for row in rows:
        why = _why_not(row, currency)
        if why is None:
            groups.setdefault(getattr(row, by) or "none", []).append(
                (row.probability or 0.0, float(row.mrr or 0) * _MONTHS, row.source == STAND_IN)
            )
            continue
        left_out[why] += 1
        unscored += float(row.mrr or 0) * _MONTHS if why == "no_score" else 0.0
    everybody = [each for group in groups.values() for each in group]
    total = _group(_ALL, everybody)
    return RiskOut(
        currency=currency,
        total=total,
        groups=[_group(name, groups[name]) for name in sorted(groups)],
        left_out=dict(sorted(left_out.items())),
        left_out_arr=round(unscored, 2),
        oldest_score_at=_oldest(rows),
        words=_rests_on(total, currency),
        assumptions=_assumptions(total),
    )


def _rests_on(total: RiskGroup, currency: str) -> list[str]:
    """Say how many accounts and how much of the money rest on a model, and how much on stand-ins."""
    model, stand_in = total.by_model, total.by_stand_in
    words = [f"No model scored any of these {total.accounts} accounts."]
    if model.accounts:
        words = [
            f"A model scored {model.accounts} of {total.accounts} accounts, with {_money(model.arr)} of {_money(total.arr)} {currency} a "
            f"year: of these {_money(model.at_risk.value)} are at risk{_between(model.at_risk)}."
        ]
    if stand_in.accounts:
        words.append(
            f"A scorecard stood in for {stand_in.accounts} accounts, with {_money(stand_in.arr)} {currency} a year: its "
            f"{_money(stand_in.at_risk.value)} at risk are not calibrated, so neither they nor the sum have an interval."
        )
    return words


def _assumptions(total: RiskGroup) -> list[str]:
    told = [f"The probability of each account is that of its newest score: a loss within {WINDOW_DAYS} days after the next {LEAD_DAYS}."]
    if total.by_model.accounts:
        told += [
            "The probabilities of the model are right on average (see its calibration), and accounts are lost independently of each other; "
            "a shock that hits many at once makes the interval wider.",
            "The interval is of what will be lost, not of the mean; nothing is said about accounts that are left out.",
        ]
    if total.by_stand_in.accounts:
        told.append("What a scorecard stands in with ranks accounts; nobody measured whether its probabilities are right on average.")
    return told


def _why_not(row: RiskRow, currency: str) -> str | None:
    if row.mrr is None:
        return "no_revenue"
    if row.currency not in (None, currency):
        return "other_currency"
    return "no_score" if row.probability is None else None


def _oldest(rows: Sequence[RiskRow]) -> datetime | None:
    return min((row.as_of for row in rows if row.as_of is not None), default=None)


def _group(name: str, accounts: Sequence[_Row]) -> RiskGroup:
    columns = np.array(accounts, float).reshape(-1, 3)
    probability, arr, stands_in = np.clip(columns[:, 0], 0, 1), np.maximum(columns[:, 1], 0), columns[:, 2] > 0
    found, total = revenue_at_risk(probability, arr), float(arr.sum())
    return RiskGroup(
        group=name,
        accounts=len(accounts),
        arr=round(total, 2),
        at_risk=_without_interval(found) if stands_in.any() else estimate_out(found, 2),
        share=round(found.value / total, 4) if total else None,
        by_model=_part(probability[~stands_in], arr[~stands_in], calibrated=True),
        by_stand_in=_part(probability[stands_in], arr[stands_in], calibrated=False),
    )


def _part(probability: Numbers, arr: Numbers, *, calibrated: bool) -> RiskPart:
    found = revenue_at_risk(probability, arr)
    at_risk = estimate_out(found, 2) if calibrated else _without_interval(found)
    return RiskPart(accounts=len(arr), arr=round(float(arr.sum()), 2), at_risk=at_risk)


def _without_interval(found: Estimate) -> EstimateOut:
    return EstimateOut(value=round(found.value, 2), low=None, high=None)


async def page_of(session: Session, prices: Prices) -> ImpactPage:
    """Give risk, revenue and impact of every playbook with a holdout."""
    published = {each.slug: each.rules.holdout_share for each in await list_published(session)}
    drawn = await list_playbooks_with_arms(session)
    slugs = sorted({*drawn, *(slug for slug, share in published.items() if share)})
    read = [await impact_of(session, await find_subject(session, slug), prices) for slug in slugs]
    risk = await risk_of(session, "segment")
    without = sorted(slug for slug, share in published.items() if not share and slug not in drawn)
    return ImpactPage(
        currency=risk.currency,
        risk=risk.total,
        playbooks=[_line(each) for each in read],
        without_holdout=without,
        words=_words(risk, read, without),
    )


def _line(found: ImpactOut) -> ImpactLine:
    churn = next((each for each in found.measures if each.measure == "churn"), None)
    treated, control = (found.arms[arm].matured if arm in found.arms else 0 for arm in ("treated", "control"))
    return ImpactLine(
        playbook=found.playbook,
        title=found.title,
        verdict=found.verdict,
        words=found.words[0],
        treated=treated,
        control=control,
        churn=churn.effect if churn else None,
        churn_without=churn.control.value if churn else None,
        net=found.money.net if found.money else None,
        cost=found.money.cost if found.money else None,
        roi=found.money.roi if found.money else None,
    )


def _words(risk: RiskOut, read: Sequence[ImpactOut], without: Sequence[str]) -> list[str]:
    verdicts = Counter(each.verdict for each in read)
    at_risk, counted = risk.total.at_risk, risk.total.accounts
    words = [f"Of {counted} customers with a churn score, {_money(at_risk.value)} {risk.currency} a year are at risk{_between(at_risk)}."]
    words += risk.words if risk.total.by_stand_in.accounts else []
    words.append(
        f"{len(read)} playbooks leave some accounts alone: {verdicts['effective']} effective, {verdicts['harmful']} harmful, "
        f"{verdicts['inconclusive']} inconclusive, {verdicts['too_early']} too early."
    )
    if without:
        words.append(f"Of {len(without)} playbooks without a holdout nothing can be said; what they seem to do is not counted here.")
    return words


def _between(estimate: EstimateOut) -> str:
    low, high = estimate.low, estimate.high
    return "" if low is None or high is None else f", in 19 of 20 cases between {_money(low)} and {_money(high)}"


def _money(value: float | None) -> str:
    return "an unknown amount" if value is None else f"{value:,.0f}"
