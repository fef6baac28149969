from __future__ import annotations

import os

import pytest

# Threads of OpenMP wait for each other by spinning, which costs more than it saves where several test workers share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from scoring.models.train import Trained, train  # after the number of threads is said
from scoring.panel import Panel  # the same
from tests.scoring.models.panels import made  # the same


@pytest.fixture(scope="session")
def panel() -> Panel:
    """Enough cases for boosted trees."""
    return made(900, 12)


@pytest.fixture(scope="session")
def trained(panel: Panel) -> Trained:
    return train(panel, "churn", draws=30)


@pytest.fixture(scope="session")
def small() -> Panel:
    """Enough cases for a logistic regression only."""
    return made(190, 14, seed=3, intercept=-5.0)


@pytest.fixture(scope="session")
def small_trained(small: Panel) -> Trained:
    return train(small, "churn", draws=0)
