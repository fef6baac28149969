"""What a model that predicts is asked and answers: JSON whose columns are in a fixed order, with the hash of their schema.

    {"target": "churn", "schema": "0f3c…", "columns": ["logins_30d", …], "rows": [[12, null, "pro"], …]}
    {"predictions": [0.12, …], "schema": "0f3c…"}

An answer may give `{"probability": 0.12}` instead of a number; `schema` says which features the model was trained on, when it knows.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors.errors import Rejected, Unavailable

MOST_ROWS: Final = 1_000
"""How many accounts a request has at most; the service takes 4 to 6 MB."""

Cell: TypeAlias = float | str | None
"""One feature of one account; None where it is missing."""
Loose: TypeAlias = Any
"""JSON as the endpoint gives it."""


@dataclass(frozen=True)
class Question:
    """Accounts to be scored. `schema` is the hash of the columns' names, kinds and order."""

    target: str
    schema: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def body(self) -> bytes:
        """Give it as the endpoint reads it."""
        asked = {
            "target": self.target,
            "schema": self.schema,
            "columns": list(self.columns),
            "rows": [list(map(_cell, row)) for row in self.rows],
        }
        return json.dumps(asked, allow_nan=False, separators=(",", ":")).encode()


def _cell(value: Cell) -> Cell:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def probabilities_of(body: bytes, question: Question) -> list[float]:
    """Read the probability of each row.

    Raises:
        Rejected: the model was trained on other features.
        Unavailable: it is anything but a number from 0 to 1 for each row.
    """
    try:
        told: Loose = json.loads(body.decode())
        schema = told.get("schema") if isinstance(told, dict) else None
        given = told["predictions"] if isinstance(told, dict) else told
        found = [float(each["probability"] if isinstance(each, dict) else each) for each in given]
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("SageMaker's answer is no predictions") from error
    if schema is not None and schema != question.schema:
        raise Rejected(
            "the model behind SageMaker was trained on other features than these; train it anew, or go back to the older version"
        )
    if len(found) != len(question.rows) or not all(0 <= each <= 1 for each in found):
        raise Unavailable(f"SageMaker's answer is not a probability for each of {len(question.rows)} accounts")
    return found
