"""Features of the product's use, and of how much of the product is used.

Sources report in two ways: one observation a period with its logins and active users, or one a person and event. A weekly report is
spread over its week, and the 30 days, the 13 weeks and the days since the last login are counted back from the end of the newest report
unless a whole one is missing: otherwise the windows would hold a week more or less, and the days run from 1 to 7, by the weekday of the
cutoff alone. What no observation of the last 120 days says anything about is missing; a feed in which nobody logs
in is 0.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from scoring.features.history import History
from scoring.features.reports import Report
from scoring.features.values import DAY
from scoring.panel import FeatureValue

_WINDOW_DAYS: Final = 30.0
_WINDOWS: Final = 4
"""The 30 days up to the cutoff, and the three times 30 of the baseline."""
_FEED_DAYS: Final = 120.0
_TAIL_DAYS: Final = 21.0
"""Reports before the oldest window that may still reach into it: a week's length, and two weeks that the newest may be away."""
_WEEKS: Final = 13
_LEAST_BASELINE_DAYS: Final = 14.0
"""Less of a baseline says nothing about a trend."""
_FIRST_VALUE_DAYS: Final = 31.0
"""A feed that begins later than this after the contract cannot say when the first feature was used."""
FIRST_USE_DAYS: Final = 366
"""How long after a feed began the first use of a feature is looked for."""
LAST_USE_DAYS: Final = 730
"""How long back the last login is looked for. What is read for features (`storage.repositories.observations`) goes back as far."""


@dataclass(slots=True)
class Windows:
    """Usage in 30-day windows, the newest first.

    `age`: how many days ago what is reported began; `covered_weeks`: the same in weeks; `end`: the moment from which is counted back.
    """

    age: float
    covered_weeks: int
    end: float
    logins: list[float] | None = None
    active: list[list[float]] | None = None
    users: list[set[str]] | None = None
    features: list[set[str]] | None = None
    weeks: set[int] = field(default_factory=set)

    def active_in(self, window: int) -> float | None:
        """Give the active users of a window: the mean of its reports, else the people who were named."""
        if self.active is not None and (self.users is None or self.active[window]):
            reports = self.active[window]
            return math.fsum(reports) / len(reports) if reports else 0.0
        return None if self.users is None else float(len(self.users[window]))


def usage_windows(history: History, cutoff: float) -> Windows | None:
    """Give the usage of the 120 days up to a cutoff, None where no feed was known in them."""
    track = history.tracks["usage"]
    places = track.known(cutoff, cutoff - (_FEED_DAYS + _TAIL_DAYS) * DAY)
    first = track.first(cutoff)
    if not places or first is None or track.at[places[-1]] <= cutoff - _FEED_DAYS * DAY:
        return None
    age = (cutoff - track.at[first]) / DAY
    found = Windows(age, min(_WEEKS, int(age / 7) + 1), cutoff)
    chosen = [(track.at[place], history.reports[place]) for place in places]
    _count_logins(found, chosen, cutoff, track.at[first])
    _count_people(found, [each for each in chosen if each[0] > cutoff - _FEED_DAYS * DAY], cutoff)
    return found


def _count_people(found: Windows, chosen: list[tuple[float, Report]], cutoff: float) -> None:
    for at, report in chosen:
        window = min(_WINDOWS - 1, int((cutoff - at) / DAY / _WINDOW_DAYS))
        if report.active is not None or report.silent:
            found.active = found.active or [[] for _ in range(_WINDOWS)]
            if report.active is not None:
                found.active[window].append(report.active)
        if report.user is not None:
            found.users = found.users or [set() for _ in range(_WINDOWS)]
            if report.on:
                found.users[window].add(report.user)
        if report.features is not None or report.silent:
            found.features = found.features or [set() for _ in range(_WINDOWS)]
            found.features[window].update(report.features or ())


def _count_logins(found: Windows, chosen: list[tuple[float, Report]], cutoff: float, first: float) -> None:
    counted = [(at, report) for at, report in chosen if report.logins is not None or report.silent]
    told = counted or [(at, report) for at, report in chosen if report.active is not None]
    if not told:
        return
    weeks = _weekly(told)
    weekly_at = {at for (at, _), weekly in zip(told, weeks, strict=True) if weekly}
    newest = max(weekly_at, default=cutoff)
    found.end = end = newest if cutoff - newest < 14 * DAY else cutoff
    found.covered_weeks = min(_WEEKS, _week_of(first, end, weeks[0]) + 1)
    found.weeks = {_week_of(at, end, at in weekly_at) for at, report in chosen if report.on}
    if not counted:
        return
    if weeks[0]:
        found.age += 7
    parts: list[list[float]] = [[] for _ in range(_WINDOWS)]
    for (at, report), weekly in zip(counted, weeks, strict=True):
        if report.logins:
            _spread(parts, report.logins, (end - at) / DAY, weekly)
    # Exact sums: what is not known yet must not change the last digit by the order of adding.
    found.logins = [math.fsum(window) for window in parts]


def _week_of(at: float, end: float, weekly: bool) -> int:
    """Say how many weeks before the end something was. A weekly report that is hours early or late is still that week's."""
    weeks = (end - at) / DAY / 7
    return max(0, round(weeks) if weekly and end - at >= 0 else int(weeks))


def _weekly(counted: list[tuple[float, Report]]) -> list[bool]:
    """Say of each observation whether it reports a week: nobody is named, and the one before is whole weeks older.

    The first is taken for what the second is.
    """
    result = [False] * len(counted)
    unnamed = [place for place, (_, report) in enumerate(counted) if report.user is None]
    for before, place in pairwise(unnamed):
        gap = (counted[place][0] - counted[before][0]) / DAY
        result[place] = gap >= 6 and abs(gap - 7 * round(gap / 7)) <= 1
    if len(unnamed) > 1:
        result[unnamed[0]] = result[unnamed[1]]
    return result


def _spread(parts: list[list[float]], logins: float, age: float, weekly: bool) -> None:
    """Add logins to the windows in which they lie. `age`: days between the report and the end of the newest window."""
    if not weekly:
        window = max(0, int(age / _WINDOW_DAYS))
        if window < _WINDOWS:
            parts[window].append(logins)
        return
    for window in range(_WINDOWS):
        start, end = window * _WINDOW_DAYS, (window + 1) * _WINDOW_DAYS
        share = (min(age + 7, end) - max(age, start)) / 7
        if share > 0:
            parts[window].append(logins * share)


def log_ratio(now: float, before: float) -> float:
    """Give the natural logarithm of a number to its baseline; one is added to both, so that nothing at all has one too."""
    return math.log((now + 1) / (before + 1))


def baseline_of(ratio: float, now: float) -> float:
    """Give the baseline back of which `log_ratio` was made."""
    return (now + 1) / math.exp(ratio) - 1


def usage_features(history: History, cutoff: float, seats: float | None) -> dict[str, FeatureValue]:
    """Give the features of usage and adoption, all but the days to the first value."""
    found = usage_windows(history, cutoff)
    result: dict[str, FeatureValue] = {"days_since_login": _days_since_login(history, cutoff, found.end if found else cutoff)}
    if found is None:
        return result
    baseline_days = min(90.0, found.age - _WINDOW_DAYS)
    trends = baseline_days >= _LEAST_BASELINE_DAYS
    if found.logins is not None:
        result["logins_30d"] = found.logins[0]
        result["weeks_active_share"] = len([week for week in found.weeks if week < _WEEKS]) / found.covered_weeks
        if trends:
            result["logins_trend"] = log_ratio(found.logins[0], math.fsum(found.logins[1:]) * _WINDOW_DAYS / baseline_days)
    active = [found.active_in(window) for window in range(_WINDOWS)]
    if active[0] is not None:
        result["active_users_30d"] = active[0]
        result["seat_share"] = active[0] / seats if seats else None
        result["active_users_trend"] = log_ratio(active[0], _mean_before(active, found.age)) if trends else None
    if found.features is not None:
        used = [float(len(names)) for names in found.features]
        result["features_30d"] = used[0]
        result["features_trend"] = log_ratio(used[0], _mean_before(used, found.age)) if trends else None
    return result


def _mean_before(values: list[float | None] | list[float], age: float) -> float:
    """Give the mean of the windows before the newest, of those that the feed had reached by at least half."""
    reached = [value or 0.0 for window, value in enumerate(values) if window and age >= _WINDOW_DAYS * window + _LEAST_BASELINE_DAYS]
    return math.fsum(reached) / len(reached)


def _days_since_login(history: History, cutoff: float, end: float) -> float | None:
    track, reports = history.tracks["usage"], history.reports
    for place in reversed(track.known(cutoff, cutoff - LAST_USE_DAYS * DAY)):
        if reports[place].on:
            return max(0.0, (end - track.at[place]) / DAY)
    return None


def days_to_first_value(history: History, cutoff: float, started: float | None) -> float | None:
    """Give the days from the start of the contract to the first use of a feature, None until then and where no feed goes back so far."""
    track, reports = history.tracks["usage"], history.reports
    first = track.first(cutoff)
    if started is None or first is None or track.at[first] > started + _FIRST_VALUE_DAYS * DAY:
        return None
    for place in track.known(cutoff):
        if track.at[place] > track.at[first] + FIRST_USE_DAYS * DAY:
            break
        if reports[place].features:
            return max(0.0, (track.at[place] - started) / DAY)
    return None
