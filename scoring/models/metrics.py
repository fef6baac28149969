"""How good predictions are, with the figures that keep each other honest: none is given without base rate, majority accuracy and n.

Intervals are percentiles of a bootstrap over accounts, because snapshots of one account resemble each other. The calibration error is a sum
of sizes: chance only ever adds to it, to each draw once more than to the value itself, and percentiles would lie above the value. Its
interval takes that off: see `upward_interval`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from scipy.stats import beta

from scoring.panel import Flags, Numbers, Words

Json: TypeAlias = dict[str, object]
"""What can be written as JSON."""
Places: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
"""Whole numbers."""
Measure: TypeAlias = Callable[[Numbers], dict[str, float]]
"""Gives figures for weights (n,) of the rows."""

DRAWS: Final = 200
FPR: Final = 0.05
"""The most customers in a hundred who stay and are called at risk all the same."""
_LEAST: Final = 1e-12
_BIASED: Final = frozenset({"ece"})
"""Figures that chance only makes larger."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure with its 95 % interval; NaN where it cannot be said, as with one class only."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def as_json(self) -> Json:
        """Give it for storing; what cannot be said is null."""
        return {name: _said(getattr(self, name)) for name in ("value", "low", "high")}

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "cannot be said"
        return f"{self.value:.3f}" if math.isnan(self.low) else f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Metrics:
    """How good predictions of rows were.

    Args:
        n: rows; `accounts`: distinct ones among them; `positives`: rows in which it happened.
        base_rate: share of the rows in which it happened.
        majority_accuracy: accuracy of the constant that always says the commoner thing.
        threshold: from which probability on a row counts as said to be at risk.
        ece_bins: bins of equal count the calibration error was taken over.
        figures: `auc`, `pr_auc`, `log_loss`, `brier`, `brier_skill` (against the base rate of these rows), `ece`, `recall_at_fpr5`,
            `lift_top_decile`, and at the threshold `accuracy`, `precision`, `recall`, `fpr`.
    """

    n: int
    accounts: int
    positives: int
    base_rate: float
    majority_accuracy: float
    threshold: float
    ece_bins: int
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """Give the value of one figure."""
        return self.figures[name].value

    def as_json(self) -> Json:
        """Give everything for storing."""
        head: Json = {
            "n": self.n,
            "accounts": self.accounts,
            "positives": self.positives,
            "base_rate": _said(self.base_rate),
            "majority_accuracy": _said(self.majority_accuracy),
            "threshold": _said(self.threshold),
            "ece_bins": self.ece_bins,
        }
        return head | {"figures": {name: figure.as_json() for name, figure in self.figures.items()}}

    def lines(self) -> list[str]:
        """Say it in lines, the accuracy beside that of the constant."""
        said = [
            f"rows {self.n}, accounts {self.accounts}, cases {self.positives}, base rate {self.base_rate:.3f}",
            f"accuracy of the constant that always says the commoner thing: {self.majority_accuracy:.3f}",
            f"accuracy, precision, recall and fpr are at a probability of {self.threshold:.3f}; ece is over {self.ece_bins} bins",
        ]
        return [*said, *(f"{name:16}{figure}" for name, figure in self.figures.items())]


class Ranked:
    """Labels and scores, sorted once, so that a bootstrap need not sort again."""

    def __init__(self, labels: Flags, scores: Numbers) -> None:
        """Take (n,) labels and (n,) scores, a higher one meaning likelier."""
        self.labels = labels.astype(float)
        _, self._place = np.unique(scores, return_inverse=True)

    def _counts(self, weights: Numbers | None) -> tuple[Numbers, Numbers]:
        """Give the weight of cases and of others by score, the highest score first."""
        w = np.ones(len(self.labels)) if weights is None else weights
        cases: Numbers = np.bincount(self._place, w * self.labels)[::-1].astype(float)
        others: Numbers = np.bincount(self._place, w * (1 - self.labels))[::-1].astype(float)
        return cases, others

    def auc(self, weights: Numbers | None = None) -> float:
        """Give the area under the ROC curve: the share of pairs in the right order, equal scores counting half."""
        cases, others = self._counts(weights)
        pairs = cases.sum() * others.sum()
        return float((others * (np.cumsum(cases) - cases / 2)).sum() / pairs) if pairs else math.nan

    def pr_auc(self, weights: Numbers | None = None) -> float:
        """Give the average precision, the area under the curve of precision over recall without interpolation."""
        cases, others = self._counts(weights)
        found, total = np.cumsum(cases), cases.sum()
        precision = found / np.maximum(found + np.cumsum(others), _LEAST)
        return float((precision * cases).sum() / total) if total else math.nan

    def recall_at(self, fpr: float = FPR, weights: Numbers | None = None) -> float:
        """Give the largest recall of any threshold whose false-positive rate is at most `fpr`."""
        cases, others = self._counts(weights)
        if not cases.sum() or not others.sum():
            return math.nan
        allowed = np.cumsum(others) / others.sum() <= fpr
        return float((np.cumsum(cases) / cases.sum())[allowed].max(initial=0.0))

    def lift(self, share: float = 0.1, weights: Numbers | None = None) -> float:
        """Give how many times the base rate the rate among the highest scores is. `share`: how many of the rows those are."""
        cases, others = self._counts(weights)
        rows = cases + others
        before = np.cumsum(rows) - rows
        wanted = share * rows.sum()
        part = np.clip((wanted - before) / np.maximum(rows, _LEAST), 0, 1)  # equal scores at the border count in part
        return float((cases * part).sum() / wanted / (cases.sum() / rows.sum())) if cases.sum() else math.nan


def auc(labels: Flags, scores: Numbers) -> float:
    """Give the area under the ROC curve; NaN with one class only."""
    return Ranked(labels, scores).auc()


def log_losses(labels: Flags, probabilities: Numbers) -> Numbers:
    """Give each row's log-loss, in nats."""
    sure = np.clip(probabilities, _LEAST, 1 - _LEAST)
    result: Numbers = -np.where(labels, np.log(sure), np.log1p(-sure))
    return result


def bins_for(n: int) -> int:
    """Give the bins of the calibration error: 10, fewer where a bin would hold less than 100 rows, at least 2."""
    return int(min(10, max(2, n // 100)))


def bin_places(probabilities: Numbers, bins: int) -> Places:
    """Put rows into bins of equal count by their probability; equal probabilities share a bin."""
    _, place, count = np.unique(probabilities, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2
    result: Places = np.minimum(bins - 1, (middle * bins / max(1, len(probabilities))).astype(np.int64))[place]
    return result


def calibration_error(labels: Flags, probabilities: Numbers, bins: int | None = None) -> float:
    """Give the expected calibration error: the mean over bins of equal count of |rate - mean probability|, weighted by their rows."""
    return _ece(bin_places(probabilities, bins or bins_for(len(labels))), labels - probabilities, np.ones(len(labels)))


def _ece(places: Places, residuals: Numbers, weights: Numbers) -> float:
    return float(np.abs(np.bincount(places, weights * residuals)).sum() / max(weights.sum(), _LEAST))


def draws(accounts: Words, count: int, seed: int = 0) -> Iterator[Numbers]:
    """Give the weights (n,) of the rows in each draw of a bootstrap over accounts."""
    names, place = np.unique(accounts, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)).astype(float)[place]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Give the middle 95 % of draws that can be said."""
    said = [value for value in values if math.isfinite(value)]
    if len(said) < 20:
        return math.nan, math.nan
    low, high = np.quantile(said, [0.025, 0.975])
    return float(low), float(high)


def upward_interval(value: float, values: Sequence[float]) -> tuple[float, float]:
    """Give the 95 % interval of a figure from 0 on that chance only makes larger, from draws that lie above it by their own bias.

    Where nothing but chance is in a value, draws lie root 2 times as high, so its own bias is 1 / (root 2 - 1) times that of the draws; of
    a large error both biases vanish. The lower end takes the whole of it off, 0 at least; the upper one takes off that of the draws only,
    because an error must not be made small. The interval always holds the value.
    """
    low, high = interval(values)
    if math.isnan(low) or not math.isfinite(value):
        return math.nan, math.nan
    mean = float(np.mean([each for each in values if math.isfinite(each)]))
    bias = max(0.0, mean - value)
    return min(value, max(0.0, value - bias / (math.sqrt(2) - 1) - (high - mean))), max(value, high - bias)


def with_intervals(measure: Measure, accounts: Words, count: int = DRAWS, seed: int = 0) -> dict[str, Figure]:
    """Give figures with the intervals of a bootstrap over accounts. `count` 0: without."""
    found = measure(np.ones(len(accounts)))
    drawn = [measure(weights) for weights in draws(accounts, count, seed)]
    found_draws = {name: [each[name] for each in drawn] for name in found}
    return {
        name: Figure(value, *(upward_interval(value, found_draws[name]) if name in _BIASED else interval(found_draws[name])))
        for name, value in found.items()
    }


def evaluate(
    labels: Flags, probabilities: Numbers, accounts: Words | None = None, *, threshold: float = 0.5, count: int = DRAWS, seed: int = 0
) -> Metrics:
    """Measure predictions.

    Args:
        labels: (n,) whether it happened.
        probabilities: (n,) 0 to 1.
        accounts: (n,) whose rows they are; each row stands for itself where None.
        threshold: from which probability on a row counts as said to be at risk.
        count: draws of the bootstrap; 0 leaves intervals out.
        seed: of the bootstrap.
    """
    n = len(labels)
    whose = np.arange(n).astype(np.str_) if accounts is None else accounts
    bins = bins_for(n)
    places, ranked = bin_places(probabilities, bins), Ranked(labels, probabilities)
    losses, squares, said = log_losses(labels, probabilities), (probabilities - labels) ** 2, probabilities >= threshold

    def measure(w: Numbers) -> dict[str, float]:
        rate = float((w * labels).sum() / w.sum())
        brier = float((w * squares).sum() / w.sum())
        found = {
            "auc": ranked.auc(w),
            "pr_auc": ranked.pr_auc(w),
            "log_loss": float((w * losses).sum() / w.sum()),
            "brier": brier,
            "brier_skill": 1 - brier / (rate * (1 - rate)) if 0 < rate < 1 else math.nan,
            "ece": _ece(places, labels - probabilities, w),
            "recall_at_fpr5": ranked.recall_at(FPR, w),
            "lift_top_decile": ranked.lift(0.1, w),
        }
        return found | _at_threshold(labels, said, w)

    rate = float(labels.mean()) if n else math.nan
    figures = with_intervals(measure, whose, count, seed) if n else {}
    return Metrics(n, len(np.unique(whose)), int(labels.sum()), rate, max(rate, 1 - rate), threshold, bins, figures)


def _at_threshold(labels: Flags, said: Flags, w: Numbers) -> dict[str, float]:
    right, wrong = float((w * (labels & said)).sum()), float((w * (~labels & said)).sum())
    cases, total = float((w * labels).sum()), float(w.sum())
    return {
        "accuracy": float((w * (labels == said)).sum()) / total,
        "precision": right / (right + wrong) if right + wrong else math.nan,
        "recall": right / cases if cases else math.nan,
        "fpr": wrong / (total - cases) if total > cases else math.nan,
    }


@dataclass(frozen=True, slots=True)
class Threshold:
    """The probability from which on an account counts as at risk, and what it promised where it was chosen.

    `fpr_bound` is the upper 95 % bound of the false-positive rate; `recall` and `precision` are of the same rows and say what it costs.
    """

    value: float
    fpr: float
    fpr_bound: float
    recall: float
    precision: float
    negatives: int

    def as_json(self) -> Json:
        """Give it for storing."""
        return {name: _said(getattr(self, name)) for name in self.__slots__}


def choose_threshold(labels: Flags, probabilities: Numbers, accounts: Words, fpr: float = FPR) -> Threshold:
    """Choose the lowest threshold whose upper 95 % bound of the false-positive rate is at most `fpr`.

    The bound is Clopper's and Pearson's (one-sided) with as many trials as there are accounts among the negative rows: snapshots of one
    account are no independent trials. Where even no false positive at all proves nothing (59 accounts or fewer at 5 %), nobody is called
    at risk and the threshold is 1.
    """
    trials = len(np.unique(accounts[~labels]))
    steps, place = np.unique(probabilities, return_inverse=True)
    wrong = np.bincount(place, ~labels, minlength=len(steps))[::-1].cumsum()[::-1]
    right = np.bincount(place, labels, minlength=len(steps))[::-1].cumsum()[::-1]
    negatives, cases = int((~labels).sum()), int(labels.sum())
    rates = wrong / max(1, negatives)
    bounds = np.where(rates < 1, beta.ppf(0.95, rates * trials + 1, np.maximum(trials - rates * trials, _LEAST)), 1.0)
    allowed = np.flatnonzero(bounds <= fpr)
    if not len(allowed):
        bound = 1 - 0.05 ** (1 / trials) if trials else 1.0
        return Threshold(1.0, 0.0, float(bound), 0.0, math.nan, negatives)
    at = int(allowed[0])
    share = float(right[at] / (right[at] + wrong[at]))
    return Threshold(
        float(steps[at]), float(rates[at]), float(bounds[at]), float(right[at] / cases) if cases else math.nan, share, negatives
    )


def _said(value: float) -> float | None:
    return value if math.isfinite(value) else None
