"""Logistic regression whose coefficients keep to the signs that are certain: with twenty cases, knowing them is worth many more."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from scoring.models.model import Estimator
from scoring.panel import Flags, Numbers

C: Final = 0.03
"""Inverse strength of the ridge penalty, as scikit-learn's `C`, for rows that stand for themselves."""
_PRIOR: Final = 0.05
"""What a coefficient of a certain sign is before anything is learned, in log-odds a standard deviation.

Equal weights in the right direction are hard to beat with twenty cases (Dawes 1979); the rows move them from there.
"""


def fit_logistic(matrix: Numbers, labels: Flags, signs: Sequence[int], rows_an_account: float = 1.0) -> Estimator:
    """Fit scikit-learn's logistic regression under bounds it does not know itself; without signs it is the same as its own.

    Args:
        matrix: (n, c) scaled columns.
        labels: (n,) what happened.
        rows_an_account: snapshots of one account say the same again and again, so they are penalised as if each account had one row.
        signs: (c,) +1 where a coefficient may not be below 0, -1 where it may not be above, 0 where nobody knows.
    """
    from sklearn.linear_model import LogisticRegression

    y = labels.astype(float)
    width = matrix.shape[1]
    strength = C / rows_an_account
    prior = _PRIOR * np.asarray(signs, float)

    def loss(at: Numbers) -> tuple[float, Numbers]:
        odds = matrix @ at[:-1] + at[-1]
        off = expit(odds) - y
        away = at[:-1] - prior
        value = strength * (np.logaddexp(0, odds).sum() - (y * odds).sum()) + away @ away / 2
        return float(value), np.append(strength * (matrix.T @ off) + away, strength * off.sum())

    bounds = [(0, None) if sign > 0 else (None, 0) if sign < 0 else (None, None) for sign in signs]
    rate = np.clip(y.mean(), 1e-6, 1 - 1e-6)
    start = np.append(prior, np.log(rate / (1 - rate)))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)], options={"maxiter": 1000, "ftol": 1e-12})
    estimator = LogisticRegression(C=C)
    estimator.classes_ = np.array([0, 1])
    estimator.coef_ = found.x[:-1].reshape(1, -1)
    estimator.intercept_ = found.x[-1:]
    estimator.n_features_in_ = width
    estimator.n_iter_ = np.array([found.nit], dtype=np.int32)
    return estimator
