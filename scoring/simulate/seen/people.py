"""Meetings, e-mails, and who works there."""

from typing import Final

import numpy as np

from scoring.panel import Numbers
from scoring.simulate.options import WEEK
from scoring.simulate.outcomes import Outcomes
from scoring.simulate.seen.columns import Column, Seen
from scoring.simulate.seen.support import there
from scoring.simulate.world import World

_MEETINGS: Final = (("csm", 1 / 6, 0.7), ("executive", 1 / 18, 0.3))
"""With whom, how many a week, and how far satisfaction decides whether it takes place."""
_EMAILS_A_WEEK: Final = 0.7
FIRST_NEW_CHAMPION: Final = 100
"""Numbers of contacts: 0 the champion, 1 the executive, from 2 on users; later champions count from here by the week they came."""


def meetings(world: World, outcomes: Outcomes) -> list[Seen]:
    """Meetings that were planned, and whether they took place."""
    rng, paths = world.options.stream("meetings"), world.paths
    shape: tuple[int, ...] = paths.satisfaction.shape
    found = []
    for mark, (whom, rate, weight) in zip("me", _MEETINGS, strict=True):
        at = WEEK * (np.arange(shape[0])[:, None] + rng.random(shape))
        held = rng.random(shape) < 1 / (1 + np.exp(-(1.4 + weight * paths.satisfaction - 1.0 * ~paths.champion)))
        rows = np.nonzero((rng.random(shape) < rate) & there(world, outcomes, at))
        values: dict[str, Column] = {"with": np.full(len(rows[0]), whom), "held": held[rows]}
        found.append(Seen("meeting", mark, rows[1], rows[0], at[rows], at[rows] + 0.5, values))
    return found


def emails(world: World, outcomes: Outcomes) -> list[Seen]:
    """Our messages, and the answers of who is content and has a champion."""
    rng, paths = world.options.stream("emails"), world.paths
    shape: tuple[int, ...] = paths.satisfaction.shape
    sent = WEEK * (np.arange(shape[0])[:, None] + rng.random(shape))
    answered = sent + rng.exponential(1.5, shape)
    answers = rng.random(shape) < 1 / (1 + np.exp(-(0.1 + 1.1 * paths.satisfaction - 1.0 * ~paths.champion)))
    out = rng.random(shape) < _EMAILS_A_WEEK
    found = []
    for mark, direction, at, chosen in (("o", "out", sent, out), ("r", "in", answered, out & answers)):
        rows = np.nonzero(chosen & there(world, outcomes, at))
        values: dict[str, Column] = {"direction": np.full(len(rows[0]), direction)}
        found.append(Seen("email", mark, rows[1], rows[0], at[rows], at[rows] + 0.01, values))
    return found


def contacts(world: World, outcomes: Outcomes) -> list[Seen]:
    """Who is there at the beginning, and champions who leave and come. A champion may have left before the book begins."""
    rng, accounts, champion = world.options.stream("contacts"), world.accounts, world.paths.champion
    roles = np.array(["champion", "executive", "user", "user", "user"])
    count = 3 + rng.integers(0, 3, len(accounts))
    number, account = np.nonzero(np.arange(len(roles))[:, None] < count)
    first = np.zeros(len(account), dtype=bool)
    rows = [_contact("p", account, number, accounts.began[account] + 0.01, roles[number], first)]
    left: list[tuple[int, int, float]] = []
    came: list[tuple[int, int, float]] = []
    lag = rng.random((world.options.weeks, len(accounts)))
    for place in range(len(accounts)):
        begins = max(0, int(accounts.began[place] // WEEK) + 1)
        now, there_before = 0, True
        for week in [begins, *(np.flatnonzero(np.diff(champion[begins:, place])) + begins + 1).tolist()]:
            if week >= len(champion) or bool(champion[week, place]) == there_before:
                continue
            there_before = not there_before
            at = WEEK * (week + float(lag[week, place]))
            now = now if not there_before else FIRST_NEW_CHAMPION + week
            (came if there_before else left).append((place, now, at))
    for mark, events, gone in (("p", came, False), ("q", left, True)):
        places, numbers, moments = (np.array([event[k] for event in events]) for k in range(3))
        found = _contact(
            mark,
            places.astype(np.int64),
            numbers.astype(np.int64),
            moments.astype(float),
            np.full(len(events), "champion"),
            np.full(len(events), gone),
        )
        rows.append(found.rows(there(world, outcomes, found.occurred, found.account)))
    return rows


def _contact(mark: str, account: Column, number: Column, at: Numbers, role: Column, left: Column) -> Seen:
    return Seen("contact", mark, account, number, at, at + np.where(left, 2.0, 0.2), {"role": role, "left": left}, about="p")
