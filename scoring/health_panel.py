"""Health of accounts in the past: a scorecard computed from a table of features, as models are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

import numpy as np

from playbook_dsl.scorecard.card import Card
from scoring.health import applies, evaluate
from scoring.known_facts import scope_of_features
from scoring.panel import FeatureValue, Flags, Numbers, Panel


@dataclass(frozen=True)
class PastHealth:
    """What a card would have said.

    Args:
        scores: (n,) exact health, 0 to 100, NaN where there was too little, or where the card is not for the account.
        chosen: (n,) whether the card is for the account.
        missing: share of the chosen rows in which a measure was not known, by its id.
        titles: of the measures, by id.
    """

    scores: Numbers
    chosen: Flags
    missing: Mapping[str, float]
    titles: Mapping[str, str]


def values_of_row(panel: Panel, row: int) -> dict[str, FeatureValue]:
    """Give the features of a row by name; what is missing is left out."""
    found: dict[str, FeatureValue] = {}
    for feature, value in zip(panel.features, panel.values[row].tolist(), strict=True):
        if not math.isnan(value):
            found[feature.name] = panel.levels[feature.name][int(value)] if feature.kind == "category" else value
    return found


def health_of_panel(card: Card, panel: Panel, accounts: Mapping[str, Mapping[str, object]] | None = None) -> PastHealth:
    """Compute a card over a table of features at cutoffs.

    Args:
        card: the scorecard.
        panel: (n,) rows.
        accounts: what is known of accounts beside features, by id: the record `account` that conditions and segments read.
    """
    known = accounts or {}
    scores, chosen = np.full(len(panel), np.nan), np.zeros(len(panel), bool)
    missing: dict[str, int] = {f"{group.id}.{measure.id}": 0 for group, measure in card.measures()}
    for row in range(len(panel)):
        as_of = datetime.combine(panel.as_of[row].astype(object), time(), UTC)
        scope = scope_of_features(values_of_row(panel, row), as_of)
        scope["account"] = dict(known.get(str(panel.accounts[row]), {}))
        if not applies(card, scope):
            continue
        chosen[row] = True
        health = evaluate(card, scope)
        if health.score is not None and health.exact is not None:
            scores[row] = health.exact
        for measure in health.measures:
            missing[measure.id] += measure.missing
    count = max(1, int(chosen.sum()))
    titles = {f"{group.id}.{measure.id}": measure.title for group, measure in card.measures()}
    return PastHealth(scores, chosen, {name: number / count for name, number in missing.items()}, titles)
