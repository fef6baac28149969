"""The known hazards: of churn, of expansion, of a downgrade.

A rate holds for a week and is `exp(schedule + weights on the state)`. The schedule is what anybody could know in advance: the renewal, how
long the account has been a customer, its plan, drift. Within a week the rate is constant, so that the probability to survive the
share `e` of a week is exactly `exp(-e * rate)`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.panel import Numbers
from scoring.simulate.accounts import Accounts
from scoring.simulate.latent import Paths, State
from scoring.simulate.options import WEEK, Options, month_start

AHEAD_WEEKS: Final = 60
"""How many weeks after its end schedules still know: possible futures are drawn there."""


@dataclass(frozen=True)
class Hazard:
    """A rate a week.

    Args:
        schedule: (weeks + AHEAD_WEEKS, n) logarithms.
        satisfaction: weight on the state's satisfaction; `adoption` likewise; `no_champion` when there is none.
    """

    schedule: Numbers
    satisfaction: float
    adoption: float
    no_champion: float

    def rates(self, week: int, state: State) -> Numbers:
        """Give the rates of a week in a state, in its shape."""
        return np.exp(self._logs(self.schedule[week], state))

    def of_paths(self, paths: Paths) -> Numbers:
        """Give the rates of what really was: (weeks, n)."""
        return np.exp(self._logs(self.schedule[: len(paths.satisfaction)], paths))

    def _logs(self, schedule: Numbers, state: State | Paths) -> Numbers:
        logs: Numbers = (
            schedule + self.satisfaction * state.satisfaction + self.adoption * state.adoption + self.no_champion * ~state.champion
        )
        return logs


def exposures(options: Options, accounts: Accounts) -> Numbers:
    """Give the share of each week in which each is a customer if it never leaves: (weeks, n), 0 to 1."""
    ends = WEEK * np.arange(1, options.weeks + 1)[:, None]
    shares: Numbers = np.clip(ends - accounts.began, 0, WEEK) / WEEK
    return shares


def churn_hazard(options: Options, accounts: Accounts, paths: Paths) -> Hazard:
    """Give the hazard of churn, its level such that the mean probability in 90 days is the option's."""
    plain = Hazard(_renewal(options, accounts) + _standing(options, accounts), -1.05, -0.85, 0.7)
    level = _level(plain.of_paths(paths) * exposures(options, accounts), exposures(options, accounts), options.base_rate)
    return _shifted(plain, level + _base_rate_shift(options)[:, None])


def expansion_hazard(options: Options, accounts: Accounts, paths: Paths) -> Hazard:
    """Give the hazard of buying more: those who have made the product their own and are content, most around the renewal."""
    plain = Hazard(0.35 * _renewal(options, accounts), 0.7, 1.1, -0.5)
    level = _level(plain.of_paths(paths) * exposures(options, accounts), exposures(options, accounts), options.expansion_rate, lasting=True)
    return _shifted(plain, np.full((1, 1), level))


def downgrade_hazard(options: Options, accounts: Accounts, paths: Paths) -> Hazard:
    """Give the hazard of buying less: half as frequent as churn, and where little is used."""
    plain = Hazard(0.7 * _renewal(options, accounts), -0.4, -1.0, 0.3)
    rate = options.base_rate / 2
    level = _level(plain.of_paths(paths) * exposures(options, accounts), exposures(options, accounts), rate, lasting=True)
    return _shifted(plain, np.full((1, 1), level))


def _shifted(hazard: Hazard, by: Numbers) -> Hazard:
    return Hazard(hazard.schedule + by, hazard.satisfaction, hazard.adoption, hazard.no_champion)


def _renewal(options: Options, accounts: Accounts) -> Numbers:
    """Who has a long contract leaves when notice is due or at its end, hardly in between. Who goes month by month leaves at any time."""
    rows = []
    for week in range(options.weeks + AHEAD_WEEKS):
        left = accounts.term_end(week * WEEK) - week * WEEK
        at = np.select([left <= 14, left <= 63, left <= 98], [1.3, 1.2, 0.4], -0.35)
        rows.append(np.where(accounts.term == 1, 0.3, at))
    return np.stack(rows)


def _standing(options: Options, accounts: Accounts) -> Numbers:
    """New customers, once the first month is over, small plans and contracts that must be renewed by hand are lost more."""
    weeks = np.arange(options.weeks + AHEAD_WEEKS)[:, None] * WEEK
    fixed = np.select([accounts.plan == "starter", accounts.plan == "growth"], [0.25, 0.0], -0.2) + 0.2 * ~accounts.auto_renew
    since = weeks - accounts.began
    standing: Numbers = fixed + np.select([since < 28, since < 180], [-3.0, 0.3], 0.0)
    return standing


def _base_rate_shift(options: Options) -> Numbers:
    drift, weeks = options.drift, np.arange(options.weeks + AHEAD_WEEKS) * WEEK
    if drift.base_rate_from is None:
        return np.zeros(len(weeks))
    return np.where(weeks >= month_start(options, drift.base_rate_from), np.log(drift.base_rate_factor), 0.0)


def _level(rates: Numbers, exposed: Numbers, in_90_days: float, *, lasting: bool = False) -> float:
    """Find the logarithm by which rates must be shifted.

    Args:
        rates: (weeks, n) times the share of the week that is exposed.
        exposed: (weeks, n) those shares.
        in_90_days: the mean probability wanted.
        lasting: whether who had it stays exposed; otherwise each counts as long as it is likely to be there.
    """
    wanted = -np.log1p(-in_90_days) * WEEK / 90
    low, high = -20.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        scaled = np.exp(middle) * rates
        there = np.ones_like(rates) if lasting else np.exp(-(np.cumsum(scaled, axis=0) - scaled))
        got = float((there * scaled).sum() / max(1e-12, float((there * exposed).sum())))
        low, high = (middle, high) if got < wanted else (low, middle)
    return (low + high) / 2
