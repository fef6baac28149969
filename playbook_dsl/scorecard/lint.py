"""What is legal in a scorecard and still hardly meant: found from the card alone."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from playbook_dsl.scorecard.card import Card, Measure

Kind: TypeAlias = Literal["band", "missing", "weight", "exception", "change"]
LEAST_SHARE: Final = 0.01
"""A measure with a smaller share of the score cannot change it by a whole point."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark: what it is about, the band, measure or exception, and a sentence that says what to do."""

    kind: Kind
    subject: str
    words: str


def lint_card(card: Card) -> list[Remark]:
    """Give what the card alone shows: weights and exceptions that never matter."""
    return [*_light(card), *_constant(card), *_idle(card)]


def _light(card: Card) -> list[Remark]:
    """Give the measures that weigh nearly nothing in the card and for every segment."""
    shares: dict[str, float] = {}
    for own in ({}, *card.segments.values()):
        groups = {group.id: own.get(group.id, group.weight) for group in card.groups}
        whole = sum(groups.values())
        for group in card.groups:
            inner = {measure.id: own.get(f"{group.id}.{measure.id}", measure.weight) for measure in group.measures}
            within = sum(inner.values())
            for measure in group.measures:
                share = groups[group.id] * inner[measure.id] / (whole * within) if whole and within else 0.0
                shares[f"{group.id}.{measure.id}"] = max(share, shares.get(f"{group.id}.{measure.id}", 0.0))
    return [
        Remark(
            "weight",
            name,
            f'"{name}" is at most {share:.1%} of the score, so it never changes it by a point; remove it',
        )
        for name, share in shares.items()
        if share < LEAST_SHARE
    ]


def _constant(card: Card) -> list[Remark]:
    return [
        Remark("weight", f"{group.id}.{measure.id}", f'"{group.id}.{measure.id}" gives the same points whatever its value; remove it')
        for group, measure in card.measures()
        if _is_constant(measure)
    ]


def _is_constant(measure: Measure) -> bool:
    return measure.ramp is None and len({step.points for step in measure.steps}) == 1


def _idle(card: Card) -> list[Remark]:
    return [
        Remark("exception", limit.because, f'the exception "{limit.because}" changes nothing: no score is above 100 or below 0')
        for limit in card.limits
        if (limit.cap is None or limit.cap >= 100) and (limit.floor is None or limit.floor <= 0)
    ]
