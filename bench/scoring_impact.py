"""Impact's gates: how often nothing is taken for something, alone, with heavy tails, and looked at every week."""

import numpy as np

from scoring.impact.estimates import critical
from scoring.impact.looks import boundaries
from scoring.impact.means import difference, winsorise
from scoring.impact.power import accounts_per_arm
from scoring.impact.proportions import Counts, limits
from scoring.panel import Numbers

DRAWS = 2_000
PUBLISHED = {(0.03, 0.1): 48_289, (0.1, 0.3): 1_353, (0.25, 0.5): 150}
"""Accounts an arm by base rate and reduction, as the design has them."""


def false_churn(share: float = 0.2, accounts: int = 2_400, rate: float = 0.1) -> float:
    """Give the share of A/A draws in which churn seems to differ between the arms."""
    rng = np.random.default_rng(11)
    control = np.full((DRAWS, 1), round(accounts * share))
    treated = accounts - control
    drawn = (rng.binomial(treated, rate), treated, rng.binomial(control, rate), control)
    found = limits(Counts(*(np.asarray(each, float) for each in drawn)), critical())
    return float(np.mean((found[1] > 0) | (found[2] < 0)))


def false_revenue(accounts: int = 300) -> float:
    """Give the same of revenue, of which most accounts change nothing and a few very much, with a fifth held out."""
    rng = np.random.default_rng(5)
    false = 0
    for draw in range(DRAWS):
        y: Numbers = np.where(rng.random(accounts) < 0.3, rng.lognormal(0, 2, accounts), 0.0)
        treated = np.ones(accounts, bool)
        treated[rng.permutation(accounts)[: accounts // 5]] = False
        false += difference(winsorise(y), treated, permutations=199, seed=draw).at_boundary(critical()).excludes_zero
    return false / DRAWS


def false_at_looks(planned: bool, looks: int = 12) -> float:
    """Give the share of experiments on nothing that are called something at one of so many looks."""
    shares = [look / looks for look in range(1, looks + 1)]
    steps = np.random.default_rng(4).normal(size=(20_000, looks)) * np.sqrt(1 / looks)
    z = np.abs(np.cumsum(steps, axis=1) / np.sqrt(shares))
    bounds = np.array(boundaries(shares)) if planned else np.full(looks, critical())
    return float(np.mean((z > bounds).any(axis=1)))


def power_is_as_published() -> bool:
    """Say whether the accounts an arm needs are those of the design."""
    return all(accounts_per_arm(base, cut) == accounts for (base, cut), accounts in PUBLISHED.items())
