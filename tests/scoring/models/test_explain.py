from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from scoring.features.definitions import FEATURES, Feature
from scoring.models.explain import MOST_FACTORS, MOST_OF_FAMILY, Explainer
from scoring.models.files import Manifest, save, sha256_of
from scoring.models.local import LocalModel
from scoring.models.model import Model
from scoring.models.train import Trained
from scoring.models.words import words_for
from scoring.panel import FeatureValue, Panel
from tests.scoring.models.panels import PLACES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BY_NAME = {feature.name: feature for feature in FEATURES}


@pytest.fixture(params=["trained", "small_trained"])
def model(request: pytest.FixtureRequest) -> Model:
    trained: Trained = request.getfixturevalue(request.param)
    assert trained.model is not None
    return trained.model


def local(model: Model) -> LocalModel:
    file = save(model, Manifest(3))
    return LocalModel.load(file, sha256_of(file))


def test_contributions_add_up_to_the_calibrated_prediction(model: Model, panel: Panel) -> None:
    rows = np.where(np.random.default_rng(0).random(panel.values.shape) < 0.2, np.nan, panel.values)[:400]

    assert model.calibration.slope != 1
    assert Explainer(model).additivity_error(rows) < 1e-9


def test_families_are_the_contributions_of_their_features(model: Model, panel: Panel) -> None:
    explainer = Explainer(model)
    parts = explainer.contributions(panel.values[:50])

    np.testing.assert_allclose(sum(explainer.families(parts).values()), parts.sum(axis=1))


def test_a_planted_drop_of_usage_is_among_the_first_three(model: Model, panel: Panel) -> None:
    values = panel.values[:200].copy()
    values[:, PLACES["logins_30d"]] = 2
    values[:, PLACES["logins_trend"]] = np.log(0.1)
    values[:, PLACES["days_since_login"]] = 23
    factors = Explainer(model).factors(values, model.predict(values))

    assert all(any(factor.family == "usage" for factor in each[:3]) for each in factors)


def test_factors_are_sorted_and_no_family_fills_them(model: Model, panel: Panel) -> None:
    for factors in Explainer(model).factors(panel.values[:100], model.predict(panel.values[:100])):
        raising = [factor.contribution for factor in factors if factor.contribution > 0]

        assert raising == sorted(raising, reverse=True)
        assert len(factors) <= MOST_FACTORS
        assert (
            max(sum(f.family == family and f.contribution > 0 for f in factors) for family in {f.family for f in factors}) <= MOST_OF_FAMILY
        )
        assert all((factor.points > 0) == (factor.contribution > 0) for factor in factors)


def test_what_is_not_known_leads_at_most_once(model: Model, panel: Panel) -> None:
    values = panel.values[:100].copy()
    values[:, ::2] = np.nan
    values[50:] = np.nan
    for factors in Explainer(model).factors(values, model.predict(values)):
        assert sum(factor.words.startswith("nothing is known of") for factor in factors) <= 1


WORDS: list[tuple[str, FeatureValue, FeatureValue, str]] = [
    ("logins_trend", float(np.log(0.38)), 0.0, "logins fell 62 % against the 90 days before"),
    ("logins_trend", float(np.log(1.5)), 0.0, "logins rose 50 % against the 90 days before"),
    ("logins_trend", 0.0, 0.0, "logins as in the 90 days before"),
    ("logins_trend", float(np.log(9)), 0.0, "logins rose to 9 times those of the 90 days before"),
    ("days_since_login", 23.0, 2.0, "no login for 23 days (others: 2)"),
    ("days_since_login", 1.0, 2.0, "no login for 1 day (others: 2)"),
    ("days_since_login", None, 2.0, "no login is known (others: 2)"),
    ("seat_share", 0.21, 0.5, "21 % of the seats in use (others: 50 %)"),
    ("champion_left", 1.0, 0.0, "the champion left in the last 180 days"),
    ("auto_renew", 0.0, 1.0, "the contract does not go on by itself"),
    ("mrr_log", float(np.log1p(12_000)), float(np.log1p(800)), "monthly revenue 12,000 (others: 800)"),
    ("plan", "basic", "pro", 'plan "basic" (most often "pro")'),
    ("plan", None, "pro", 'nothing is known of: plan (most often "pro")'),
    ("csat_180d", None, None, "nothing is known of: satisfaction with support, the mean of 180 days"),
]


@pytest.mark.parametrize(("name", "value", "reference", "words"), WORDS)
def test_words_carry_value_and_reference(name: str, value: FeatureValue, reference: FeatureValue, words: str) -> None:
    assert words_for(BY_NAME[name], value, reference) == words


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_no_words_claim_a_cause(feature: Feature) -> None:
    values: list[FeatureValue] = ["pro", None] if feature.kind == "category" else [0.0, 1.0, 0.4, 37.25, -2.0, 1e9, None]
    for value in values:
        words = words_for(feature, value, values[0])

        assert words
        assert not {"because", "cause", "causes", "due"} & set(words.split())


def test_predictions_say_everything(trained: Trained, panel: Panel) -> None:
    assert trained.model is not None
    scorer = local(trained.model)
    rows: list[dict[str, FeatureValue]] = [{"logins_30d": 2, "plan": "pro"}, {}, {"logins_30d": float("inf"), "plan": "never seen"}]
    first, nothing, odd = scorer.predictions(rows, ["a", "b", "c"], [NOW] * 3, NOW)

    assert (first.account, first.target, first.model_version, first.source, first.as_of) == ("a", "churn", "churn-3", "champion", NOW)
    assert first.coverage == pytest.approx(2 / len(FEATURES))
    assert (nothing.coverage, odd.coverage) == (0, 0)
    assert nothing.probability == odd.probability
    assert all(0 < each.probability < 1 and 0 <= each.score <= 100 for each in (first, nothing, odd))
    assert first.base_rate == trained.model.base_rate
    assert scorer.predictions([], [], [], NOW) == []


def test_rows_by_name_score_as_the_panel_does(trained: Trained, panel: Panel) -> None:
    assert trained.model is not None
    model = trained.model
    rows = [{f.name: model.readable(k, value) for k, (f, value) in enumerate(zip(FEATURES, row, strict=True))} for row in panel.values[:50]]
    found = local(model).predictions(rows, ["a"] * 50, [NOW] * 50, NOW)

    np.testing.assert_allclose([each.probability for each in found], model.predict(panel.values[:50]), rtol=1e-12)


def test_a_table_of_one_family_is_explained_by_more_than_two_features(trained: Trained, panel: Panel) -> None:
    assert trained.model is not None
    alike = replace(trained.model, features=tuple(replace(feature, family="usage") for feature in trained.model.features))
    factors = Explainer(alike).factors(panel.values[:200], alike.predict(panel.values[:200]))

    assert max(len(each) for each in factors) > MOST_OF_FAMILY
