"""The features of an account at a cutoff: pure functions of what was known by then, of its history, and of nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from scoring.features.billing import billing_features
from scoring.features.contract import contract_features, terms_of
from scoring.features.definitions import FEATURES
from scoring.features.engagement import engagement_features
from scoring.features.history import History, Track
from scoring.features.support import support_features
from scoring.features.usage import baseline_of, days_to_first_value, usage_features
from scoring.features.values import DAY, moment_of, seconds
from scoring.panel import FeatureValue

Features: TypeAlias = dict[str, FeatureValue]
"""Every feature by its name, in the order of `FEATURES`; None where it is missing."""

TRENDS: Final[Mapping[str, str]] = {
    "logins_30d": "logins_trend",
    "active_users_30d": "active_users_trend",
    "features_30d": "features_trend",
}
"""Levels, and the features that say how they changed."""
_STATUS_DAYS: Final = 120.0


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What was known of one kind of observation: how many of the last 120 days, and the newest of all."""

    count: int
    newest_at: datetime
    age_days: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is stored of an account at a cutoff.

    Args:
        values: the features.
        coverage: share of them that are there, 0 to 1.
        max_event_at, max_ingested_at: the newest moments of the observations known at the cutoff; never after it.
        sources: by kind; a kind of which nothing was known is not in it.
    """

    values: Features
    coverage: float
    max_event_at: datetime | None
    max_ingested_at: datetime | None
    sources: Mapping[str, SourceStatus]


def features_at(history: History, cutoff: datetime) -> Features:
    """Give the features of an account as they were known at a cutoff."""
    at = seconds(cutoff)
    terms = terms_of(history, at)
    seats = terms.seats if terms else None
    found: Features = {
        **usage_features(history, at, seats),
        "days_to_first_value": days_to_first_value(history, at, terms.started if terms else None),
        **support_features(history, at, seats),
        **engagement_features(history, at),
        **billing_features(history, at),
        **contract_features(history, at, terms),
    }
    return {each.name: found.get(each.name) for each in FEATURES}


def coverage(values: Mapping[str, FeatureValue]) -> float:
    """Give the share of the features that are there, 0 to 1."""
    return sum(values.get(each.name) is not None for each in FEATURES) / len(FEATURES)


def snapshot_at(history: History, cutoff: datetime) -> Snapshot:
    """Give the features of an account at a cutoff, and what they rest on."""
    at, values = seconds(cutoff), features_at(history, cutoff)
    sources, learned = {}, []
    for kind, track in history.tracks.items():
        newest = track.last(at)
        if newest is None:
            continue
        sources[kind] = SourceStatus(
            count=len(track.known(at, at - _STATUS_DAYS * DAY)),
            newest_at=moment_of(track.at[newest]),
            age_days=round((at - track.at[newest]) / DAY, 2),
        )
        learned.append(_newest_learned(track, at))
    return Snapshot(
        values=values,
        coverage=coverage(values),
        max_event_at=max((each.newest_at for each in sources.values()), default=None),
        max_ingested_at=moment_of(max(learned)) if learned else None,
        sources=sources,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A measure as people read it: the last 30 days, and what 30 of the 90 days before came to."""

    value: float
    reference: float


def readable(history: History, cutoff: datetime) -> dict[str, Reading]:
    """Give the measures whose trend is a feature, by the feature of their level: "logins fell from 410 to 156 a month"."""
    values = features_at(history, cutoff)
    found = {}
    for level, trend in TRENDS.items():
        now, ratio = values[level], values[trend]
        if isinstance(now, float) and isinstance(ratio, float):
            found[level] = Reading(now, baseline_of(ratio, now))
    return found


def _newest_learned(track: Track, at: float) -> float:
    return max(track.learned[place] for place in track.known(at))
