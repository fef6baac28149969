"""Measure what the gates ask about a trained model."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from scoring.models.explain import Explainer
from scoring.models.gates import POLICY, Decision, Evidence, Policy, Rival, judge
from scoring.models.metrics import DRAWS, Figure, Ranked, auc, log_losses, with_intervals
from scoring.models.model import Model
from scoring.models.table import feature_aucs
from scoring.models.train import Trained, train
from scoring.panel import Days, Flags, Numbers, Panel

SHUFFLES = 3
_EXPLAINED = 500


@dataclass(frozen=True)
class Champion:
    """The model that scores now, and what it is called."""

    name: str
    model: Model


def decide(
    trained: Trained,
    panel: Panel,
    *,
    champion: Champion | None = None,
    scorecard: Numbers | None = None,
    cleared: Collection[str] = (),
    known_until: Days | None = None,
    policy: Policy = POLICY,
    seed: int = 0,
) -> Decision:
    """Hold a trained model against the gates.

    Args:
        trained: with a model.
        panel: what it was trained on.
        champion: what scores now; the first model must beat the scorecard instead.
        scorecard: (n,) what stands in for a model, for each row of the panel, higher meaning likelier (for churn 100 less the health);
            NaN where it says nothing.
        cleared: features a person found no leak in.
        known_until: (n,) moment of the newest thing each row rests on, by either clock; NaT where it rests on nothing.
        policy: the bars.
        seed: of shuffles and bootstrap.

    Raises:
        ValueError: there is no model.
    """
    return judge(
        gather(trained, panel, champion=champion, scorecard=scorecard, known_until=known_until, policy=policy, seed=seed), cleared, policy
    )


def gather(
    trained: Trained,
    panel: Panel,
    *,
    champion: Champion | None = None,
    scorecard: Numbers | None = None,
    known_until: Days | None = None,
    policy: Policy = POLICY,
    seed: int = 0,
) -> Evidence:
    """Measure; arguments as those of `decide`."""
    model, metrics = trained.model, trained.metrics
    if model is None or metrics is None:
        raise ValueError(f"there is no model to judge: {trained.why}")
    test = panel.rows(trained.split.test)
    return Evidence(
        algorithm=model.algorithm,
        auc=metrics["auc"],
        ece=metrics["ece"],
        cases=int(test.labels.sum()),
        features=feature_aucs(panel),
        shuffled=shuffled_auc(panel, trained.target, seed=seed),
        additivity=Explainer(model).additivity_error(test.values[:_EXPLAINED]),
        late_rows=0 if known_until is None else late_rows(panel.as_of, known_until),
        champion=None if champion is None else _against_champion(trained, model, test, champion, policy, seed),
        scorecard=None if scorecard is None else _against_scorecard(trained.tested, test, scorecard[trained.split.test], policy, seed),
    )


def late_rows(as_of: Days, known_until: Days) -> int:
    """Count the rows that rest on something newer than their cutoff; of a cutoff given as a day, newer than the end of that day."""
    days = as_of.dtype == np.dtype("datetime64[D]")
    ends = as_of.astype("datetime64[us]") + (np.timedelta64(1, "D") if days else np.timedelta64(0, "D"))
    return int((known_until.astype("datetime64[us]") > ends).sum())


def shuffled_auc(panel: Panel, target: str, *, shuffles: int = SHUFFLES, seed: int = 0) -> tuple[float, float] | None:
    """Give the mean AUC on the test window of models trained and tested on labels shuffled within each cutoff, and its standard error.

    The test's labels are shuffled as well: under the constraints of certain signs even a model that learned nothing puts real cases first.
    """
    rng = np.random.default_rng(seed)
    areas, errors = [], []
    for each in range(shuffles):
        labels = panel.labels.copy()
        for cutoff in np.unique(panel.as_of):
            rows = panel.as_of == cutoff
            labels[rows] = rng.permutation(labels[rows])
        shuffled = replace(panel, labels=labels)
        tried = train(shuffled, target, seed=seed + each, draws=0)
        tested = labels[tried.split.test]
        if tried.model is None or tested.all() or not tested.any():
            continue
        areas.append(auc(tested, tried.tested))
        errors.append((1 / tested.sum() + 1 / (~tested).sum()) / 12)
    return (float(np.mean(areas)), math.sqrt(float(np.mean(errors)) / len(areas))) if areas else None


def _against_champion(trained: Trained, model: Model, test: Panel, champion: Champion, policy: Policy, seed: int) -> Rival:
    theirs = champion.model.predict(recoded(test, champion.model))
    saved = log_losses(test.labels, theirs) - log_losses(test.labels, trained.tested)
    found = with_intervals(lambda w: {"saved": float((w * saved).sum() / w.sum())}, test.accounts, DRAWS * 2, seed)
    simpler = (model.algorithm == "logistic" and champion.model.algorithm == "boosting") or (
        model.algorithm == champion.model.algorithm and len(model.features) < len(champion.model.features)
    )
    scale = float(log_losses(test.labels, theirs).mean())
    return Rival(champion.name, found["saved"], scale, simpler, _group_losses(test, trained.tested, theirs, policy))


def recoded(panel: Panel, model: Model) -> Numbers:
    """Give a panel's values as a model of other features or levels wants them; what it knows and the panel lacks is missing."""
    places = {feature.name: place for place, feature in enumerate(panel.features)}
    values = np.full((len(panel), len(model.features)), np.nan)
    for column, feature in enumerate(model.features):
        place = places.get(feature.name)
        if place is None:
            continue
        given = panel.values[:, place]
        if feature.kind == "category":
            wanted = {text: float(number) for number, text in enumerate(model.levels[feature.name])}
            table = np.array([*(wanted.get(text, np.nan) for text in panel.levels[feature.name]), np.nan])
            given = table[np.where(np.isnan(given), len(table) - 1, given).astype(np.int64)]
        values[:, column] = given
    return values


def _against_scorecard(mine: Numbers, test: Panel, scores: Numbers, policy: Policy, seed: int) -> Rival:
    known: Flags = ~np.isnan(scores)
    rows, model = test.rows(known), mine[known]
    card = scores[known]
    if not len(rows):
        return Rival("the scorecard", Figure(math.nan))
    ours, theirs = Ranked(rows.labels, model), Ranked(rows.labels, card)
    found = with_intervals(lambda w: {"more": ours.auc(w) - theirs.auc(w)}, rows.accounts, DRAWS, seed)
    return Rival("the scorecard", found["more"], groups=_group_losses(rows, model, card, policy))


def _group_losses(rows: Panel, mine: Numbers, theirs: Numbers, policy: Policy) -> dict[str, float]:
    found = {}
    for grouping, names in rows.groups.items():
        for name in np.unique(names):
            own = names == name
            cases = int(rows.labels[own].sum())
            if min(cases, int(own.sum()) - cases) >= policy.group_cases:
                found[f"{grouping} {name}"] = auc(rows.labels[own], theirs[own]) - auc(rows.labels[own], mine[own])
    return found
