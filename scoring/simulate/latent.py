"""What nobody sees: how satisfied customers are, how much of the product they have made their own, whether their champion is there."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.panel import Flags, Numbers
from scoring.simulate.accounts import Accounts

_SATISFACTION_STAYS: Final = 0.98
_SATISFACTION_MOVES: Final = 0.18
_INCIDENT: Final = 0.004
"""Probability a week of something that takes 1 from satisfaction."""
_ADOPTION_STAYS: Final = 0.97
_ADOPTION_MOVES: Final = 0.13
_ADOPTION_FOLLOWS: Final = 0.015
"""How much of satisfaction's distance from its mean adoption follows each week."""
_CHAMPION_MISSED: Final = 0.02
_CHAMPION_LEAVES: Final = 0.006
_CHAMPION_COMES: Final = 0.05


@dataclass(frozen=True)
class State:
    """The state of one week: (n,), or (futures, n) when possible futures are drawn."""

    satisfaction: Numbers
    adoption: Numbers
    champion: Flags


@dataclass(frozen=True)
class Paths:
    """What the state was in every week: (weeks, n)."""

    satisfaction: Numbers
    adoption: Numbers
    champion: Flags

    def week(self, number: int) -> State:
        """Give the state of a week."""
        return State(self.satisfaction[number], self.adoption[number], self.champion[number])


def first_state(accounts: Accounts, rng: np.random.Generator) -> State:
    """Draw a first state, about as the later ones are."""
    n = len(accounts)
    return State(
        satisfaction=accounts.satisfaction + rng.normal(0, 0.9, n),
        adoption=accounts.adoption + rng.normal(0, 0.53, n),
        champion=rng.random(n) < _CHAMPION_COMES / (_CHAMPION_COMES + _CHAMPION_LEAVES),
    )


def next_state(state: State, accounts: Accounts, rng: np.random.Generator) -> State:
    """Draw the state of the week after. Only the state of this week matters."""
    shape: tuple[int, ...] = state.satisfaction.shape
    incident: Flags = rng.random(shape) < _INCIDENT
    away = state.satisfaction - accounts.satisfaction
    stays = np.where(state.champion, rng.random(shape) >= _CHAMPION_LEAVES, rng.random(shape) < _CHAMPION_COMES)
    return State(
        satisfaction=accounts.satisfaction + _SATISFACTION_STAYS * away + _SATISFACTION_MOVES * rng.standard_normal(shape) - 1.0 * incident,
        adoption=accounts.adoption
        + _ADOPTION_STAYS * (state.adoption - accounts.adoption)
        + _ADOPTION_FOLLOWS * away
        - _CHAMPION_MISSED * ~state.champion
        + _ADOPTION_MOVES * rng.standard_normal(shape),
        champion=stays,
    )


def draw_paths(accounts: Accounts, weeks: int, rng: np.random.Generator) -> Paths:
    """Draw what the states really are, week by week."""
    states = [first_state(accounts, rng)]
    for _ in range(weeks - 1):
        states.append(next_state(states[-1], accounts, rng))
    return Paths(
        satisfaction=np.stack([state.satisfaction for state in states]),
        adoption=np.stack([state.adoption for state in states]),
        champion=np.stack([state.champion for state in states]),
    )
