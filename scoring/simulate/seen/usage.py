"""Usage, once a week: how much shows adoption, how busily satisfaction."""

from typing import Final

import numpy as np

from scoring.panel import Numbers
from scoring.simulate.options import WEEK, month_start
from scoring.simulate.outcomes import Changes, Outcomes
from scoring.simulate.seen.columns import Column, Seen
from scoring.simulate.world import World

FEATURES: Final = ("reports", "dashboards", "alerts", "exports", "integrations", "automations", "api", "forecasts")
_COMMON: Final = np.array([0.30, 0.25, 0.14, 0.10, 0.08, 0.06, 0.05, 0.02])
_HARD: Final = np.array([-2.0, -1.8, -1.0, -0.6, -0.2, 0.2, 0.6, 1.2])
"""How much adoption half of the accounts need before they use a feature."""
_LOGINS_A_USER: Final = 4.0


def usage(world: World, outcomes: Outcomes) -> list[Seen]:
    """One observation for each week that an account was a customer to the end of."""
    rng, paths, weeks = world.options.stream("usage"), world.paths, world.options.weeks
    shape: tuple[int, ...] = paths.adoption.shape
    ends = WEEK * np.arange(1, weeks + 1)[:, None]
    seats = seats_by_week(world, outcomes.changes)
    # How many of the people who have a seat need it at all differs by customer and tells nothing.
    habit = rng.normal(0, 0.1, shape[1])
    share = 1 / (1 + np.exp(-(0.3 + habit + 0.85 * paths.adoption + 0.85 * paths.satisfaction + 0.1 * rng.standard_normal(shape))))
    active = rng.binomial(seats, share * _season(world)[:, None])
    logins = rng.poisson(active * _LOGINS_A_USER * np.exp(0.4 * paths.satisfaction + 0.08 * rng.standard_normal(shape)))
    uses = _uses(rng, logins, paths.adoption)
    if world.options.drift.logins_halved_from is not None:
        changed = ends > month_start(world.options, world.options.drift.logins_halved_from)
        logins = np.where(changed, rng.binomial(logins, 0.5), logins)
    lag: Numbers = 0.1 + 0.15 * rng.random(shape)
    week, account = np.nonzero((ends > world.accounts.began) & (ends <= outcomes.left_at))
    occurred: Numbers = np.asarray(WEEK * (week + 1.0), dtype=float)
    values: dict[str, Column] = {"logins": logins[week, account], "active_users": active[week, account], "features": uses[week, account]}
    return [Seen("usage", "u", account, week, occurred, occurred + lag[week, account], values, names=FEATURES)]


def seats_by_week(world: World, changes: Changes) -> Column:
    """Give the seats bought at the end of each week: (weeks, n) whole numbers."""
    logs = np.zeros(world.exposed.shape)
    week = np.minimum(world.options.weeks - 1, (changes.at // WEEK).astype(np.int64))
    np.add.at(logs, (week, changes.account), np.log(changes.factor))
    return np.maximum(1, np.round(world.accounts.seats * np.exp(np.cumsum(logs, axis=0)))).astype(np.int64)


def _season(world: World) -> Numbers:
    """Less is done around the end of the year and in August."""
    days = world.accounts.start + (WEEK * np.arange(world.options.weeks)).astype("timedelta64[D]")
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    return np.select([(of_year >= 352) | (of_year < 2), month == 7], [0.8, 0.93], 1.0)


def _uses(rng: np.random.Generator, logins: Column, adoption: Numbers) -> Column:
    found = [rng.poisson(2 * logins * common / (1 + np.exp(-2.5 * (adoption - hard)))) for common, hard in zip(_COMMON, _HARD, strict=True)]
    return np.stack(found, axis=-1)
