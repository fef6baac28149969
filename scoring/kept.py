"""Predictions as they are kept and shown: plain JSON, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, TypeAlias

from scoring.predictions import Factor, Prediction

Tree: TypeAlias = Any
"""JSON of any shape."""


def prediction_json(given: Prediction) -> dict[str, Tree]:
    """Give a prediction as JSON; the inverse of `read_prediction`."""
    return {
        **{one.name: getattr(given, one.name) for one in fields(given)},
        "factors": [asdict(factor) for factor in given.factors],
        "as_of": given.as_of.isoformat(),
        "scored_at": given.scored_at.isoformat(),
    }


def read_prediction(tree: Mapping[str, Tree]) -> Prediction:
    """Read what `prediction_json` gave; what a newer version added is left out.

    Raises:
        KeyError, TypeError, ValueError: it is nothing of the kind.
    """
    known = {one.name for one in fields(Prediction)}
    of_factor = {one.name for one in fields(Factor)}
    moments = {name: datetime.fromisoformat(tree[name]) for name in ("as_of", "scored_at")}
    factors = tuple(Factor(**{name: value for name, value in each.items() if name in of_factor}) for each in tree["factors"])
    return Prediction(**{name: value for name, value in tree.items() if name in known} | moments | {"factors": factors})
