"""Observations for tests, by days before a cutoff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from scoring.features.history import History
from scoring.observations import Observation, Value

CUTOFF = datetime(2026, 6, 1, tzinfo=UTC)


def seen(kind: str, days_ago: float, *, late: float = 0, subject: str = "", id: str | None = None, **values: Value) -> Observation:
    """An observation of so many days before the cutoff, which was known `late` days after it happened. `with_` is `with`."""
    at = CUTOFF - timedelta(days=days_ago)
    name = id or f"{kind}-{days_ago}-{subject}-{sorted(values.items(), key=repr)}"
    return Observation(name, "a", kind, at, at + timedelta(days=late), subject, {key.rstrip("_"): value for key, value in values.items()})


def history(*observations: Observation) -> History:
    return History("a", observations)


def a_life(weeks: int = 60, logins: int = 40, *, features: Mapping[str, float] | None = None) -> list[Observation]:
    """An account that reports its usage every week, with something of every kind."""
    usage = [
        seen("usage", 7.0 * week, logins=logins, active_users=8, features=features or {"reports": 3, "alerts": 1}) for week in range(weeks)
    ]
    return [
        *usage,
        seen(
            "contract",
            400,
            subject="c1",
            status="active",
            start="2025-04-27",
            end="2026-07-01",
            term_months=12,
            mrr=500,
            seats=10,
            plan="pro",
        ),
        seen("contract", 100, subject="c1", status="expanded", mrr=600, seats=20, auto_renew=False, discount=0.1),
        seen("ticket", 80, subject="t1", status="open", severity=2, first_response_h=4),
        seen("ticket", 70, subject="t1", status="closed", csat=4),
        seen("ticket", 20, subject="t2", status="open", severity=1, first_response_h=8, reopened=True),
        seen("invoice", 40, subject="i1", status="open", amount=600, due="2026-05-12"),
        seen("invoice", 15, subject="i1", id="try-1", status="failed"),
        seen("meeting", 30, subject="m1", held=True, with_="csm"),
        seen("meeting", 90, subject="m2", held=True, with_="executive"),
        seen("email", 12, subject="thread-1", direction="out"),
        seen("email", 11, subject="thread-1", direction="in"),
        seen("email", 5, subject="thread-2", direction="out"),
        seen("survey", 60, nps=9),
        seen("contact", 300, subject="eva", role="champion", left=False),
    ]
