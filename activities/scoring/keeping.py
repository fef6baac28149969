"""What becomes of answers: rows of scores, facts of accounts, and word to the plays they are in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, TypeAlias

from activities.news import tell_plays
from playbook_dsl.values import Money, Value, to_json
from scoring.features.definitions import FEATURE_SET
from scoring.kept import prediction_json, read_prediction
from scoring.predictions import Prediction, Target
from scoring.serve import MODELS, STALE_AT_MOST, Answer, Health, Kept
from storage.repositories.scores import Basis, save_facts, save_night, save_scores
from storage.session import Session

Tree: TypeAlias = Any
"""JSON of any shape."""

Band: TypeAlias = Literal["green", "yellow", "red"]
"""Health in one word."""
_BANDS: Final[Mapping[str, Band]] = {"green": "green", "yellow": "yellow", "amber": "yellow", "red": "red"}
TOLD: Final = "scorecard:facts"
"""The version of a health that no card of ours computed."""
GREEN: Final = 70
YELLOW: Final = 40

_CENT: Final = Decimal("0.01")
EXPANSION_SHARE: Final = Decimal("0.2")
"""What an expansion is worth against the revenue of before, as long as nobody knows better: a fifth."""
ROOTS: Final[Mapping[Target, str]] = {"churn": "risk", "expansion": "expansion"}
"""Under which root the facts of a target are kept."""


def kept_of(basis: Basis) -> Kept | None:
    """Give the score that is kept of an account; None when there is none, or one that cannot be read any more."""
    row = basis.kept
    if row is None:
        return None
    try:
        return Kept(read_prediction(row["prediction"]), str(row["feature_set"]))
    except (KeyError, TypeError, ValueError):
        return None


def health_of(basis: Basis) -> Health | None:
    """Give the newest health: of a scorecard, or what the account's facts say where somebody told them another since."""
    row, told = basis.health or {}, basis.told_health
    computed, score = _number(row.get("score")), _number(told.get("score"))
    if computed is not None and score in (None, computed):
        as_of = datetime.fromisoformat(row["as_of"])
        return Health(computed, str(row["model_version"]), float(row["coverage"]), as_of, _words(row["prediction"].get("factors")))
    if score is None:
        return None
    at = told.get("updated_at")
    as_of = datetime.fromisoformat(at["$datetime"]) if isinstance(at, dict) and "$datetime" in at else basis.changed_at
    return Health(min(100.0, max(0.0, score)), TOLD, 1.0, as_of)


def band_of(basis: Basis, health: Health) -> Band:
    """Give health in one word: the card's own, or what facts say with a score of theirs, else green from 70 and red below 40."""
    row = None if health.version == TOLD else basis.health
    said = row["level"] if row is not None else basis.told_health.get("band")
    if isinstance(said, str) and said in _BANDS:
        return _BANDS[said]
    return "green" if health.score >= GREEN else "yellow" if health.score >= YELLOW else "red"


def _number(value: Tree) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _words(factors: Tree) -> tuple[str, ...]:
    return tuple(each for each in factors if isinstance(each, str)) if isinstance(factors, list) else ()


def is_to_be_kept(basis: Basis, answer: Answer, now: datetime) -> bool:
    """Say whether an answer becomes the account's score.

    A scorecard that stands in for a model which fails does not take the place of what the model said within a week: its probability is
    on another footing, and an outage must not look like a change of the accounts, and start plays. Nor does a score that rests on features
    of days ago become the account's score of now.
    """
    said, before = answer.prediction, basis.kept
    if said is None or said.stale or said.source == "cached":
        return False
    if before is None or said.source in MODELS or not answer.failed or before["source"] not in MODELS:
        return True
    return now - datetime.fromisoformat(before["scored_at"]) > STALE_AT_MOST


async def keep(
    session: Session, target: Target, answered: Sequence[tuple[Basis, Answer]], now: datetime, *, night: datetime | None = None
) -> list[str]:
    """Write answers down, and tell the plays of accounts whose facts changed; give those accounts. With `night` also as that night's."""
    kept = [(basis, answer.prediction) for basis, answer in answered if answer.prediction and is_to_be_kept(basis, answer, now)]
    rows = [_row(said) for _, said in kept]
    await save_scores(session, target, FEATURE_SET, rows)
    if night is not None:
        await save_night(session, target, night, [{name: value for name, value in row.items() if name != "prediction"} for row in rows])
    changed = await save_facts(session, ROOTS[target], {basis.account: facts_of(basis, said) for basis, said in kept})
    await tell_plays(session, changed)
    return changed


def _row(said: Prediction) -> dict[str, Tree]:
    return {
        "account": said.account,
        "score": said.score,
        "probability": said.probability,
        "level": said.level,
        "source": said.source,
        "model_version": said.model_version,
        "coverage": said.coverage,
        "prediction": prediction_json(said),
        "as_of": said.as_of.isoformat(),
        "scored_at": said.scored_at.isoformat(),
    }


def facts_of(basis: Basis, said: Prediction) -> dict[str, Tree]:
    """Give the facts that plays see, in JSON form. Rounded: what nobody can see is no change."""
    facts: dict[str, Value] = {"score": said.score}
    if said.target == "churn":
        facts |= {
            "churn_probability": round(said.probability, 4),
            "level": said.level,
            "top_factors": [factor.words for factor in said.factors],
            "updated_at": said.scored_at,
        }
    elif basis.mrr is not None and basis.currency is not None:
        facts["potential"] = Money((basis.mrr * EXPANSION_SHARE).quantize(_CENT, ROUND_HALF_UP), basis.currency)
    return {name: to_json(value) for name, value in facts.items()}
