"""Features of what was agreed, and what an account's contracts come to at a cutoff.

What the end of a contract says (status `churned`) is no part of them: it is what is to be predicted. A contract that was lost counts no
more as soon as another one is left.
"""

import math
from dataclasses import dataclass
from typing import Final

from scoring.features.history import History, State
from scoring.features.values import DAY
from scoring.panel import FeatureValue

_MONTH_DAYS: Final = 30.4375
_SMALLER: Final = 0.995
"""A monthly revenue below this share of the one before is a smaller contract, not a rounding."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contracts of an account come to together; dates are seconds since 1970."""

    started: float
    main: State
    mrr: float | None
    seats: float | None
    renews: float | None
    renewing: State


def terms_of(history: History, cutoff: float) -> Terms | None:
    """Give what was known of an account's contracts at a cutoff, None when that was nothing."""
    contracts = _running(history, cutoff)
    if not contracts:
        return None
    main = max(contracts, key=lambda each: (each.number("mrr") or 0.0, each.name))
    ends = [(renews, each.name, each) for each in contracts if (renews := _renews(each, cutoff)) is not None]
    renews, _, renewing = min(ends, key=lambda item: item[:2]) if ends else (None, "", main)
    return Terms(
        started=_started(history, cutoff),
        main=main,
        mrr=_together(contracts, "mrr"),
        seats=_together(contracts, "seats"),
        renews=renews,
        renewing=renewing,
    )


def _started(history: History, cutoff: float) -> float:
    """Give when the account became a customer: the earliest beginning that was ever said, for a renewal begins anew."""
    states = [state for subject in history.subjects("contract", cutoff) for state in subject.states(cutoff)]
    said = [start for state in states if (start := state.day("start")) is not None]
    return min(said or [state.first for state in states])


def _running(history: History, cutoff: float) -> list[State]:
    states = history.states("contract", cutoff)
    ended: dict[str, float] = {}
    for at, learned, name in history.ends:
        if at <= cutoff and learned <= cutoff:
            ended[name] = at
    if not ended or len(states) < 2:
        return states
    running = [each for each in states if ended.get(each.name, -math.inf) < each.last]
    newest = max(ended.get(each.name, -math.inf) for each in states)
    return running or [each for each in states if ended[each.name] == newest]


def _renews(contract: State, cutoff: float) -> float | None:
    """Give when the running term ends; one that goes on by itself has a further term behind it."""
    end, term = contract.day("end"), contract.number("term_months", 1)
    if end is not None and end + DAY < cutoff and term is not None and contract.values.get("auto_renew") is True:
        length = term * _MONTH_DAYS * DAY
        return end + math.ceil((cutoff - end) / length) * length
    return end


def _together(contracts: list[State], name: str) -> float | None:
    amounts = [amount for each in contracts if (amount := each.number(name, 0)) is not None]
    return math.fsum(amounts) if amounts else None


def contract_features(history: History, cutoff: float, terms: Terms | None) -> dict[str, FeatureValue]:
    """Give the features of contracts; missing where none was known."""
    if terms is None:
        return {}
    auto = terms.renewing.values.get("auto_renew")
    return {
        "downgraded_180d": float(_was_made_smaller(history, cutoff)),
        "discount_share": terms.main.number("discount", 0),
        "days_to_renewal": None if terms.renews is None else (terms.renews - cutoff) / DAY,
        "term_months": terms.renewing.number("term_months", 0),
        "auto_renew": float(auto) if isinstance(auto, bool) else None,
        "tenure_days": max(0.0, (cutoff - terms.started) / DAY),
        "mrr_log": None if terms.mrr is None else math.log1p(terms.mrr),
        "seats": terms.seats,
        "plan": terms.main.text("plan"),
    }


def _was_made_smaller(history: History, cutoff: float) -> bool:
    since = cutoff - 180 * DAY
    for subject in history.subjects("contract", cutoff):
        mrr = None
        for state in subject.states(cutoff):
            now = state.number("mrr", 0)
            fell = now is not None and mrr is not None and now < mrr * _SMALLER
            said = state.text("status") == "downgraded" and state.since["status"] == state.last
            if state.last > since and (fell or said):
                return True
            mrr = mrr if now is None else now
    return False
