"""Contracts: how each account began, what was renewed, made larger or smaller, and who left."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from scoring.simulate.months import months_later, whole_months
from scoring.simulate.outcomes import Outcomes
from scoring.simulate.seen.columns import Column, Seen
from scoring.simulate.world import World

_Row = tuple[int, int, float, str, float]
"""Place, number, moment, status, and by what revenue differs from that of the beginning."""


def contracts(world: World, outcomes: Outcomes) -> list[Seen]:
    """One contract an account, with the whole of what it holds in every observation, so that the newest says all."""
    accounts, rng = world.accounts, world.options.stream("contracts")
    rows = [row for place in _timelines(world, outcomes) for row in place]
    account, number = (np.array([row[k] for row in rows], dtype=np.int64) for k in (0, 1))
    at, factor = (np.array([row[k] for row in rows], dtype=float) for k in (2, 4))
    status = np.array([row[3] for row in rows])
    began, term = accounts.began_on[account], accounts.term[account]
    # The term that runs just after the moment: on the day on which one ends the next begins.
    months = np.maximum(0, whole_months(began, accounts.start + np.floor(at).astype("timedelta64[D]")))
    values: dict[str, Column] = {
        "status": status,
        "start": began,
        "end": months_later(began, term * (months // term + 1)),
        "term_months": term,
        "auto_renew": accounts.auto_renew[account],
        "mrr": np.where(status == "churned", 0.0, np.round(accounts.mrr[account] * factor, 2)),
        "plan": accounts.plan[account],
        "seats": np.maximum(1, np.round(accounts.seats[account] * factor)).astype(np.int64),
        "discount": accounts.discount[account],
    }
    lag = np.where(status == "active", 0.2, 0.1 + 0.9 * rng.random(len(at)))
    return [Seen("contract", "c", account, number, at, at + lag, values, about="k", about_number=np.zeros(len(at), dtype=np.int64))]


def _timelines(world: World, outcomes: Outcomes) -> Iterator[list[_Row]]:
    accounts, last = world.accounts, world.options.days
    changes: dict[int, list[tuple[float, str, float]]] = defaultdict(list)
    found = outcomes.changes
    for place, at, factor in zip(found.account.tolist(), found.at.tolist(), found.factor.tolist(), strict=True):
        changes[place].append((at, "expanded" if factor > 1 else "downgraded", factor))
    most = int((accounts.months_on(last) // accounts.term).max(initial=0)) + 1
    renewals = accounts.month_day(np.arange(1, most + 1)[:, None] * accounts.term)
    for place in range(len(accounts)):
        began, left = float(accounts.began[place]), float(outcomes.left_at[place])
        if began > last:
            continue
        events = [(began, "active", 1.0), *changes[place]]
        events += [(at, "renewed", 1.0) for at in renewals[:, place].tolist() if at < min(left, last)]
        if left <= last:
            events.append((left, "churned", 1.0))
        factor = 1.0
        rows = []
        for number, (at, status, by) in enumerate(sorted(events)):
            factor *= by
            rows.append((place, number, at, status, factor))
        yield rows
