"""Features in words, with value and reference: what a score is associated with, never what caused it."""

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from scoring.features.definitions import Feature
from scoring.panel import FeatureValue

Sentence: TypeAlias = Callable[[float, str], str]
"""Says a number, beside what others have (empty where nobody knows)."""


def words_for(feature: Feature, value: FeatureValue, reference: FeatureValue) -> str:
    """Say a feature's value.

    Args:
        feature: what it is.
        value: of the account; None when it is missing.
        reference: the median of the accounts a model learned from, of a category the commonest text.
    """
    if value is None:
        return _MISSING.get(feature.name, f"nothing is known of: {feature.words}") + _beside(feature, reference)
    if isinstance(value, str) or isinstance(reference, str):
        return f'{feature.words} "{value}"' + (f' (most often "{reference}")' if reference is not None and reference != value else "")
    if feature.unit == "log ratio":
        return _change(feature, value)
    sentence = _SENTENCES.get(feature.name)
    return (
        sentence(value, _beside(feature, reference))
        if sentence
        else f"{feature.words}: {_said(feature, value)}{_beside(feature, reference)}"
    )


def is_silent(feature: Feature, value: float) -> bool:
    """Say whether all that could be said of a number is that nothing is known."""
    return math.isnan(value) and feature.name not in _MISSING


def _change(feature: Feature, value: float) -> str:
    percent = 100 * math.expm1(min(value, 7.0))
    if abs(percent) < 1:
        return f"{feature.words} as in the 90 days before"
    if percent > 300:
        return f"{feature.words} rose to {number_in_words(1 + percent / 100)} times those of the 90 days before"
    return f"{feature.words} {'fell' if percent < 0 else 'rose'} {abs(percent):.0f} % against the 90 days before"


def _beside(feature: Feature, reference: FeatureValue) -> str:
    if reference is None or feature.name in _FLAGS or feature.unit == "log ratio":
        return ""
    return f' (most often "{reference}")' if isinstance(reference, str) else f" (others: {_said(feature, reference)})"


def _said(feature: Feature, value: float) -> str:
    if feature.name == "mrr_log":
        return number_in_words(math.expm1(min(value, 50.0)))
    if feature.unit == "share":
        return f"{100 * value:.0f} %"
    return number_in_words(value)


def number_in_words(value: float) -> str:
    """Write a number with three digits that count, and thousands apart."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or float(value).is_integer() else f"{value:.1f}" if size >= 10 else f"{value:.2g}"


def _counted(value: float, one: str, many: str) -> str:
    return f"{number_in_words(value)} {one if value == 1 else many}"


_FLAGS: Final = frozenset({"champion_left", "downgraded_180d", "auto_renew"})
_MISSING: Final[Mapping[str, str]] = {
    "days_since_login": "no login is known",
    "days_since_meeting": "no meeting is known",
    "days_since_executive": "no meeting with an executive is known",
    "nps": "the recommendation question was never answered",
}
_SENTENCES: Final[Mapping[str, Sentence]] = {
    "logins_30d": lambda v, o: f"{_counted(v, 'login', 'logins')} in 30 days{o}",
    "active_users_30d": lambda v, o: f"{_counted(v, 'active user', 'active users')} in 30 days{o}",
    "seat_share": lambda v, o: f"{100 * v:.0f} % of the seats in use{o}",
    "days_since_login": lambda v, o: f"no login for {_counted(v, 'day', 'days')}{o}",
    "weeks_active_share": lambda v, o: f"logins in {100 * v:.0f} % of the last 13 weeks{o}",
    "features_30d": lambda v, o: f"{_counted(v, 'feature', 'features')} in use in 30 days{o}",
    "days_to_first_value": lambda v, o: f"{_counted(v, 'day', 'days')} from the start to the first use of a feature{o}",
    "tickets_per_seat_90d": lambda v, o: f"{number_in_words(v)} tickets a seat in 90 days{o}",
    "urgent_open": lambda v, o: f"{_counted(v, 'open ticket', 'open tickets')} of severity 1 or 2{o}",
    "first_response_h": lambda v, o: f"{_counted(v, 'hour', 'hours')} to the first answer of support{o}",
    "reopened_share": lambda v, o: f"{100 * v:.0f} % of the tickets opened again{o}",
    "csat_180d": lambda v, o: f"satisfaction with support {number_in_words(v)} of 5{o}",
    "days_since_meeting": lambda v, o: f"no meeting for {_counted(v, 'day', 'days')}{o}",
    "days_since_executive": lambda v, o: f"no meeting with an executive for {_counted(v, 'day', 'days')}{o}",
    "reply_share_90d": lambda v, o: f"{100 * v:.0f} % of our messages answered in 90 days{o}",
    "champion_left": lambda v, _: "the champion left in the last 180 days" if v else "no champion left in the last 180 days",
    "nps": lambda v, o: f"{number_in_words(v)} of 10 as the latest answer to the recommendation question{o}",
    "nps_age_days": lambda v, o: f"latest answer to the recommendation question {_counted(v, 'day', 'days')} old{o}",
    "overdue_days": lambda v, o: f"oldest unpaid invoice {_counted(v, 'day', 'days')} overdue{o}",
    "failed_payments_90d": lambda v, o: f"{_counted(v, 'failed payment', 'failed payments')} in 90 days{o}",
    "downgraded_180d": lambda v, _: f"the contract was {'' if v else 'not '}made smaller in the last 180 days",
    "discount_share": lambda v, o: f"{100 * v:.0f} % discount{o}",
    "days_to_renewal": lambda v, o: f"{_counted(v, 'day', 'days')} to the renewal{o}",
    "term_months": lambda v, o: f"contract of {_counted(v, 'month', 'months')}{o}",
    "auto_renew": lambda v, _: f"the contract {'goes' if v else 'does not go'} on by itself",
    "tenure_days": lambda v, o: f"customer for {_counted(v, 'day', 'days')}{o}",
    "mrr_log": lambda v, o: f"monthly revenue {number_in_words(math.expm1(min(v, 50.0)))}{o}",
    "seats": lambda v, o: f"{_counted(v, 'seat', 'seats')} bought{o}",
}
