"""Health of an account by a scorecard: measures become points, points a score from 0 (worst) to 100, transparent all the way.

A missing measure is left out and the weights of the others grow to 100 % again, unless its card says what it counts. How much of the
weight was really known is the coverage; below the card's least coverage there is no score, because a number made of little misleads.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from playbook_dsl.expressions.evaluate import EvaluationError, evaluator
from playbook_dsl.scorecard.card import DEFAULT, NEUTRAL_POINTS, Band, Card, Group, Limit, Measure
from playbook_dsl.values import Value

Scope: TypeAlias = Mapping[str, object]
"""What expressions are evaluated against: facts by root name, `now`, `today`; see `playbook_dsl.expressions.environment`."""

MOST_DRIVERS: Final = 5
_WORST, _BEST = 0.0, 100.0
_LEAST_LOSS: Final = 0.5
"""What takes less than half a point away is no driver."""


@dataclass(frozen=True, slots=True)
class MeasureHealth:
    """One measure of an account.

    Args:
        id: `group.measure`.
        title: as people read it.
        value: what the expression gave; None when it is missing.
        unit: of the value.
        points: 0 to 100; None when it is left out.
        weight: its share of the score after the weights were brought to a sum of 1; 0 when it is left out.
        nominal: its share if nothing were missing.
        missing: whether the value is missing, also when the card gives points for that.
        covered: whether it counts as known.
        lost: points it takes from the score: weight x (100 - points).
    """

    id: str
    title: str
    value: Value
    unit: str | None
    points: float | None
    weight: float
    nominal: float
    missing: bool
    covered: bool
    lost: float


@dataclass(frozen=True, slots=True)
class GroupHealth:
    """One group: its points (None when nothing of it is known), its share of the score, and its measures."""

    id: str
    title: str
    points: float | None
    weight: float
    nominal: float
    measures: tuple[MeasureHealth, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """An exception that holds, and whether it changed the score."""

    because: str
    cap: float | None
    floor: float | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The health of an account.

    Args:
        card: the scorecard's name.
        score: 0 to 100 as it is shown; None when too little is known.
        exact: the same, not rounded; also there when too little is known, None when nothing is.
        band: green, yellow or red; None without a score.
        coverage: share of the weight that is known, 0 to 1.
        groups: in the order of the card.
        applied: the exceptions that hold.
        drivers: the measures that take most away, the heaviest first.
        words: all of it in a sentence or two.
    """

    card: str
    score: int | None
    exact: float | None
    band: Band | None
    coverage: float
    groups: tuple[GroupHealth, ...]
    applied: tuple[Applied, ...]
    drivers: tuple[MeasureHealth, ...]
    words: str

    @property
    def measures(self) -> tuple[MeasureHealth, ...]:
        """Give every measure."""
        return tuple(measure for group in self.groups for measure in group.measures)


def choose(cards: Sequence[Card], scope: Scope) -> Card | None:
    """Give the card of an account: the first by name whose condition holds, the one called `default` after all others."""
    return next((card for card in sorted(cards, key=lambda card: (card.name == DEFAULT, card.name)) if applies(card, scope)), None)


def applies(card: Card, scope: Scope) -> bool:
    """Say whether a card is for an account; a condition that is missing is no."""
    return card.applies is None or value_of(card.applies, scope) is True


def evaluate(card: Card, scope: Scope) -> Health:
    """Compute the health of an account. The same facts give the same health, whatever the order of groups and measures."""
    own = _weights_of(card, scope)
    groups = _shared(tuple(_group(group, own, scope) for group in card.groups))
    coverage = _share(measure.nominal for group in groups for measure in group.measures if measure.covered)
    plain = _mean([(group.points, group.weight) for group in groups])
    exact, applied = (None, ()) if plain is None else _limited(plain, [each for each in card.limits if value_of(each.when, scope) is True])
    score = None if exact is None or coverage < card.min_coverage else round(exact)
    drivers = _drivers(groups)
    health = Health(
        card=card.name,
        score=score,
        exact=exact,
        band=None if score is None else card.band_of(score),
        coverage=coverage,
        groups=groups,
        applied=applied,
        drivers=drivers,
        words="",
    )
    return replace(health, words=_words(health, card))


def value_of(source: str, scope: Scope) -> Value:
    """Evaluate an expression; what goes over its budget or is no finite number is missing."""
    try:
        found = evaluator(source)(scope)
    except EvaluationError:
        return None
    return None if isinstance(found, float) and not math.isfinite(found) else found


def points_of(measure: Measure, value: Value) -> float | None:
    """Give the points of a value, 0 to 100; None when it is none the measure can have."""
    if measure.ramp is not None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        low, high = measure.ramp.low, measure.ramp.high
        # Clipped first: a number of any size compares, but not every one can be calculated with.
        inside = min(max(value, min(low, high)), max(low, high))
        return min(_BEST, max(_WORST, _BEST * ((inside - low) / (high - low))))
    for step in measure.steps:
        if step.value is None or _reaches(value, step.value):
            return step.points
    return None


def _reaches(value: Value, step: bool | float | str) -> bool:
    if isinstance(step, bool) or isinstance(value, bool) or isinstance(step, str):
        return value is step or (isinstance(step, str) and value == step)
    return isinstance(value, int | float) and value >= step


def fewest_points(measure: Measure) -> float:
    """Give the fewest points a measure can have."""
    return _WORST if measure.ramp is not None else min(step.points for step in measure.steps)


def _weights_of(card: Card, scope: Scope) -> Mapping[str, float]:
    """Give the weights of the account's segment that differ from the card's."""
    segment = value_of(card.segment_by, scope) if card.segments else None
    return card.segments.get(segment, {}) if isinstance(segment, str) else {}


def _group(group: Group, own: Mapping[str, float], scope: Scope) -> GroupHealth:
    """Give a group; the weights of its measures are within the group, its own is as the card says."""
    weights = [own.get(f"{group.id}.{measure.id}", measure.weight) for measure in group.measures]
    whole = math.fsum(weights)
    found = [
        _measure(group, measure, weight / whole if whole else 0.0, scope) for measure, weight in zip(group.measures, weights, strict=True)
    ]
    known = math.fsum(measure.nominal for measure in found if measure.points is not None)
    measures = tuple(replace(each, weight=each.nominal / known if each.points is not None and known else 0.0) for each in found)
    points = _mean([(each.points, each.weight) for each in measures])
    weight = own.get(group.id, group.weight) if whole else 0.0
    return GroupHealth(group.id, group.title, points, weight, weight, measures)


def _measure(group: Group, measure: Measure, nominal: float, scope: Scope) -> MeasureHealth:
    value = value_of(measure.value, scope)
    points = None if value is None else points_of(measure, value)
    missing = points is None
    policy = measure.missing.policy
    if missing:
        points = {
            "skip": None,
            "worst": fewest_points(measure),
            "neutral": NEUTRAL_POINTS if measure.missing.points is None else measure.missing.points,
            "fixed": measure.missing.points,
        }[policy]
    # That something is not there tells something where the card says what it counts; a neutral value tells nothing.
    covered = not missing or policy in ("worst", "fixed")
    return MeasureHealth(f"{group.id}.{measure.id}", measure.title, value, measure.unit, points, 0.0, nominal, missing, covered, 0.0)


def _shared(groups: tuple[GroupHealth, ...]) -> tuple[GroupHealth, ...]:
    """Bring the weights of groups to a sum of 1, and those of measures from their group to the whole."""
    whole = math.fsum(group.nominal for group in groups)
    known = math.fsum(group.weight for group in groups if group.points is not None)
    shared = []
    for group in groups:
        nominal = group.nominal / whole if whole else 0.0
        weight = group.weight / known if known and group.points is not None else 0.0
        measures = tuple(
            replace(
                each,
                weight=each.weight * weight,
                nominal=each.nominal * nominal,
                lost=0.0 if each.points is None else each.weight * weight * (_BEST - each.points),
            )
            for each in group.measures
        )
        shared.append(replace(group, weight=weight, nominal=nominal, measures=measures))
    return tuple(shared)


def _mean(weighted: Sequence[tuple[float | None, float]]) -> float | None:
    """Give the weighted mean of what is known. `fsum` makes it the same in any order."""
    known = [(points, weight) for points, weight in weighted if points is not None and weight > 0]
    whole = math.fsum(weight for _, weight in known)
    if not whole:
        return None
    return min(_BEST, max(_WORST, math.fsum(points * weight for points, weight in known) / whole))


def _share(weights: Iterable[float]) -> float:
    return min(1.0, max(0.0, round(math.fsum(weights), 9)))


def _limited(score: float, limits: Sequence[Limit]) -> tuple[float, tuple[Applied, ...]]:
    """Hold a score within the exceptions that hold. Where a floor and a cap cross the cap counts: bad news first."""
    floor = max((each.floor for each in limits if each.floor is not None), default=_WORST)
    cap = min((each.cap for each in limits if each.cap is not None), default=_BEST)
    held = min(cap, max(floor, score))
    applied = tuple(
        Applied(
            each.because,
            each.cap,
            each.floor,
            changed=held != score and ((each.cap == held and held < score) or (each.floor == held and held > score)),
        )
        for each in limits
    )
    return held, applied


def _drivers(groups: tuple[GroupHealth, ...]) -> tuple[MeasureHealth, ...]:
    losing = [measure for group in groups for measure in group.measures if measure.lost >= _LEAST_LOSS]
    return tuple(sorted(losing, key=lambda measure: (-round(measure.lost, 6), measure.id))[:MOST_DRIVERS])


def driver_words(measure: MeasureHealth) -> str:
    """Give a driver in words: "Logins (-62 %) takes 12 points away"."""
    points = round(measure.lost)
    return f"{measure.title} ({shown(measure)}) takes {points or 'half a'} point{'' if points <= 1 else 's'} away"


def shown(measure: MeasureHealth) -> str:
    """Give a measure's value as people read it."""
    value = measure.value
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if measure.unit in ("share", "percent") and isinstance(value, int | float):
        return f"{value * (100 if measure.unit == 'share' else 1):.0f} %"
    text = f"{round(value, 2):g}" if isinstance(value, int | float) else str(value)
    return f"{text} {measure.unit}" if measure.unit else text


def _words(health: Health, card: Card) -> str:
    if health.score is None:
        missing = [measure.title for measure in health.measures if not measure.covered]
        return (
            f"Insufficient data: {health.coverage:.0%} of what the card weighs is known, {card.min_coverage:.0%} is needed."
            f" Missing: {', '.join(missing)}."
        )
    sentences = [f"{health.score} of 100, {health.band}."]
    if health.drivers:
        sentences.append("; ".join(driver_words(each) for each in health.drivers[:3]) + ".")
    sentences += [
        f"At {'most' if each.cap is not None else 'least'} {each.cap if each.cap is not None else each.floor:g}: {each.because}."
        for each in health.applied
        if each.changed
    ]
    return " ".join(sentences)
