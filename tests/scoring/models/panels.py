"""Small panels whose truth is known."""

from __future__ import annotations

import numpy as np

from scoring.features.definitions import FEATURES
from scoring.panel import Panel

PLACES = {feature.name: place for place, feature in enumerate(FEATURES)}
PLANS = ("basic", "pro")


def made(accounts: int = 600, cutoffs: int = 14, seed: int = 0, *, intercept: float = -4.2, known: float = 1.0) -> Panel:
    """Accounts at cutoffs 28 days apart; who logs in less and less leaves more often. `known`: how much the features say of it."""
    rng = np.random.default_rng(seed)
    n = accounts * cutoffs
    account = np.repeat([f"A{number:05}" for number in range(accounts)], cutoffs)
    day = np.tile(np.datetime64("2025-01-06", "D") + np.arange(cutoffs) * np.timedelta64(28, "D"), accounts)
    values = rng.normal(size=(n, len(FEATURES)))
    pull = np.repeat(rng.normal(size=accounts), cutoffs)
    values[:, PLACES["logins_trend"]] = -0.4 * pull + rng.normal(0, 0.2, n)
    values[:, PLACES["logins_30d"]] = np.maximum(0, 30 - 8 * pull + rng.normal(0, 4, n)).round()
    values[:, PLACES["days_since_login"]] = np.maximum(1, 4 + 3 * pull + rng.normal(0, 1, n)).round()
    values[:, PLACES["nps"]] = np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 11, n))
    values[:, PLACES["plan"]] = rng.integers(0, 2, n)
    odds = intercept + known * (1.3 * pull + 0.5 * (values[:, PLACES["plan"]] == 0))
    labels = rng.random(n) < 1 / (1 + np.exp(-odds))
    groups = {"plan": np.array(PLANS)[values[:, PLACES["plan"]].astype(int)]}
    return Panel(FEATURES, account, day, values, labels, {"plan": PLANS}, groups)
