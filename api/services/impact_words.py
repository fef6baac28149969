"""Figures of impact in the form of the API: intervals, sides, measures, and what may be concluded from them."""

from collections.abc import Mapping
from datetime import timedelta
from math import isfinite
from typing import Final

from api.schemas.impact import EstimateOut, MeasureOut, PowerNow, SideOut
from scoring.impact.estimates import Estimate
from scoring.impact.power import smallest_detectable
from scoring.impact.readings import Measure, Reading, Side
from scoring.impact.verdicts import NAMES

MEASURE_WORDS: Mapping[str, Measure] = {
    **{name: "churn" for name in ("churn", "churned", "lost", "retention", "retained")},
    **{name: "renewed" for name in ("renewed", "renewal", "renewals")},
    **{name: "arr" for name in ("arr", "mrr", "revenue", "net_revenue")},
    **{name: "nrr" for name in ("nrr", "net_revenue_retention")},
    **{name: "expansion" for name in ("expansion", "expanded", "upsell")},
    **{name: "health" for name in ("health", "health_score", "health.score")},
    **{name: "usage" for name in ("usage", "logins", "adoption")},
}
"""What authors may write after `measure`, and what is compared then."""


_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_LONG: Final = 100


def measure_of(word: object) -> Measure:
    """Give the measure that decides; churn where the author says nothing, or something that cannot be read from both arms."""
    return MEASURE_WORDS.get(str(word).lower(), "churn") if word is not None else "churn"


def span_words(span: timedelta) -> str:
    """Say how long a time is, in the largest unit it has at least one of: "60 days", "1 minute"."""
    seconds = span.total_seconds()
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "second"))
    count = seconds / size
    return f"{count:.3g} {unit}" + ("" if round(count, 2) == 1 else "s") if count < _LONG else f"{count:.0f} {unit}s"


def estimate_out(estimate: Estimate, digits: int = 6) -> EstimateOut:
    """Give an estimate; what is not finite is not known, and of a figure that is not known there is no interval either."""
    if not isfinite(estimate.value):
        return EstimateOut(value=None, low=None, high=None, level=round(estimate.level, 6))
    # Adding 0 turns -0 into 0.
    value, low, high = (round(each, digits) + 0.0 if isfinite(each) else None for each in (estimate.value, estimate.low, estimate.high))
    return EstimateOut(value=value, low=low, high=high, level=round(estimate.level, 6))


def measure_out(reading: Reading, unknown: Mapping[str, int], *, decides: bool) -> MeasureOut:
    """Give one measure."""
    return MeasureOut(
        measure=reading.measure,
        words=NAMES[reading.measure],
        unit=reading.unit,
        good=reading.good,
        decides=decides,
        treated=_side(reading.treated),
        control=_side(reading.control),
        effect=estimate_out(reading.effect),
        smallest_detectable=None if reading.detectable is None else round(reading.detectable, 6),
        variance_removed=round(reading.removed, 4),
        unknown=dict(unknown),
        method=reading.method,
    )


def _side(side: Side) -> SideOut:
    interval = estimate_out(side.interval) if side.interval else None
    return SideOut(
        accounts=side.accounts,
        unknown=side.unknown,
        value=None if side.value is None else round(side.value, 6),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )


def power_now(churn: Reading) -> PowerNow:
    """Say which reduction of churn the accounts of now could show."""
    base = churn.control.value
    if not base or base >= 1:
        return PowerNow(
            base_rate=base,
            smallest_reduction=None,
            words="Of those left alone none was lost so far (or all were), so nothing can be said about fewer losses yet.",
        )
    reduction = smallest_detectable(churn.treated.accounts, churn.control.accounts, base)
    return PowerNow(base_rate=round(base, 6), smallest_reduction=reduction, words=power_words(reduction, base))


def power_words(reduction: float | None, base: float) -> str:
    """Say the smallest reduction in a sentence, with the base rate it stands on."""
    if reduction is None:
        return f"At a base rate of {base:.1%} no reduction of churn can be told from chance with these accounts, not even an end of it."
    return (
        f"At a base rate of {base:.1%} a reduction of churn by {reduction:.0%} or more would be found in 4 of 5 cases; "
        f"smaller ones would mostly come out as inconclusive."
    )
