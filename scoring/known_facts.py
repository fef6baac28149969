"""What a feature snapshot says, as facts: a scorecard is computed from either, today from facts and in the past from snapshots."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from playbook_dsl.values import Value
from scoring.panel import FeatureValue

Turn: TypeAlias = Callable[[float, datetime], Value]
"""Makes a fact of a feature's number at a cutoff."""


def _percent(log_ratio: float, at: datetime) -> Value:
    """A log ratio as a change in percent: log 0.5 is -50."""
    return round(100 * math.expm1(min(log_ratio, 20.0)), 3)


def _as_it_is(number: float, at: datetime) -> Value:
    return number


def _days_before(days: float, at: datetime) -> Value:
    return at - timedelta(days=min(max(days, 0.0), 36_500.0))


def _date_before(days: float, at: datetime) -> Value:
    return (at - timedelta(days=min(max(days, 0.0), 36_500.0))).date()


def _date_after(days: float, at: datetime) -> Value:
    return (at + timedelta(days=min(max(days, -36_500.0), 36_500.0))).date()


def _flag(number: float, at: datetime) -> Value:
    return number > 0


FACTS_OF_FEATURES: Final[Mapping[str, tuple[str, Turn]]] = {
    "usage.logins.last_30d": ("logins_30d", _as_it_is),
    "usage.logins.change_30d": ("logins_trend", _percent),
    "usage.active_users": ("active_users_30d", _as_it_is),
    "usage.active_users_change_30d": ("active_users_trend", _percent),
    "usage.seat_share": ("seat_share", _as_it_is),
    "usage.seats": ("seats", _as_it_is),
    "usage.last_login_at": ("days_since_login", _days_before),
    "usage.weeks_active_share": ("weeks_active_share", _as_it_is),
    "usage.features_change_30d": ("features_trend", _percent),
    "support.urgent_open": ("urgent_open", _as_it_is),
    "survey.nps": ("nps", _as_it_is),
    "survey.csat": ("csat_180d", _as_it_is),
    "survey.answered_at": ("nps_age_days", _days_before),
    "meetings.last_at": ("days_since_meeting", _days_before),
    "meetings.last_executive_at": ("days_since_executive", _days_before),
    "engagement.champion_left": ("champion_left", _flag),
    "engagement.reply_share": ("reply_share_90d", _as_it_is),
    "billing.overdue_days": ("overdue_days", _as_it_is),
    "billing.failed_payments_90d": ("failed_payments_90d", _as_it_is),
    "contract.start_date": ("tenure_days", _date_before),
    "contract.renewal_date": ("days_to_renewal", _date_after),
    "contract.term_months": ("term_months", _as_it_is),
    "contract.auto_renew": ("auto_renew", _flag),
}
"""Facts by path: the feature that says them, and how.

The features' trends compare with the mean of the 90 days before, so they are calmer than a comparison with the 30 days before.
"""


def facts_of_features(values: Mapping[str, FeatureValue], as_of: datetime) -> dict[str, Value]:
    """Give what features say, by the path of the fact; what is missing there is left out.

    Args:
        values: features by name, as in a snapshot.
        as_of: their cutoff, aware.
    """
    found: dict[str, Value] = {}
    for path, (feature, turn) in FACTS_OF_FEATURES.items():
        value = values.get(feature)
        if isinstance(value, int | float) and math.isfinite(value):
            found[path] = turn(float(value), as_of)
    return found


def with_facts(scope: Mapping[str, object], found: Mapping[str, Value]) -> dict[str, object]:
    """Give a scope in which these facts, by path, stand where nothing else does; the scope itself stays as it is."""
    filled = dict(scope)
    for path, value in found.items():
        *parents, last = path.split(".")
        node = filled
        for parent in parents:
            below = node.get(parent)
            node[parent] = below = dict(below) if isinstance(below, Mapping) else {}
            node = below
        if node.get(last) is None:
            node[last] = value
    return filled


def scope_of_features(values: Mapping[str, FeatureValue], as_of: datetime) -> dict[str, object]:
    """Give what a scorecard is evaluated against when all that is known is a snapshot: a moment in the past, or a simulation."""
    bare: dict[str, object] = {root: {} for root in ("account", "contact", "contract", "opportunity")}
    return with_facts({**bare, "now": as_of, "today": as_of.date()}, facts_of_features(values, as_of))
