"""The same trainer over any table with a column that says who left, judged out of fold: how models do on sets from elsewhere."""

import csv
import gzip
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from scoring.features.definitions import Feature
from scoring.models.calibration import learn_calibration
from scoring.models.columns import dates_in, flags_in, is_id, is_missing, numbers_in
from scoring.models.metrics import DRAWS, Metrics, auc, evaluate
from scoring.models.model import Model
from scoring.models.splits import cases_of, folds_of
from scoring.models.train import FEWEST_CASES, FOLDS, algorithm_for, assemble, fit
from scoring.panel import FeatureValue, Flags, Numbers, Panel, Words, encode

TARGET: Final = "table"
_GZIP: Final = b"\x1f\x8b"
_ALIKE: Final = 0.9


class TableRefused(ValueError):
    """The table cannot be learned from. The message says what to do."""


@dataclass(frozen=True)
class Table:
    """A table as a panel of one cutoff, and what became of its columns.

    Args:
        panel: its rows; rows that are alike in everything share an account, so that no copy of a row tests the other.
        dropped: columns that were left out, with the reason.
        positive: the text that was taken for yes.
        unlabelled: rows without a label, left out.
    """

    panel: Panel
    dropped: Mapping[str, str]
    positive: str
    unlabelled: int


@dataclass(frozen=True)
class Judged:
    """What came of a judgement out of fold.

    Args:
        metrics: over all rows, each predicted by a model that had not seen it.
        probabilities: (n,) those predictions.
        suspects: features that tell who left by themselves, with the AUC: leaks until somebody clears them.
        algorithm: the trainer's choice.
    """

    metrics: Metrics
    probabilities: Numbers
    suspects: Mapping[str, float]
    algorithm: str


def read_table(path: Path, label: str, *, drop: Collection[str] = (), positive: str | None = None) -> Table:
    """Read a CSV file (also gzip; comma, semicolon, tab or bar between cells), guessing what its columns are.

    Raises:
        TableRefused: it has no such column, no rows, or its label is not a question of yes or no.
    """
    names, rows = _cells(path)
    found = next((name for name in names if name == label), next((name for name in names if name.lower() == label.lower()), None))
    if found is None:
        raise TableRefused(f'{path.name} has no column "{label}"; it has {", ".join(names[:40])}')
    place = names.index(found)
    kept = [row for row in rows if not is_missing(row[place])]
    if not kept:
        raise TableRefused(f'no row of {path.name} says anything in "{found}"')
    try:
        labels, yes = flags_in([row[place] for row in kept], positive)
    except ValueError as error:
        raise TableRefused(f"{path.name}: {error}") from error
    columns = {name: [row[i] for row in kept] for i, name in enumerate(names) if i != place}
    unknown = sorted(set(drop) - set(names))
    if unknown:
        raise TableRefused(f'{path.name} has no column "{unknown[0]}" that could be dropped; it has {", ".join(names[:40])}')
    panel, dropped = _panel(columns, np.array(labels), set(drop))
    return Table(panel, dropped, yes, len(rows) - len(kept))


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8-sig", errors="replace")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if len(lines) < 2:
        raise TableRefused(f"{path.name} has no rows; it wants a line of names and one line a row")
    seen: dict[str, int] = {}
    names = []
    for name in (cell.strip() for cell in lines[0]):
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    width = len(names)
    return names, [(row + [""] * width)[:width] for row in lines[1:] if any(cell.strip() for cell in row)]


def _panel(columns: Mapping[str, Sequence[str]], labels: Flags, drop: set[str]) -> tuple[Panel, dict[str, str]]:
    features: list[Feature] = []
    kept: dict[str, Sequence[FeatureValue]] = {}
    dropped = {name: "as asked" for name in columns if name in drop}
    for name, texts in columns.items():
        if name in drop:
            continue
        numbers = numbers_in(texts)
        if is_id(name, texts, numbers is not None):
            dropped[name] = "an id: it differs in every row"
            continue
        if numbers is None:
            numbers = dates_in(texts)
        column: list[FeatureValue] = (
            [None if is_missing(text) else text.strip() for text in texts]
            if numbers is None
            else [None if np.isnan(value) else float(value) for value in numbers]
        )
        if len(set(column)) < 2:
            dropped[name] = "the same in every row"
            continue
        features.append(Feature(name, "usage", name, kind="category" if numbers is None else "number"))
        kept[name] = column
    if not features:
        raise TableRefused("no column is left to learn from; every one is an id or the same in every row")
    values, levels = encode(features, [dict(zip(kept, row, strict=True)) for row in zip(*kept.values(), strict=True)])
    day = np.full(len(labels), np.datetime64("1970-01-01", "D"))
    return Panel(tuple(features), _alike(values), day, values, labels, levels), dropped


def _alike(values: Numbers) -> Words:
    """Give rows that are alike one name, unless so many are that it is the nature of the table."""
    _, place = np.unique(np.nan_to_num(values, nan=-1e300), axis=0, return_inverse=True)
    place = place.reshape(-1)
    alone = len(np.unique(place)) < _ALIKE * len(place)
    result: Words = (np.arange(len(place)) if alone else place).astype(np.str_)
    return result


def judge(panel: Panel, *, seed: int = 0, draws: int = DRAWS) -> Judged:
    """Train and predict out of fold: of each fold's model, columns, estimator and calibration know the other folds only.

    Raises:
        TableRefused: there are too few cases.
    """
    cases, others = cases_of(panel, np.ones(len(panel), bool)), int((~panel.labels).sum())
    if min(cases, others) < FEWEST_CASES:
        raise TableRefused(
            f"{min(cases, others)} rows are of the rarer kind, and a model wants {FEWEST_CASES}; use a scorecard, or bring more rows"
        )
    fold = folds_of(panel.accounts, panel.labels, FOLDS, seed)
    probabilities = np.full(len(panel), np.nan)
    algorithms = set()
    for each in range(FOLDS):
        mine = fold == each
        model = learn(panel.rows(~mine), seed=seed)
        probabilities[mine] = model.predict(panel.values[mine])
        algorithms.add(model.algorithm)
    metrics = evaluate(panel.labels, probabilities, panel.accounts, count=draws, seed=seed)
    suspects = {name: area for name, area in feature_aucs(panel).items() if area > 0.95}
    return Judged(metrics, probabilities, suspects, " and ".join(sorted(algorithms)))


def learn(panel: Panel, *, seed: int = 0) -> Model:
    """Train on all rows of a table, calibrated on folds."""
    # A fold of few cases may hold fewer than a model wants; the whole has enough, so the smallest model is used.
    algorithm = algorithm_for(cases_of(panel, np.ones(len(panel), bool))) or "logistic"
    fitted = fit(panel.features, panel.values, panel.labels, panel.accounts, TARGET, algorithm, seed=seed)
    calibration = learn_calibration(fitted.held_out, panel.labels)
    return assemble(panel.features, panel.levels, panel.values, panel.labels, TARGET, algorithm, fitted, calibration)


def feature_aucs(panel: Panel) -> dict[str, float]:
    """Give for each feature how well it tells cases by itself, 0.5 to 1: by its number, its gaps, or the rates of its texts.

    The rates of texts are of the other half of the accounts, so that rare texts do not seem to know everything.
    """
    half = folds_of(panel.accounts, panel.labels, 2)
    found = {}
    for place, feature in enumerate(panel.features):
        given = panel.values[:, place]
        gaps = np.isnan(given)
        if feature.kind == "category":
            areas = [auc(panel.labels, _rates(given, panel.labels, half))]
        else:
            # Gaps may mean much or little, so they are put at either end.
            areas = [auc(panel.labels, np.where(gaps, end, given)) for end in (-np.inf, np.inf)]
            areas.append(auc(panel.labels, gaps.astype(float)))
        found[feature.name] = max((max(area, 1 - area) for area in areas if not np.isnan(area)), default=0.5)
    return found


def _rates(given: Numbers, labels: Flags, half: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Numbers:
    place = np.where(np.isnan(given), -1, given).astype(np.int64) + 1
    rates = np.empty(len(given))
    for each in (0, 1):
        other = half != each
        count = np.bincount(place[other], minlength=place.max() + 1)
        cases = np.bincount(place[other], labels[other], minlength=place.max() + 1)
        base = labels[other].mean()
        rates[~other] = ((cases + base) / (count + 1))[place[~other]]
    return rates
