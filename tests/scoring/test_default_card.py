"""The card that comes with the product, on a simulated book whose hazard it does not know: the gate of the design, AUC at least .72."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from activities.scoring.health import shipped_card
from playbook_dsl.scorecard.card import Card
from playbook_dsl.scorecard.lint import lint_card
from scoring.features.history import histories_of
from scoring.features.panels import build_panel
from scoring.health_backtest import backtest
from scoring.health_lint import lint_scores
from scoring.health_panel import health_of_panel
from scoring.health_probability import scorecard_probability
from scoring.known_facts import FACTS_OF_FEATURES, facts_of_features
from scoring.panel import Panel
from scoring.simulate.book import simulate
from scoring.simulate.options import Options
from storage.fact_definitions import BY_PATH

GATE = 0.72


@pytest.fixture(scope="module")
def panel() -> Panel:
    book = simulate(Options(accounts=1200, months=18, seed=20261125))
    end = datetime(book.end.year, book.end.month, book.end.day, tzinfo=UTC)
    return build_panel(
        histories_of(book.observations()).values(), [end - timedelta(days=105 + 30 * month) for month in range(5)], "churn", until=end
    )


@pytest.fixture(scope="module")
def card() -> Card:
    return shipped_card()


@pytest.mark.slow
def test_the_shipped_card_passes_its_gate_and_says_so_beside_the_base_rate(panel: Panel, card: Card) -> None:
    past = health_of_panel(card, panel)
    found = backtest(past.scores, panel.labels, panel.accounts, green=card.green, yellow=card.yellow)
    rates = [band.rate.value or 0.0 for band in found.bands[:3] if band.rows >= 50]

    assert found.auc.value is not None
    assert found.base_rate.value is not None
    assert found.auc.value >= GATE
    assert found.auc.value < 0.95  # above it something has leaked
    assert 0.01 < found.base_rate.value < 0.1
    assert found.top_decile_lift.value is not None
    assert found.top_decile_lift.value > 2
    assert found.scored > 0.9
    assert rates == sorted(rates)  # green is lost less than yellow
    assert len(rates) >= 2


@pytest.mark.slow
def test_its_health_is_a_probability_that_fits_what_happened(panel: Panel, card: Card) -> None:
    scores = health_of_panel(card, panel).scores
    half = panel.as_of < np.median(panel.as_of.astype("int64")).astype("datetime64[D]")
    curve = scorecard_probability(scores[half], panel.labels[half])
    later = ~half & ~np.isnan(scores)

    assert curve.fitted
    assert curve.of_all(scores[later]).mean() == pytest.approx(panel.labels[later].mean(), abs=0.015)


def test_every_measure_of_the_shipped_card_is_known_in_the_past_too(card: Card) -> None:
    asked = {path for _, measure in card.measures() for path in measure.paths}

    assert asked <= set(FACTS_OF_FEATURES)
    assert lint_card(card) == []


def test_features_become_facts_of_their_types() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    values = {feature: 1.5 for feature, _ in FACTS_OF_FEATURES.values()}
    kinds = {"number": float, "bool": bool, "datetime": datetime}
    found = facts_of_features(values, at)

    assert set(found) == set(FACTS_OF_FEATURES) <= set(BY_PATH)
    for path, value in found.items():
        kind = BY_PATH[path].type.kind
        assert kind == "date" or isinstance(value, kinds[kind])
    assert facts_of_features({"logins_trend": -0.6931471805599453}, at)["usage.logins.change_30d"] == -50
    assert facts_of_features({"logins_trend": None, "nps": float("nan")}, at) == {}


def test_measures_that_are_missing_for_most_and_those_that_say_the_same_of_all_are_named() -> None:
    accounts = [{"a": None if number < 15 else 50.0, "b": 80.0, "c": float(number)} for number in range(25)]
    titles = {"a": "Logins", "b": "Tickets", "c": "Seats"}

    assert [(remark.kind, remark.subject) for remark in lint_scores(accounts, titles)] == [("missing", "a"), ("weight", "b")]
    assert lint_scores(accounts[:10], titles) == []
