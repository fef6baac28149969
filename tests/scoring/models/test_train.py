from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.models.calibration import learn_calibration
from scoring.models.logistic import fit_logistic
from scoring.models.splits import PURGE_DAYS, folds_of, time_split
from scoring.models.train import algorithm_for, train
from tests.scoring.models.panels import PLACES, made


@pytest.mark.parametrize(("cases", "algorithm"), [(0, None), (19, None), (20, "logistic"), (60, "logistic"), (61, "boosting")])
def test_the_number_of_cases_chooses_the_model(cases: int, algorithm: str | None) -> None:
    assert algorithm_for(cases) == algorithm


def test_too_few_cases_give_no_model_and_say_so() -> None:
    trained = train(made(60, intercept=-7.0), "churn")

    assert trained.model is None
    assert trained.metrics is None
    assert "a model wants 20" in trained.why


def test_an_empty_panel_gives_no_model() -> None:
    panel = made(5)
    trained = train(panel.rows(np.zeros(len(panel), bool)), "churn")

    assert trained.model is None


@pytest.mark.parametrize("accounts", [150, 600])
def test_parts_lie_a_full_window_apart(accounts: int) -> None:
    panel = made(accounts)
    split = time_split(panel)
    apart = np.timedelta64(PURGE_DAYS, "D")

    assert panel.as_of[split.test].max() == panel.as_of.max()
    assert panel.as_of[split.learning].max() + apart <= panel.as_of[split.test].min()
    if not split.by_folds:
        assert panel.as_of[split.training].max() + apart <= panel.as_of[split.calibration].min()
        assert panel.as_of[split.calibration].max() + apart <= panel.as_of[split.test].min()


def test_what_became_of_the_test_changes_no_model() -> None:
    panel = made(600)
    split = time_split(panel)
    labels = panel.labels.copy()
    # Who churned changes places with somebody else, so that the split counts as many cases.
    labels[split.test] = np.random.default_rng(1).permutation(labels[split.test])
    first, again = train(panel, "churn", draws=0), train(replace(panel, labels=labels), "churn", draws=0)

    assert first.model is not None
    assert again.model is not None
    np.testing.assert_array_equal(first.model.predict(panel.values), again.model.predict(panel.values))


def test_a_model_is_calibrated_and_finds_what_there_is() -> None:
    trained = train(made(2_500, 12, intercept=-3.6), "churn", draws=20)

    assert trained.model is not None
    assert trained.metrics is not None
    assert trained.model.algorithm == "boosting"
    assert trained.metrics["auc"] > 0.7
    assert trained.metrics["brier_skill"] > 0.02
    assert trained.metrics["ece"] < 0.03


@pytest.mark.parametrize("accounts", [150, 1_500])
def test_more_logins_never_raise_the_risk(accounts: int) -> None:
    panel = made(accounts)
    trained = train(panel, "churn", draws=0)
    assert trained.model is not None
    row = np.repeat(panel.values[:1], 40, axis=0)
    row[:, PLACES["logins_30d"]] = np.linspace(0, 80, 40)

    assert (np.diff(trained.model.predict(row)) <= 1e-12).all()


def test_signs_bind_churn_only() -> None:
    panel = made(1_500)
    turned = replace(panel, values=panel.values * np.where(np.arange(panel.values.shape[1]) == PLACES["logins_30d"], -1.0, 1.0))
    trained = train(turned, "expansion", draws=0)
    assert trained.model is not None
    row = np.repeat(turned.values[:1], 40, axis=0)
    row[:, PLACES["logins_30d"]] = np.linspace(-80, 0, 40)

    assert np.diff(trained.model.predict(row)).max() > 0


def test_missing_and_unknown_values_are_scored() -> None:
    trained = train(made(600), "churn", draws=0)
    assert trained.model is not None
    nothing = np.full((1, len(trained.model.features)), np.nan)

    assert 0 < trained.model.predict(nothing)[0] < 1


def test_the_same_panel_gives_the_same_model_and_digest() -> None:
    first, second = train(made(400), "churn", draws=0), train(made(400), "churn", draws=0)
    other = made(400)
    other.values[3, 3] += 1

    np.testing.assert_array_equal(first.tested, second.tested)
    assert first.data_sha256 == second.data_sha256 != train(other, "churn", draws=0).data_sha256


def test_without_signs_the_logistic_regression_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(400, 6))
    labels = matrix[:, 0] + rng.normal(size=400) > 1
    theirs = LogisticRegression(C=0.03, tol=1e-8, max_iter=1_000).fit(matrix, labels)

    np.testing.assert_allclose(fit_logistic(matrix, labels, [0] * 6).decision_function(matrix), theirs.decision_function(matrix), atol=2e-3)


def test_few_rows_hardly_move_the_calibration_and_many_do() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(-3, 1, 20_000)
    labels = rng.random(20_000) < 1 / (1 + np.exp(-(raw - 0.8)))

    assert abs(learn_calibration(raw[:40], labels[:40]).shift) < 0.8
    assert learn_calibration(raw, labels).shift == pytest.approx(-0.8, abs=0.15)
    assert learn_calibration(raw[:0], labels[:0]).log_odds(raw[:3]) == pytest.approx(raw[:3])


def test_folds_keep_accounts_together_and_spread_cases() -> None:
    accounts = np.repeat(np.arange(100).astype(np.str_), 3)
    labels = np.repeat(np.arange(100) < 20, 3)
    fold = folds_of(accounts, labels)

    assert all(len(set(fold[accounts == account])) == 1 for account in np.unique(accounts))
    assert np.bincount(fold, labels).tolist() == [12.0] * 5


@pytest.mark.parametrize("late", [1, 40])
def test_accounts_first_seen_in_mid_month_are_no_test_alone(late: int) -> None:
    panel = made(150, intercept=-6.2)
    newest = panel.as_of.max()
    joined = replace(panel, as_of=np.where((panel.as_of == newest) & (panel.accounts < f"A{late:05}"), newest + 5, panel.as_of))

    whole, split = time_split(panel), time_split(joined)

    assert whole.test.sum() == 150
    assert split.test.sum() == 150
    assert joined.as_of[split.learning].max() + np.timedelta64(PURGE_DAYS, "D") <= joined.as_of[split.test].min()


def test_a_test_of_accounts_each_with_a_day_of_its_own_holds_half_of_them() -> None:
    panel = made(150, intercept=-6.2)
    spread = replace(panel, as_of=panel.as_of + (np.arange(len(panel)) // 14 % 28).astype("timedelta64[D]"))

    assert len(np.unique(spread.accounts[time_split(spread).test])) >= 75


def test_others_are_those_of_the_newest_month_learned_from() -> None:
    panel = made(300)
    values = panel.values.copy()
    values[:, PLACES["days_since_executive"]] = (panel.as_of - panel.as_of.min()).astype(int)
    trained = train(replace(panel, values=values), "churn", draws=0)
    assert trained.model is not None

    newest = values[trained.split.learning, PLACES["days_since_executive"]].max()
    assert trained.model.reference[PLACES["days_since_executive"]] >= newest - 28
