"""The page about impact says what the code does: tables, reasons, codes, defaults."""

from __future__ import annotations

import inspect
import re

from api.services.impact_words import MEASURE_WORDS, measure_of
from scoring.impact import outcomes
from scoring.impact.looks import boundaries
from scoring.impact.money import Prices
from scoring.impact.power import accounts_per_arm, smallest_detectable
from scoring.impact.readings import FEWEST, MEASURES
from storage.enrollment.experiments import EVERY, LOOKS
from tests.house.tree import ROOT

PAGE = (ROOT / "docs/impact.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the table whose first heading this is."""
    table = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def share(text: str) -> float:
    return float(text.split("%")[0].strip().lstrip("-")) / 100


def test_the_table_of_sample_sizes_is_computed() -> None:
    for base, *sizes in rows("base rate"):
        expected = [f"{accounts_per_arm(share(base), cut):,}" for cut in (0.1, 0.2, 0.3, 0.5)]

        assert sizes == expected


def test_the_table_of_smallest_reductions_is_computed() -> None:
    for accounts, *cuts in rows("accounts"):
        n = int(accounts.replace(",", ""))
        found = [smallest_detectable(n * (1 - held), n * held, 0.1) for held in (0.1, 0.2, 0.5)]

        assert cuts == ["none" if cut is None else f"-{cut * 100:.0f} %" for cut in found]


def test_every_measure_and_every_reason_is_named() -> None:
    first = [re.findall(r"`(\w+)`", row[0])[0] for row in rows("`measure`")]
    reasons = set(re.findall(r'"([a-z]+_[a-z_]+)"', inspect.getsource(outcomes.outcome_of)))

    assert first == list(MEASURES)
    assert {measure_of(word) for word in MEASURE_WORDS} == set(MEASURES)
    assert reasons - set(re.findall(r"`(\w+)`", PAGE)) == set()


def test_the_defaults_are_as_the_page_says() -> None:
    bounds = boundaries([number / LOOKS for number in range(1, LOOKS + 1)])

    assert (LOOKS, EVERY.days, FEWEST) == (12, 30, 10)
    assert (round(bounds[0], 1), round(bounds[5]), round(bounds[11])) == (7.7, 3, 2)
    prices = Prices()
    said = (
        f"an hour costs {prices.hour:g}, a task takes {prices.minutes_per_task:g} minutes, "
        f"an e-mail costs {prices.email:g} and a text message {prices.sms:g}"
    )
    assert said in PAGE
