"""What became of an account after a cutoff: what models learn to foresee.

Labels look ahead, features never do. Churn is the last of an account's contracts being lost, or the account as a whole.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scoring.features.history import History
from scoring.features.values import DAY, day, moment_of, number, seconds
from scoring.observations import Observation
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS, Target

EXPANSION: Final = 1.05
"""A monthly revenue of at least this many times the one at the window's beginning is an expansion."""
_ITSELF: Final = "account"
"""The subject under which the status of the account as a whole is observed, whatever its contracts."""


class Course:
    """When an account began, was lost and came back, and what it paid, by what is known until a moment.

    `lost`: moments of churn in their order; `back`: when it was a customer again after each, if it was.
    """

    def __init__(self, history: History, until: float = math.inf) -> None:
        track = history.tracks["contract"]
        said = [(track.at[place], track.seen[place]) for place in range(len(track.at)) if track.learned[place] <= until]
        self.started = _started(history, said)
        self.lost: list[float] = []
        self.back: list[float] = []
        self.paid_at: list[float] = []
        self.paid: list[float] = []
        self._follow(said)

    def _follow(self, said: Sequence[tuple[float, Observation]]) -> None:
        running: dict[str, float | None] = {}
        for at, each in said:
            gone = len(self.lost) > len(self.back)
            if each.values.get("status") == "churned":
                running = {} if each.subject == _ITSELF else {name: mrr for name, mrr in running.items() if name != each.subject}
                if not running and not gone:
                    self.lost.append(at)
                continue
            if gone:
                self.back.append(at)
            mrr = number(each.values.get("mrr"), 0)
            if each.subject == _ITSELF and mrr is None:
                continue  # that the account is a customer again is no contract that could be lost
            running[each.subject] = running.get(each.subject) if mrr is None else mrr
            amounts = [amount for amount in running.values() if amount is not None]
            if amounts:
                self.paid_at.append(at)
                self.paid.append(math.fsum(amounts))

    def is_customer(self, at: float) -> bool:
        """Say whether it was a customer at a moment."""
        lost = bisect_right(self.lost, at)
        return self.started is not None and at >= self.started and bisect_right(self.back, at) >= lost

    def was_lost(self, after: float, until: float) -> bool:
        """Say whether it was lost after a moment and at or before another."""
        return bisect_right(self.lost, until) > bisect_right(self.lost, after)

    def grew(self, after: float, until: float) -> bool:
        """Say whether it paid `EXPANSION` times what it paid at a moment, at any time after it and at or before another."""
        place, end = bisect_right(self.paid_at, after), bisect_right(self.paid_at, until)
        return place > 0 and self.paid[place - 1] > 0 and max(self.paid[place:end], default=0.0) >= self.paid[place - 1] * EXPANSION


def _started(history: History, said: Sequence[tuple[float, Observation]]) -> float | None:
    """Give the earliest beginning that was said, else when a contract, else when anything was first heard of."""
    begun = [start for _, each in said if (start := day(each.values.get("start"))) is not None]
    heard = [at for at, each in said if each.values.get("status") != "churned"][:1]
    return min(begun or heard or [track.at[0] for track in history.tracks.values() if track.at], default=None)


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of an account's last contract: when it was, when it became known, and which contract."""

    at: datetime
    known_at: datetime
    contract: str


def loss_of(history: History, cutoff: datetime) -> Loss | None:
    """Give how an account was lost by its contracts, by what was known at a cutoff; None while it is a customer (again)."""
    until = seconds(cutoff)
    course, track = Course(history, until), history.tracks["contract"]
    if len(course.lost) <= len(course.back) or course.lost[-1] > until:
        return None
    for place, each in enumerate(track.seen):
        ends = each.values.get("status") == "churned" and track.at[place] == course.lost[-1] and track.learned[place] <= until
        if ends and each.subject != _ITSELF:
            return Loss(moment_of(track.at[place]), moment_of(track.learned[place]), each.subject)
    return None


def churned_on(history: History) -> datetime | None:
    """Give when the account was lost, None while it is a customer (again)."""
    course = Course(history)
    return moment_of(course.lost[-1]) if len(course.lost) > len(course.back) else None


def label_churn(history: History, cutoff: datetime) -> bool:
    """Say whether it was lost in (cutoff + LEAD_DAYS, cutoff + LEAD_DAYS + WINDOW_DAYS]."""
    return label_of(Course(history), seconds(cutoff), "churn")


def label_expansion(history: History, cutoff: datetime) -> bool:
    """Say whether its monthly revenue rose by 5 % or more in that window, against what it was at the window's beginning."""
    return label_of(Course(history), seconds(cutoff), "expansion")


def at_risk(history: History, cutoff: datetime) -> bool:
    """Say whether it was a customer at the cutoff of whom something was known, and was not lost before the window of labels begins."""
    return has_chance(history, Course(history), seconds(cutoff))


def label_of(course: Course, at: float, target: Target) -> bool:
    """Give a label. `at`: the cutoff, in seconds since 1970."""
    begins, ends = window_of(at)
    return course.was_lost(begins, ends) if target == "churn" else course.grew(begins, ends)


def has_chance(history: History, course: Course, at: float) -> bool:
    """Say the same as `at_risk`, of a course that is known."""
    known = any(track.first(at) is not None for track in history.tracks.values())
    return known and course.is_customer(at) and not course.was_lost(at, window_of(at)[0])


def window_of(at: float) -> tuple[float, float]:
    """Give beginning and end of the window of labels of a cutoff; the end belongs to it, the beginning does not."""
    return at + LEAD_DAYS * DAY, at + (LEAD_DAYS + WINDOW_DAYS) * DAY
