"""Tickets and answers to surveys."""

from typing import Final

import numpy as np

from scoring.panel import Flags, Numbers
from scoring.simulate.options import WEEK, Places
from scoring.simulate.outcomes import Outcomes
from scoring.simulate.seen.columns import Column, Seen
from scoring.simulate.world import World

_MOST_A_WEEK: Final = 4
_SURVEY_WEEKS: Final = 13
_HOURS: Final = 24


def tickets(world: World, outcomes: Outcomes) -> list[Seen]:
    """A ticket is seen when it is opened, when it is answered for the first time, and when it is closed."""
    rng, satisfaction = world.options.stream("tickets"), world.paths.satisfaction
    rate = 0.022 * np.sqrt(world.accounts.seats) * np.exp(-0.45 * satisfaction)
    count = np.minimum(_MOST_A_WEEK, rng.poisson(rate))
    shape = (*count.shape, _MOST_A_WEEK)
    at = WEEK * (np.arange(world.options.weeks)[:, None, None] + rng.random(shape))
    mood = satisfaction[:, :, None]
    severity = 1 + (rng.random(shape)[..., None] > np.stack(_severities(mood), axis=-1)).sum(axis=-1)
    hours = rng.lognormal(1.6 - 0.45 * mood, 0.7, shape)
    done = at + hours / _HOURS + rng.lognormal(0.4 - 0.3 * mood, 0.8, shape)
    reopened = rng.random(shape) < 0.1 * np.exp(-0.5 * mood)
    csat = np.where(rng.random(shape) < 0.5, np.clip(np.round(3.7 + 0.9 * mood + rng.normal(0, 0.7, shape)), 1, 5), np.nan)
    asked = np.arange(_MOST_A_WEEK) < count[:, :, None]
    rows = np.nonzero(asked & there(world, outcomes, at))
    week, account, nth = rows
    number = week * 10 + nth

    def step(mark: str, when: Numbers, values: dict[str, Column]) -> Seen:
        whole = Seen("ticket", mark, account, number, when, when + 0.01, values, about="t")
        return whole.rows(there(world, outcomes, when, account))

    opened, known = at[rows], {"severity": severity[rows].astype(np.int64)}
    answered = {**known, "first_response_h": hours[rows]}
    closed = {**answered, "reopened": reopened[rows], "csat": csat[rows]}
    return [
        step("to", opened, {"status": np.full(len(week), "open"), **known}),
        step("ta", opened + hours[rows] / _HOURS, {"status": np.full(len(week), "open"), **answered}),
        step("tc", done[rows], {"status": np.full(len(week), "closed"), **closed}),
    ]


def surveys(world: World, outcomes: Outcomes) -> list[Seen]:
    """Everybody is asked once a quarter, each in a week of its own; who is content answers more."""
    rng, satisfaction = world.options.stream("surveys"), world.paths.satisfaction
    shape: tuple[int, ...] = satisfaction.shape
    asked = (np.arange(shape[0])[:, None] + rng.integers(0, _SURVEY_WEEKS, shape[1])) % _SURVEY_WEEKS == 0
    answers = rng.random(shape) < 1 / (1 + np.exp(-(0.5 + 0.4 * satisfaction)))
    at = WEEK * (np.arange(shape[0])[:, None] + rng.random(shape))
    nps = np.clip(np.round(7.2 + 1.8 * satisfaction + rng.normal(0, 1.0, shape)), 0, 10).astype(np.int64)
    rows = np.nonzero(asked & answers & there(world, outcomes, at))
    return [Seen("survey", "s", rows[1], rows[0], at[rows], at[rows] + 0.02, {"nps": nps[rows]})]


def there(world: World, outcomes: Outcomes, at: Numbers, account: Places | None = None) -> Flags:
    """Say of moments whether their accounts are customers then and the book runs.

    `at` is (k,) with `account` (k,) places, or (weeks, n) or (weeks, n, more) without.
    """
    began, left = world.accounts.began, outcomes.left_at
    if account is not None:
        began, left = began[account], left[account]
    elif at.ndim == 3:
        began, left = began[:, None], left[:, None]
    flags: Flags = (at > began) & (at >= 0) & (at < left) & (at <= world.options.days)
    return flags


def _severities(mood: Numbers) -> list[Numbers]:
    """Bounds between the severities 1 to 4: the unhappier, the more is urgent."""
    first = 0.06 * np.exp(-0.4 * mood)
    bounds = [first, first * 3.5, np.clip(first * 3.5 + 0.45, 0, 0.97)]
    shape = np.broadcast(*bounds).shape
    return [np.broadcast_to(bound, shape) for bound in bounds]
