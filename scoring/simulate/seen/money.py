"""Invoices: every month of who goes month by month, every quarter of the others."""

import numpy as np

from scoring.simulate.options import WEEK
from scoring.simulate.outcomes import Outcomes
from scoring.simulate.seen.columns import Column, Seen, days_of
from scoring.simulate.seen.support import there
from scoring.simulate.seen.usage import seats_by_week
from scoring.simulate.world import World

_DUE_DAYS = 30


def invoices(world: World, outcomes: Outcomes) -> list[Seen]:
    """An invoice is seen when it is issued, at each payment that fails, and when it is paid: late by who is not content."""
    rng, accounts = world.options.stream("invoices"), world.accounts
    cycle = np.where(accounts.term == 1, 1, 3)
    # The first invoice within the book: the one after the months that are over when it starts.
    begun = np.maximum(0, -(-(accounts.months_on(0.0) + 1) // cycle))
    most = world.options.months + 2
    nth = begun + np.arange(most)[:, None]
    issued = accounts.month_day(nth * cycle)
    week = np.clip(issued // WEEK, 0, world.options.weeks - 1).astype(np.int64)
    here = np.broadcast_to(np.arange(len(accounts)), week.shape)
    mood = world.paths.satisfaction[week, here]
    shape = week.shape
    late = -6 + 4 * rng.standard_normal(shape) + rng.lognormal(1.6 - 0.8 * mood, 0.8, shape)
    fails = rng.random(shape) < 0.05 * np.exp(-0.6 * mood)
    fails_again = fails & (rng.random(shape) < 0.5)
    paid = np.maximum(issued + 1, issued + _DUE_DAYS + late + 6 * fails + 6 * fails_again)
    seats = seats_by_week(world, outcomes.changes)[week, here] / accounts.seats
    amount = np.round(accounts.mrr * cycle * seats, 2)
    rows = np.nonzero(there(world, outcomes, issued + 0.3, None) & (issued >= 0))
    account, number = rows[1], nth[rows]
    fixed: dict[str, Column] = {"amount": amount[rows], "due": days_of(accounts.start, issued[rows] + _DUE_DAYS)}

    def step(mark: str, when: Column, values: dict[str, Column], chosen: Column) -> Seen:
        whole = Seen("invoice", mark, account, number, when, when + 0.02, {**values, **fixed}, about="i")
        return whole.rows(chosen & there(world, outcomes, when, account))

    count = len(account)
    failed = {"status": np.full(count, "failed")}
    return [
        step("io", issued[rows] + 0.3, {"status": np.full(count, "open")}, np.ones(count, dtype=bool)),
        step("if", paid[rows] - 6 - 6 * fails_again[rows], failed, fails[rows]),
        step("ig", paid[rows] - 6, failed, fails_again[rows]),
        step("ip", paid[rows], {"status": np.full(count, "paid"), "paid": days_of(accounts.start, paid[rows])}, np.ones(count, dtype=bool)),
    ]
