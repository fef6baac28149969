"""What changed between the rows a model learned from and those it scores now, with thresholds that know how many rows there are.

The population stability index (PSI) of two samples of one population is not 0 but about (1/n + 1/m) times a chi-square with bins - 1
degrees: 0.10 is noise below some 300 accounts. A feature alarms when its PSI is beyond chance, with false discoveries controlled over all
features (Benjamini and Hochberg 1995), and large enough to matter. Watch features and the mean prediction: accuracy does not notice.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy.stats import chi2, ks_2samp, norm, spearmanr

from scoring.models.metrics import DRAWS, Json, Metrics, Places, auc, evaluate
from scoring.models.model import Model
from scoring.panel import Flags, Numbers, Panel, Words

Sign: TypeAlias = Literal["alarm", "notice", "calm", "expected"]
"""Beyond chance and large; beyond chance and small; neither; grows by itself, so that nobody is woken."""

DISCOVERY: Final = 0.05
"""Share of false alarms among alarms, and by that of reports that alarm though nothing changed."""
LARGE: Final = 0.10
"""PSI below which a change that is beyond chance is only noted."""
SMALL_SAMPLE: Final = 500
AGEING: Final = frozenset({"tenure_days", "nps_age_days", "days_since_executive", "days_to_first_value"})
"""Features that change in every book as time goes by.

Executives are met once or twice a year: until a feed has gone on for years, the known silences grow with it. The first use is known of
those only who came after the feed began, and they become more. A feed of meetings that stops is seen in `days_since_meeting`.
"""
PREDICTION: Final = "prediction"
MEAN: Final = "mean prediction"
_EMPTY: Final = 0.5
"""Rows an empty bin counts for, so that its logarithm exists."""
_CHANCES: Final = 5_000
"""Draws of a small sample's index when nothing changed."""
_LEAST_BIN: Final = 5.0
"""Rows expected in a bin of the smaller sample; sparser bins are joined, or chance would not follow chi-square."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How one feature (or the prediction) changed.

    Args:
        name: the feature's, `prediction` or `mean prediction`.
        psi: the index; of the mean prediction its difference in units of the mean before.
        p: probability of as much by chance.
        expected: the mean of the PSI when nothing changed; `limit`: what it stays below in 95 of 100 such cases.
        ks_p: second opinion by Kolmogorov and Smirnov; None for categories.
        sign: what to make of it.
        before, now: means (of categories None); missing: share now.
    """

    name: str
    psi: float
    p: float
    expected: float
    limit: float
    ks_p: float | None
    sign: Sign
    before: float | None
    now: float | None
    missing: float

    def as_json(self) -> Json:
        """Give it for storing."""
        return {name: _said(value) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Cohort:
    """What became of accounts scored long enough ago. `wanting` names goals whose interval excludes them."""

    metrics: Metrics
    mean_prediction: float
    wanting: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """Give it for storing."""
        return {**self.metrics.as_json(), "mean_prediction": _said(self.mean_prediction), "wanting": list(self.wanting)}


@dataclass(frozen=True)
class DriftReport:
    """A month's report.

    Args:
        before: rows a model learned from; now: rows it scores.
        drifts: features and predictions, the alarming first.
        cohort: None while no cohort has matured.
    """

    before: int
    now: int
    drifts: tuple[Drift, ...]
    cohort: Cohort | None = None
    base_rate: float | None = None
    stability: float | None = None

    @property
    def alarms(self) -> tuple[Drift, ...]:
        """Give what alarms."""
        return tuple(each for each in self.drifts if each.sign == "alarm")

    @property
    def words(self) -> str:
        """Give the sentence a report begins with."""
        wanting = f" Matured cohort: {', '.join(self.cohort.wanting)} missed." if self.cohort and self.cohort.wanting else ""
        names = [each.name for each in self.alarms]
        if not names:
            return f"Nothing changed beyond chance among {len(self.drifts)} features and predictions of {self.now} rows.{wanting}"
        verb = "is" if len(names) == 1 else "are"
        return f"{', '.join(names)} {verb} not what the model learned from ({self.now} rows against {self.before}).{wanting}"

    def as_json(self) -> Json:
        """Give everything for storing."""
        return {
            "words": self.words,
            "before": self.before,
            "now": self.now,
            "alarms": [each.name for each in self.alarms],
            "drifts": [each.as_json() for each in self.drifts],
            "cohort": self.cohort.as_json() if self.cohort else None,
            "base_rate": _said(self.base_rate),
            "stability": _said(self.stability),
        }


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    psi: float
    bins: int
    p: float
    ks_p: float | None = None
    before: float | None = None
    now: float | None = None
    missing: float = 0.0
    sizes: tuple[int, int] = field(default=(1, 1))


def drift_report(
    reference: Panel,
    current: Panel,
    model: Model | None = None,
    *,
    cohort: Cohort | None = None,
    stability: float | None = None,
    ageing: Collection[str] = AGEING,
) -> DriftReport:
    """Compare rows now with those a model learned from.

    Args:
        reference: rows the model learned from; best one row an account, or chance is underrated.
        current: rows it scores now, of the same features and levels.
        model: for the drift of predictions; left out where it is None.
        cohort: see `matured`.
        stability: see `importance_stability`.
        ageing: features that are shown but never alarm.
    """
    found = [
        _compare(feature.name, reference.values[:, place], current.values[:, place], feature.kind == "category")
        for place, feature in enumerate(reference.features)
    ]
    if model is not None and len(reference) and len(current):
        before, now = model.predict(reference.values), model.predict(current.values)
        found += [_compare(PREDICTION, before, now, False), _mean_shift(before, now)]
    tested = [each for each in found if each.name not in ageing]
    beyond = dict(zip((each.name for each in tested), discoveries([each.p for each in tested]), strict=True))
    drifts = [_drift(each, beyond.get(each.name)) for each in found]
    order = {"alarm": 0, "notice": 1, "calm": 2, "expected": 3}
    base_rate = float(reference.labels.mean()) if len(reference) else None
    sorted_drifts = tuple(sorted(drifts, key=lambda each: (order[each.sign], each.p, each.name)))
    return DriftReport(len(reference), len(current), sorted_drifts, cohort, base_rate, stability)


def _drift(found: _Found, beyond: bool | None) -> Drift:
    scale = 1 / max(1, found.sizes[0]) + 1 / max(1, found.sizes[1])
    degrees = max(1, found.bins - 1)
    sign: Sign = "expected" if beyond is None else "calm" if not beyond else "alarm" if found.psi >= LARGE else "notice"
    limit = scale * float(chi2.ppf(0.95, degrees))
    return Drift(found.name, found.psi, found.p, scale * degrees, limit, found.ks_p, sign, found.before, found.now, found.missing)


def _compare(name: str, before: Numbers, now: Numbers, category: bool) -> _Found:
    old, new = before[~np.isnan(before)], now[~np.isnan(now)]
    bins = 5 if min(len(before), len(now)) < SMALL_SAMPLE else 10
    edges = None if category else _edges(old, bins)
    psi, used, p = _psi(_counts(before, edges), _counts(now, edges))
    both = len(old) > 0 and len(new) > 0
    return _Found(
        name,
        psi,
        used,
        p,
        ks_p=float(ks_2samp(old, new, method="asymp").pvalue) if both and not category else None,
        before=float(old.mean()) if both and not category else None,
        now=float(new.mean()) if both and not category else None,
        missing=float(np.isnan(now).mean()) if len(now) else 0.0,
        sizes=(len(before), len(now)),
    )


def _edges(there: Numbers, bins: int) -> Numbers:
    """Give the inner edges of bins of equal count; values that many rows share get bins of their own."""
    if not len(there):
        return np.empty(0)
    return np.unique(np.quantile(there, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))


def _counts(values: Numbers, edges: Numbers | None) -> dict[int, int]:
    there = values[~np.isnan(values)]
    # A value equal to an edge belongs below it, so that the commonest value has a bin of its own.
    place: Places = there.astype(np.int64) if edges is None else np.searchsorted(edges, there, side="left").astype(np.int64)
    names, counts = np.unique(place, return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    if len(there) < len(values):
        found[-1] = len(values) - len(there)
    return found


def _psi(before: Mapping[int, int], now: Mapping[int, int]) -> tuple[float, int, float]:
    """Give the index, the bins it was taken over, and the probability of as much by chance."""
    names = sorted({*before, *now})
    old, new = (np.array([counts.get(name, 0) for name in names], float) for counts in (before, now))
    n, m = old.sum(), new.sum()
    if not n or not m:
        return 0.0, 1, 1.0
    old, new = _joined(old, new)
    if len(old) < 2:
        return 0.0, 1, 1.0
    shares = np.maximum(old, _EMPTY) / n, np.maximum(new, _EMPTY) / m
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    return psi, len(old), _chance(psi, old + new, int(n), int(m))


def _chance(psi: float, pooled: Numbers, n: int, m: int) -> float:
    """Give the probability of such an index when nothing changed: by chi-square, for small samples by drawing.

    With a hundred rows the index has a heavier tail than chi-square, and one report in ten would alarm at nothing.
    """
    if min(n, m) >= SMALL_SAMPLE:
        return float(chi2.sf(psi / (1 / n + 1 / m), len(pooled) - 1))
    rng = np.random.default_rng(0)
    shares = pooled / pooled.sum()
    before, now = rng.multinomial(n, shares, _CHANCES), rng.multinomial(m, shares, _CHANCES)
    old, new = np.maximum(before, _EMPTY) / n, np.maximum(now, _EMPTY) / m
    drawn = ((new - old) * np.log(new / old)).sum(axis=1)
    return float((1 + (drawn >= psi - 1e-12).sum()) / (1 + _CHANCES))


def _joined(old: Numbers, new: Numbers) -> tuple[Numbers, Numbers]:
    """Join bins in which the smaller sample is expected to have few rows with their neighbours."""
    expected = (old + new) / (old.sum() + new.sum()) * min(old.sum(), new.sum())
    parts: list[list[int]] = []
    filled = 0.0
    for place, rows in enumerate(expected):
        if not parts or filled >= _LEAST_BIN:
            parts.append([])
            filled = 0.0
        parts[-1].append(place)
        filled += float(rows)
    if len(parts) > 1 and filled < _LEAST_BIN:
        rest = parts.pop()
        parts[-1] += rest
    return np.array([old[part].sum() for part in parts]), np.array([new[part].sum() for part in parts])


def _mean_shift(before: Numbers, now: Numbers) -> _Found:
    """Compare mean predictions by a z-test; the size is the difference in units of the mean before."""
    # One spread for both: a handful of rows knows nothing of its own.
    error = math.sqrt(float(np.concatenate([before, now]).var()) * (1 / len(before) + 1 / len(now)))
    difference = float(now.mean() - before.mean())
    p = float(2 * norm.sf(abs(difference) / error)) if error else 1.0
    size = abs(difference) / max(float(before.mean()), 1e-9)
    return _Found(MEAN, size, 2, p, before=float(before.mean()), now=float(now.mean()), sizes=(len(before), len(now)))


def discoveries(chances: Sequence[float], rate: float = DISCOVERY) -> list[bool]:
    """Say which of some probabilities are beyond chance, so that among those said to be the expected share of errors is `rate` at most."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    last = max((rank for rank, place in enumerate(order, 1) if chances[place] <= rate * rank / len(chances)), default=0)
    chosen = set(order[:last])
    return [place in chosen for place in range(len(chances))]


def matured(
    labels: Flags,
    probabilities: Numbers,
    accounts: Words,
    *,
    threshold: float,
    goals: Mapping[str, tuple[Literal["least", "most"], float]] | None = None,
    draws: int = DRAWS,
) -> Cohort:
    """Judge predictions whose windows of labels are over.

    Args:
        labels: (n,) what became of them.
        probabilities: (n,) what was said.
        accounts: (n,) whose they are.
        threshold: from which probability on an account counted as at risk.
        goals: by figure the least or most it should be; missed only where the whole interval misses it. Accuracy of 90 % at least and a
            false-positive rate of 5 % at most where it is None.
        draws: of the bootstrap.
    """
    metrics = evaluate(labels, probabilities, accounts, threshold=threshold, count=draws)
    wanting = []
    for name, (side, goal) in (goals or {"accuracy": ("least", 0.9), "fpr": ("most", 0.05)}).items():
        figure = metrics.figures.get(name)
        if figure is not None and (figure.high < goal if side == "least" else figure.low > goal):
            wanting.append(name)
    return Cohort(metrics, float(probabilities.mean()) if len(probabilities) else math.nan, tuple(wanting))


def importance_stability(before: Mapping[str, float], now: Mapping[str, float]) -> float | None:
    """Give Spearman's correlation between the importances of two models, -1 to 1; None with fewer than three features in common."""
    shared = sorted(before.keys() & now.keys())
    if len(shared) < 3:
        return None
    first, second = [before[name] for name in shared], [now[name] for name in shared]
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return float(spearmanr(first, second).statistic)


def permutation_importance(model: Model, test: Panel, *, repeats: int = 3, seed: int = 0) -> dict[str, float]:
    """Give for each feature what the AUC on the test window loses when its values change places among the rows."""
    rng = np.random.default_rng(seed)
    whole = auc(test.labels, model.log_odds(test.values))
    found = {}
    for place, feature in enumerate(model.features):
        lost = []
        for _ in range(repeats):
            values = test.values.copy()
            values[:, place] = rng.permutation(values[:, place])
            lost.append(whole - auc(test.labels, model.log_odds(values)))
        found[feature.name] = 0.0 if math.isnan(whole) else float(np.mean(lost))
    return found


def _said(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
