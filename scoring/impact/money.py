"""Impact in money. Every figure has an interval, and every assumption is named beside it.

Source of the interval of revenue at risk: the distribution of a sum of independent losses with probabilities of their own
(Poisson-binomial, weighted), drawn for small books and by its normal limit for large ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from scoring.impact.estimates import LEVEL, Estimate
from scoring.impact.readings import Cohort, Reading
from scoring.panel import Numbers

_DRAWN_UP_TO: Final = 2_000
_DRAWS: Final = 4_000
_CELLS: Final = 1_000_000
_SEED: Final = 20_240_229


def revenue_at_risk(probability: Numbers, arr: Numbers, *, seed: int = _SEED) -> Estimate:
    """Give the yearly revenue that is expected to be lost: sum of p × ARR.

    Args:
        probability: (n,) of each account's loss, calibrated.
        arr: (n,) what each pays a year, at least 0.
        seed: of the draws.

    Returns:
        The expectation, and the interval that the sum itself falls into if the probabilities are right and accounts are independent.
    """
    expected = float(probability @ arr)
    if not len(arr) or not expected:
        return Estimate(expected, expected, expected)
    if len(arr) > _DRAWN_UP_TO:
        spread = float(ndtri((1 + LEVEL) / 2)) * float(np.sqrt((probability * (1 - probability)) @ arr**2))
        return Estimate(expected, max(0.0, expected - spread), min(float(arr.sum()), expected + spread))
    rng = np.random.default_rng(seed)
    rows = max(1, _CELLS // len(arr))
    parts = [min(rows, _DRAWS - done) for done in range(0, _DRAWS, rows)]
    drawn = np.concatenate([(rng.random((part, len(arr))) < probability) @ arr for part in parts])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(expected, float(low), float(high))


@dataclass(frozen=True)
class Prices:
    """What effort is assumed to cost.

    Args:
        hour: of a person's work.
        minutes_per_task: that a task takes; nobody measures it.
        email: each.
        sms: each.
        uncertain: share by which the minutes may be wrong either way; gives the interval of the cost.
    """

    hour: float = 60.0
    minutes_per_task: float = 30.0
    email: float = 0.001
    sms: float = 0.05
    uncertain: float = 0.5


@dataclass(frozen=True)
class Effort:
    """What was done for the treated accounts: tasks that people did, messages that were sent, discounts in money."""

    tasks: int = 0
    emails: int = 0
    sms: int = 0
    discounts: float = 0.0


@dataclass(frozen=True)
class Return:
    """What a playbook brought and cost in its treated accounts, a year's revenue against the cost so far.

    `roi` is (net - cost) / cost; None when it cost nothing.
    """

    treated_arr: float
    saved: Estimate
    expanded: Estimate
    net: Estimate
    cost: Estimate
    roi: Estimate | None


def cost_of(effort: Effort, prices: Prices) -> Estimate:
    """Give what effort cost; the interval is that of the minutes a task takes."""
    work = effort.tasks * prices.minutes_per_task / 60 * prices.hour
    known = effort.emails * prices.email + effort.sms * prices.sms + effort.discounts
    return Estimate(work + known, work * (1 - prices.uncertain) + known, work * (1 + prices.uncertain) + known)


def returned(cohort: Cohort, churn: Reading, arr: Reading, expansion: Reading, effort: Effort, prices: Prices) -> Return:
    """Turn effects into money of the treated accounts whose time is over.

    Args:
        cohort: the accounts.
        churn: its reading; saved = fewer lost × what the treated paid, as if losses did not depend on size.
        arr: its reading; net = effect an account × treated accounts.
        expansion: its reading, likewise.
        effort: for those accounts.
        prices: assumed.
    """
    paid = cohort.mrr[0][cohort.treated]
    treated_arr = float(np.nansum(paid)) * 12
    net = arr.effect.scaled(arr.treated.accounts)
    cost = cost_of(effort, prices)
    return Return(
        treated_arr=treated_arr,
        saved=churn.effect.scaled(-treated_arr),
        expanded=expansion.effect.scaled(expansion.treated.accounts),
        net=net,
        cost=cost,
        roi=_roi(net, cost),
    )


def _roi(net: Estimate, cost: Estimate) -> Estimate | None:
    """Give the return on what was spent; its interval takes the worst and the best of both, so it is wider than it has to be."""
    if cost.value <= 0 or cost.low <= 0:
        return None
    low = min((net.low - each) / each for each in (cost.low, cost.high))
    high = max((net.high - each) / each for each in (cost.low, cost.high))
    return Estimate((net.value - cost.value) / cost.value, low, high)
