"""How well a scorecard would have said who is lost: on accounts of the past whose end is known.

Accuracy is not among the figures: where few are lost, "nobody is ever lost" is nearly always right. Every figure stands beside the base
rate, the number of rows and a 95 % interval. Intervals are drawn over accounts, not rows: an account at several dates is one account.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from scoring.panel import Flags, Numbers, Words

ROUNDS: Final = 400
LEAST_CHURNED: Final = 10
"""With fewer lost accounts no figure means anything."""
_TOP: Final = 0.1
_Z: Final = 1.959964
Places: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
"""Places in a list."""
BandOrNone = Literal["green", "yellow", "red", "no score"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; None where it cannot be worked out."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class BandRate:
    """What became of the accounts of a band: how many rows, how many of them were lost, and the rate of that (Wilson interval)."""

    band: BandOrNone
    rows: int
    churned: int
    rate: Figure


@dataclass(frozen=True, slots=True)
class HealthBacktest:
    """What a scorecard would have said.

    Args:
        rows: accounts at dates, all of them; `accounts`: different ones; `churned`: rows that were lost in the window of labels.
        scored: share of the rows that had a score.
        base_rate: share of the scored rows that were lost.
        auc: probability that of two accounts the one that was lost had the lower score; 0.5 is chance.
        top_decile_lift: how many times the base rate is lost among the tenth with the lowest scores.
        top_decile_recall: share of all lost accounts that is in that tenth.
        bands: green, yellow, red, and those without a score.
    """

    rows: int
    accounts: int
    churned: int
    scored: float
    base_rate: Figure
    auc: Figure
    top_decile_lift: Figure
    top_decile_recall: Figure
    bands: tuple[BandRate, ...]

    @property
    def is_enough(self) -> bool:
        """Say whether enough accounts were lost for the figures to mean anything."""
        return self.churned >= LEAST_CHURNED


def backtest(
    scores: Numbers, churned: Flags, accounts: Words | None = None, *, green: float = 70.0, yellow: float = 40.0, seed: int = 0
) -> HealthBacktest:
    """Hold scores of the past against what became of the accounts.

    Args:
        scores: (n,) health, 0 to 100, NaN where there was too little to score.
        churned: (n,) whether the account was lost in the window of labels.
        accounts: (n,) ids; every row is an account of its own where it is None.
        green: least score of the band green.
        yellow: least score of the band yellow; below it is red.
        seed: of the draws of the intervals; the same seed gives the same intervals.
    """
    ids = np.arange(len(scores)).astype(str) if accounts is None else accounts
    known = ~np.isnan(scores)
    levels, level = np.unique(scores[known], return_inverse=True)
    lost, count = churned[known], len(levels)
    _, owner = np.unique(ids[known], return_inverse=True)
    every = _figures(np.ones(int(known.sum())), level, lost, count)
    chance = np.random.default_rng(seed)
    owners = int(owner.max()) + 1 if len(owner) else 0
    drawn = [
        _figures(chance.multinomial(owners, np.full(owners, 1 / owners)).astype(float)[owner], level, lost, count)
        for _ in range(ROUNDS if owners else 0)
    ]
    figures = [_with_interval(value, np.array([one[place] for one in drawn])) for place, value in enumerate(every)]
    return HealthBacktest(
        rows=len(scores),
        accounts=len(np.unique(ids)),
        churned=int(churned.sum()),
        scored=float(known.mean()) if len(scores) else 0.0,
        base_rate=figures[0],
        auc=figures[1],
        top_decile_lift=figures[2],
        top_decile_recall=figures[3],
        bands=_bands(scores, churned, green, yellow),
    )


def _figures(weight: Numbers, level: Places, lost: Flags, count: int) -> tuple[float, float, float, float]:
    """Give base rate, AUC, lift and recall of the lowest tenth; NaN where they are none. Ties count half, and are shared at the edge."""
    positive = np.bincount(level[lost], weights=weight[lost], minlength=count)
    negative = np.bincount(level[~lost], weights=weight[~lost], minlength=count)
    lost_all, kept_all = positive.sum(), negative.sum()
    if not lost_all or not kept_all:
        return (float(lost_all > 0) if lost_all + kept_all else np.nan, np.nan, np.nan, np.nan)
    above = kept_all - np.cumsum(negative)
    auc = float((positive * (above + negative / 2)).sum() / (lost_all * kept_all))
    both = positive + negative
    room = _TOP * both.sum() - (np.cumsum(both) - both)
    share = np.clip(np.divide(room, both, out=np.zeros_like(both), where=both > 0), 0, 1)
    recall = float((positive * share).sum() / lost_all)
    return float(lost_all / (lost_all + kept_all)), auc, recall / _TOP, recall


def _with_interval(value: float, drawn: Numbers) -> Figure:
    known = drawn[~np.isnan(drawn)] if len(drawn) else drawn
    if np.isnan(value) or not len(known):
        return Figure(None if np.isnan(value) else value, None, None)
    low, high = np.quantile(known, [0.025, 0.975])
    return Figure(value, float(low), float(high))


def _bands(scores: Numbers, churned: Flags, green: float, yellow: float) -> tuple[BandRate, ...]:
    with np.errstate(invalid="ignore"):
        chosen: dict[BandOrNone, Flags] = {
            "green": scores >= green,
            "yellow": (scores >= yellow) & (scores < green),
            "red": scores < yellow,
            "no score": np.isnan(scores),
        }
    return tuple(BandRate(band, int(which.sum()), int(churned[which].sum()), _wilson(churned[which])) for band, which in chosen.items())


def _wilson(churned: Flags) -> Figure:
    rows = len(churned)
    if not rows:
        return Figure(None, None, None)
    rate, spread = float(churned.mean()), _Z**2 / rows
    middle, half = rate + spread / 2, _Z * float(np.sqrt(rate * (1 - rate) / rows + spread / (4 * rows)))
    return Figure(rate, max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread)))
