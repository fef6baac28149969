"""Holds a model that was trained against the gates, beside whoever scores now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from activities.failures import ActionProblem
from activities.scoring.contracts import Compare, Compared, TargetName
from activities.scoring.health import cards_of
from playbook_dsl.scorecard.card import DEFAULT, Card
from scoring.features.definitions import FEATURE_SET
from scoring.health_panel import health_of_panel
from scoring.models.card import card
from scoring.models.evidence import Champion, decide
from scoring.models.files import Manifest, ModelRefused, load
from scoring.models.model import Model
from scoring.models.train import measured
from scoring.panel import Numbers, Panel
from storage.repositories.models import find_champion, find_model, list_cleared, read_file
from storage.session import Database, Session


class ModelGone(ActionProblem):
    """A model that was trained and cannot be read any more."""


@dataclass(frozen=True)
class Judged:
    """What came of it, the gates for storing, and the card."""

    answer: Compared
    gates: Sequence[Mapping[str, object]]
    card: str


@dataclass(frozen=True)
class _Kept:
    """A model as the registry has it."""

    name: str
    file: bytes
    sha256: str


@dataclass(frozen=True)
class _Case:
    """Everything a decision rests on."""

    target: TargetName
    challenger: _Kept
    champion: _Kept | None
    cards: tuple[Card, ...]
    cleared: frozenset[str]


async def judge(database: Database, call: Compare, panel: Panel) -> Judged:
    """Hold a model against the gates and against who scores now: the champion, or the scorecard where there is none.

    Raises:
        ModelGone: the model is not in the registry, or its file is refused.
    """
    async with database.begin(call.training.input.tenant) as session:
        case = await _case(session, call)
    return await asyncio.to_thread(_judged, case, panel)


async def _case(session: Session, call: Compare) -> _Case:
    target = call.training.input.target
    champion = await find_champion(session, target)
    challenger = await _kept(session, target, call.version)
    if challenger is None:
        raise ModelGone(f"{target}-{call.version} is not in the registry any more; train again")
    return _Case(
        target=target,
        challenger=challenger,
        champion=await _kept(session, target, champion.version) if champion else None,
        cards=(await cards_of(session)).cards,
        cleared=frozenset(await list_cleared(session, target)),
    )


async def _kept(session: Session, target: TargetName, version: int) -> _Kept | None:
    row = await find_model(session, target, version)
    return None if row is None else _Kept(f"{target}-{version}", await read_file(session, target, version), row.sha256)


def _judged(case: _Case, panel: Panel) -> Judged:
    model, manifest = _loaded(case.challenger)
    trained = measured(model, panel)
    scorecard = _by_scorecard(case.cards, panel, case.target)
    decision = decide(trained, panel, champion=_champion(case), scorecard=scorecard, cleared=case.cleared)
    answer = Compared(verdict=decision.verdict, why=decision.why, blocked=tuple(gate.why for gate in decision.blocked))
    return Judged(answer, decision.as_json(), card(trained, manifest, decision, panel))


def _loaded(kept: _Kept) -> tuple[Model, Manifest]:
    try:
        return load(kept.file, kept.sha256)
    except ModelRefused as error:
        raise ModelGone(f"{kept.name}: {error}") from error


def _champion(case: _Case) -> Champion | None:
    """Give the champion; one that cannot be read scores nobody, and the challenger is held against who really does."""
    if case.champion is None:
        return None
    try:
        return Champion(case.champion.name, load(case.champion.file, case.champion.sha256, feature_set=FEATURE_SET)[0])
    except ModelRefused:
        return None


def _by_scorecard(cards: tuple[Card, ...], panel: Panel, target: TargetName) -> Numbers:
    """Give what stands in for a model, as `scoring.stand_in` has it: what health lacks for churn, health itself for expansion."""
    card_used = next((each for each in cards if each.name == DEFAULT), cards[0])
    health = health_of_panel(card_used, panel).scores
    return health if target == "expansion" else 100 - health
