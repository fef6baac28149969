"""Features of support: tickets and how they went."""

import math
from statistics import median

from scoring.features.history import History, State
from scoring.features.values import DAY
from scoring.panel import FeatureValue

_URGENT = 2


def support_features(history: History, cutoff: float, seats: float | None) -> dict[str, FeatureValue]:
    """Give the features of support; all are missing where no ticket was ever known, since it may be that nobody tells us of tickets."""
    tickets = history.states("ticket", cutoff)
    if not tickets:
        return {}
    fresh = opened_since(tickets, cutoff - 90 * DAY)
    answered = [hours for each in fresh if (hours := each.number("first_response_h", 0)) is not None]
    marks = [mark for each in tickets if each.since.get("csat", 0.0) > cutoff - 180 * DAY and (mark := each.number("csat")) is not None]
    return {
        "tickets_per_seat_90d": len(fresh) / seats if seats else None,
        "urgent_open": float(sum(is_open(each) and (each.number("severity") or math.inf) <= _URGENT for each in tickets)),
        "first_response_h": median(answered) if answered else None,
        "reopened_share": sum(each.values.get("reopened") is True for each in fresh) / len(fresh) if fresh else None,
        "csat_180d": math.fsum(marks) / len(marks) if marks else None,
    }


def opened_since(tickets: list[State], since: float) -> list[State]:
    """Give the tickets first heard of after a moment."""
    return [each for each in tickets if each.first > since]


def is_open(ticket: State) -> bool:
    """Say whether a ticket is open."""
    return ticket.text("status") == "open"
