"""What became of an account: read as of the end of its time, and unknown where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from scoring.impact.outcomes import Outcome, Paid, Past, Said, outcome_of

DRAWN = datetime(2026, 1, 1, tzinfo=UTC)
END = DRAWN + timedelta(days=60)
INSIDE, BEFORE, LATER = DRAWN + timedelta(days=20), DRAWN - timedelta(days=20), END + timedelta(days=20)
KEPT = Past(DRAWN, END, mrr_drawn=100.0, mrr_now=100.0, status_drawn="active", status_now="active")


def said(at: datetime, status: str | None, subject: str = "account", mrr: float | None = None, end: date | None = None) -> Said:
    return Said(at, subject, status, mrr, end)


CASES = {
    "kept": (KEPT, (False, 100.0, 100.0)),
    "lost inside": (replace(KEPT, said=[said(INSIDE, "churned")], status_now="churned"), (True, 100.0, 0.0)),
    "lost after its time": (replace(KEPT, said=[said(LATER, "churned")], status_now="churned"), (False, 100.0, 100.0)),
    "lost and won back inside": (replace(KEPT, said=[said(INSIDE, "churned"), said(END, "active")]), (False, 100.0, 100.0)),
    "lost before": (replace(KEPT, said=[said(BEFORE, "churned")]), (None, None, None)),
    "lost, nobody knows when": (replace(KEPT, status_now="churned"), (None, None, None)),
    "gone": (replace(KEPT, status_now=None), (None, None, None)),
    "gone after it was lost": (replace(KEPT, status_now=None, said=[said(INSIDE, "churned")]), (True, 100.0, 0.0)),
    "one of two contracts ended": (
        replace(KEPT, said=[said(BEFORE, "active", "c1"), said(BEFORE, "active", "c2"), said(INSIDE, "churned", "c1")]),
        (False, 100.0, 100.0),
    ),
    "all contracts ended": (
        replace(KEPT, said=[said(BEFORE, "active", "c1"), said(INSIDE, "churned", "c1"), said(INSIDE, "churned", "c2")]),
        (True, 100.0, 0.0),
    ),
    "pays more by the end": (replace(KEPT, paid=[Paid(INSIDE, 100.0)], mrr_now=150.0), (False, 100.0, 150.0)),
    "pays more after its time": (replace(KEPT, paid=[Paid(LATER, 100.0)], mrr_now=150.0), (False, 100.0, 100.0)),
    "pays in another currency": (replace(KEPT, money_counts=False), (False, None, None)),
    "revenue at the end unknown": (replace(KEPT, mrr_now=None), (False, None, None)),
    "by its contracts": (
        replace(
            KEPT,
            mrr_drawn=None,
            said=[said(BEFORE, "active", "c1", 40.0), said(BEFORE, "active", "c2", 60.0), said(INSIDE, "expanded", "c2", 90.0)],
        ),
        (False, 100.0, 130.0),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_loss_and_revenue(name: str) -> None:
    past, expected = CASES[name]
    found = outcome_of(past)

    assert (found.lost, found.mrr_before, found.mrr_after) == expected
    assert (found.lost is None) == ("churn" in found.unknown)
    assert (found.mrr_after is None) == ("arr" in found.unknown)


def test_renewal_counts_for_those_whose_term_was_to_end() -> None:
    due = said(BEFORE, "active", "c1", end=INSIDE.date())
    later = said(BEFORE, "active", "c1", end=LATER.date())

    assert outcome_of(replace(KEPT, said=[due, said(INSIDE, "renewed", "c1")])).renewed is True
    assert outcome_of(replace(KEPT, said=[due])).renewed is True
    assert outcome_of(replace(KEPT, said=[due, said(INSIDE, "renewed", "c1"), said(END, "churned", "c1")])).renewed is False
    assert outcome_of(replace(KEPT, said=[due, said(LATER, "churned", "c1")])).renewed is True
    assert outcome_of(replace(KEPT, said=[later])).renewed is None
    assert outcome_of(replace(KEPT, said=[replace(due, status=None)], status_now=None)).unknown["renewed"] == "account_gone"
    assert outcome_of(replace(KEPT, said=[replace(later, status=None)], status_now=None)).unknown["renewed"] == "no_term_ended"


@pytest.mark.parametrize("status", ["expanded", "renewed", "active", None])
def test_what_is_said_within_the_time_does_not_choose_who_counts_for_renewal(status: str | None) -> None:
    far = said(BEFORE, "active", "c1", end=date(2028, 12, 31))
    soon = said(BEFORE, "active", "c1", end=INSIDE.date())

    assert outcome_of(replace(KEPT, said=[far, said(INSIDE, status, "c1")])).renewed is None
    assert outcome_of(replace(KEPT, said=[far, said(INSIDE, status, "c1", end=END.date())])).renewed is None
    assert outcome_of(replace(KEPT, said=[soon, said(INSIDE, status, "c1", end=date(2029, 1, 1))])).renewed is True
    # A term that was prolonged before the draw is the new one.
    assert outcome_of(replace(KEPT, said=[replace(soon, at=BEFORE - timedelta(days=9)), far])).renewed is None


def test_other_unknowns() -> None:
    assert outcome_of(KEPT).unknown == {"renewed": "no_term_ended"}
    assert Outcome().lost is None
