from __future__ import annotations

from datetime import date

import pytest

from scoring.simulate.book import Book, simulate
from scoring.simulate.options import Options

START = date(2024, 1, 1)


@pytest.fixture(scope="session")
def book() -> Book:
    return simulate(Options(accounts=2_000, months=30, seed=1, start=START))


@pytest.fixture(scope="session")
def small() -> Book:
    return simulate(Options(accounts=80, months=9, seed=3, start=START))
