"""Train a model on a panel: the smallest that the number of cases carries, calibrated on rows it did not learn from, tested on newer ones.

No class weights and no made-up rows: both leave the order of accounts as it is and destroy the calibration.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from scoring.features.definitions import Feature
from scoring.models.calibration import Calibration, learn_calibration
from scoring.models.design import Algorithm, Design, constraints, learn_design
from scoring.models.logistic import fit_logistic
from scoring.models.metrics import Metrics, Threshold, choose_threshold, evaluate
from scoring.models.model import Estimator, Model, raw_log_odds, reference_of
from scoring.models.splits import Split, cases_of, folds_of, time_split
from scoring.models.threads import one_thread
from scoring.panel import Flags, Numbers, Panel, Words

FEWEST_CASES: Final = 20
"""Below it a scorecard is better than anything that could be learned."""
FEW_CASES: Final = 60
"""Up to it a logistic regression that knows the certain signs, above it small boosted trees: decision 17."""
FOLDS: Final = 5
_BOOSTING: Final = {
    "max_leaf_nodes": 4,
    "max_iter": 80,
    "learning_rate": 0.1,
    "min_samples_leaf": 20,
    "early_stopping": False,
}


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Args:
        target: what is predicted.
        model: None where there was too little to learn from.
        why: what was done, or what is missing, in a sentence.
        split: which rows were for what; None where there was no time to split by.
        cases: accounts among the rows to learn from that are cases.
        metrics: on the test window, None without model.
        tested: (t,) probabilities of the rows of the test window, in their order.
        data_sha256: digest of the panel.
    """

    target: str
    model: Model | None
    why: str
    split: Split
    cases: int
    metrics: Metrics | None
    tested: Numbers
    data_sha256: str


@dataclass(frozen=True)
class Fitted:
    """An estimator, its columns, and log-odds of its own rows by models that had not seen them (empty where nobody asked)."""

    design: Design
    estimator: Estimator
    held_out: Numbers


def algorithm_for(cases: int) -> Algorithm | None:
    """Choose by the number of accounts that are cases."""
    if cases < FEWEST_CASES:
        return None
    return "logistic" if cases <= FEW_CASES else "boosting"


def train(panel: Panel, target: str, *, seed: int = 0, draws: int = 200) -> Trained:
    """Train on a panel, see `scoring.models.splits.time_split` for which rows are for what.

    Args:
        panel: rows whose window of labels is over.
        target: `churn` puts the constraints of `Feature.churn_sign` on the model; anything else does not.
        seed: of folds and bootstrap.
        draws: of the bootstrap of the test's figures.
    """
    digest = data_sha256(panel)
    if not len(panel):
        none = np.zeros(0, bool)
        return Trained(
            target, None, "There are no rows whose window of labels is over.", Split(none, none, none, none), 0, None, np.empty(0), digest
        )
    split = time_split(panel)
    cases = cases_of(panel, split.learning)
    algorithm = algorithm_for(cases)
    if algorithm is None or panel.labels[split.learning].all():
        why = f"{cases} accounts to learn from are cases, and a model wants {FEWEST_CASES} and others; the scorecard goes on scoring."
        return Trained(target, None, why, split, cases, None, np.empty(0), digest)
    return measured(_model(panel, target, algorithm, split, seed), panel, draws=draws, seed=seed)


def measured(model: Model, panel: Panel, *, draws: int = 200, seed: int = 0) -> Trained:
    """Measure a model on the test window of the panel it was trained on; the same as its training gave.

    Args:
        model: trained on the panel.
        panel: its rows.
        draws: of the bootstrap of the test's figures.
        seed: of the bootstrap.
    """
    split = time_split(panel)
    rows = panel.rows(split.test)
    tested = model.predict(rows.values)
    threshold = model.threshold.value if model.threshold else 0.5
    metrics = evaluate(rows.labels, tested, rows.accounts, threshold=threshold, count=draws, seed=seed)
    cases = cases_of(panel, split.learning)
    name = {"logistic": "logistic regression", "boosting": "boosted trees"}[model.algorithm]
    place = "folds" if split.by_folds else "the window before the test"
    why = f"{name}, because {cases} accounts to learn from are cases; calibrated on {place}."
    return Trained(model.target, model, why, split, cases, metrics, tested, data_sha256(panel))


def _model(panel: Panel, target: str, algorithm: Algorithm, split: Split, seed: int) -> Model:
    """Calibrate on rows a first estimator did not learn from, then let a second learn from all rows before the test."""
    learned = panel.rows(split.learning)
    fitted = _fit(learned, target, algorithm, seed, split.by_folds)
    if split.by_folds:
        judged, raw = learned, fitted.held_out
    else:
        judged = panel.rows(split.calibration)
        before = _fit(panel.rows(split.training), target, algorithm, seed, False)
        raw = raw_log_odds(before.estimator, before.design, judged.values)
    line = learn_calibration(raw, judged.labels)
    model = assemble(panel.features, panel.levels, learned.values, learned.labels, target, algorithm, fitted, line)
    # What people read as "others" is of the newest month: in a feed's first ones every silence is short because nothing was known before.
    newest = learned.as_of > learned.as_of.max() - np.timedelta64(31, "D")
    others = reference_of(panel.features, learned.values[newest])
    return replace(model, threshold=threshold_of(line, raw, judged.labels, judged.accounts), reference=others)


def _fit(rows: Panel, target: str, algorithm: Algorithm, seed: int, hold_out: bool) -> Fitted:
    return fit(rows.features, rows.values, rows.labels, rows.accounts, target, algorithm, seed=seed, hold_out=hold_out)


def threshold_of(calibration: Calibration, raw: Numbers, labels: Flags, accounts: Words) -> Threshold:
    """Choose the threshold by rows the estimator did not learn from."""
    return choose_threshold(labels, calibration.probabilities(raw), accounts)


def assemble(
    features: tuple[Feature, ...],
    levels: Mapping[str, tuple[str, ...]],
    values: Numbers,
    labels: Flags,
    target: str,
    algorithm: Algorithm,
    fitted: Fitted,
    calibration: Calibration,
) -> Model:
    """Put a model together. `values` and `labels`: the rows it learned from."""
    return Model(
        target=target,
        algorithm=algorithm,
        features=features,
        levels=levels,
        design=fitted.design,
        estimator=fitted.estimator,
        calibration=calibration,
        base_rate=float(labels.mean()),
        reference=reference_of(features, values),
    )


def fit(
    features: tuple[Feature, ...],
    values: Numbers,
    labels: Flags,
    accounts: Words,
    target: str,
    algorithm: Algorithm,
    *,
    seed: int = 0,
    hold_out: bool = True,
) -> Fitted:
    """Fit columns and estimator on rows, and where `hold_out` is said also on folds of them, all rows of an account in one fold."""
    repeats = len(accounts) / len(np.unique(accounts))
    design, estimator = _fit_once(features, values, labels, target, algorithm, seed, repeats)
    held_out = np.full(len(labels), np.nan) if hold_out else np.empty(0)
    if hold_out:
        fold = folds_of(accounts, labels, FOLDS, seed)
        for each in range(FOLDS):
            rest = fold != each
            if not (~rest).any():
                continue
            other, guess = _fit_once(features, values[rest], labels[rest], target, algorithm, seed, repeats)
            held_out[~rest] = raw_log_odds(guess, other, values[~rest])
    return Fitted(design, estimator, held_out)


def _fit_once(
    features: tuple[Feature, ...], values: Numbers, labels: Flags, target: str, algorithm: Algorithm, seed: int, repeats: float
) -> tuple[Design, Estimator]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    design = learn_design(features, values, algorithm)
    if not design.columns:
        raise ValueError("every feature says the same of every row; a model cannot learn from that, so give features that differ")
    # Snapshots of one account say much the same again and again: penalties are such as if each account had one row.
    signs = constraints(design, features) if target == "churn" else [0] * len(design.columns)
    if algorithm == "logistic":
        return design, fit_logistic(design.matrix(values), labels, signs, repeats)
    estimator = HistGradientBoostingClassifier(**_BOOSTING, l2_regularization=repeats, monotonic_cst=signs, random_state=seed)
    with one_thread():
        estimator.fit(design.matrix(values), labels.astype(np.int64))
    return design, estimator


def data_sha256(panel: Panel) -> str:
    """Give a digest of everything a training sees of a panel."""
    digest = hashlib.sha256(repr((panel.features, sorted(panel.levels.items()))).encode())
    for column in (panel.accounts, panel.as_of.astype("datetime64[D]").astype(np.int64), panel.values, panel.labels):
        digest.update(repr((column.dtype.str, column.shape)).encode())
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
