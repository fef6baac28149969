"""What is known of one account, prepared so that features at many cutoffs are cheap.

An observation counts at a cutoff only when it had happened and was known by then. Of a subject (a ticket, an invoice, a contract) the
newest known observation counts, value by value: one that says only `status: closed` leaves the severity as it was, one that says null
takes it back.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scoring.features.reports import Report, report_of
from scoring.features.values import day, number, seconds
from scoring.observations import KINDS, Observation, Value

_BY_SUBJECT: Final = frozenset({"ticket", "invoice", "meeting", "contact", "contract"})


@dataclass(slots=True)
class Track:
    """Observations in the order in which they happened. `latest` is the newest moment of learning up to each."""

    seen: list[Observation] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    learned: list[float] = field(default_factory=list)
    latest: list[float] = field(default_factory=list)

    def add(self, observation: Observation, at: float, learned: float) -> None:
        """Add the next one."""
        self.seen.append(observation)
        self.at.append(at)
        self.learned.append(learned)
        self.latest.append(max(learned, self.latest[-1]) if self.latest else learned)

    def known(self, cutoff: float, since: float = -math.inf) -> Sequence[int]:
        """Give the places of those that happened after `since` and at or before the cutoff, and were known at it."""
        first, end = bisect_right(self.at, since), bisect_right(self.at, cutoff)
        if end == 0 or self.latest[end - 1] <= cutoff:
            return range(first, end)
        return [place for place in range(first, end) if self.learned[place] <= cutoff]

    def first(self, cutoff: float) -> int | None:
        """Give the place of the earliest one known at the cutoff."""
        end = bisect_right(self.at, cutoff)
        return next((place for place in range(end) if self.learned[place] <= cutoff), None)

    def last(self, cutoff: float) -> int | None:
        """Give the place of the newest one known at the cutoff."""
        end = bisect_right(self.at, cutoff)
        return next((place for place in range(end - 1, -1, -1) if self.learned[place] <= cutoff), None)


@dataclass(slots=True)
class State:
    """What is known of a subject: its values, when it was first and last heard of, and since when each value is as it is."""

    name: str
    first: float
    last: float
    values: Mapping[str, Value]
    since: Mapping[str, float]

    def text(self, name: str) -> str | None:
        """Give a word, None when it is missing."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str, least: float = -math.inf) -> float | None:
        """Give a number, None when it is missing."""
        return number(self.values.get(name), least)

    def day(self, name: str) -> float | None:
        """Give the beginning of a date, None when it is missing."""
        return day(self.values.get(name))


class Subject:
    """One ticket, invoice, meeting, contact or contract: what was said of it over time."""

    __slots__ = ("_states", "name", "track")

    def __init__(self, name: str) -> None:
        self.name = name
        self.track = Track()
        self._states: list[State] | None = None

    def state(self, cutoff: float) -> State | None:
        """Give what was known of it at a cutoff, None when that was nothing."""
        end = bisect_right(self.track.at, cutoff)
        if end == 0:
            return None
        if self.track.latest[end - 1] <= cutoff:
            return self._all()[end - 1]
        known = self.states(cutoff)
        return known[-1] if known else None

    def states(self, cutoff: float) -> Sequence[State]:
        """Give what was known at a cutoff, as it came to be: one state after each observation."""
        known = self.track.known(cutoff)
        return self._all()[: len(known)] if isinstance(known, range) else _states(self.name, self.track, known)

    def _all(self) -> list[State]:
        if self._states is None:
            self._states = _states(self.name, self.track, range(len(self.track.at)))
        return self._states


def _states(name: str, track: Track, places: Sequence[int]) -> list[State]:
    states: list[State] = []
    for place in places:
        at, said = track.at[place], track.seen[place].values
        if not states:
            states.append(State(name, at, at, said, dict.fromkeys(said, at)))
            continue
        before = states[-1]
        since = {**before.since, **{key: at for key, value in said.items() if before.values.get(key) != value}}
        states.append(State(name, before.first, at, {**before.values, **said}, since))
    return states


class History:
    """Everything that was ever observed of one account.

    Args:
        account: its id.
        observations: in any order, duplicates among them: the same id at the same moment is one observation, as it was first heard of.
    """

    def __init__(self, account: str, observations: Iterable[Observation]) -> None:
        self.account = account
        self.tracks: dict[str, Track] = {kind: Track() for kind in KINDS}
        self._subjects: dict[str, dict[str, Subject]] = {kind: {} for kind in _BY_SUBJECT}
        self.ends: list[tuple[float, float, str]] = []
        """When a contract was lost, when that was known, and which: kept away from what features are made of."""
        for at, learned, each in _once(observations):
            if each.kind in self.tracks:
                self.tracks[each.kind].add(each, at, learned)
            if each.kind == "contract" and each.values.get("status") == "churned":
                self.ends.append((at, learned, each.subject))
            elif each.kind in _BY_SUBJECT:
                # An account has one contract unless its contracts are named; everything else stands for itself.
                name = each.subject or ("" if each.kind == "contract" else f"\0{each.id}\0{at}")
                self._subjects[each.kind].setdefault(name, Subject(name)).track.add(each, at, learned)
        self.reports: list[Report] = [report_of(each.values) for each in self.tracks["usage"].seen]
        self._in_order = {kind: list(subjects.values()) for kind, subjects in self._subjects.items()}
        self._firsts = {kind: [subject.track.at[0] for subject in subjects] for kind, subjects in self._in_order.items()}

    def subjects(self, kind: str, cutoff: float) -> list[Subject]:
        """Give the subjects of a kind that were heard of at or before the cutoff, known or not."""
        return self._in_order[kind][: bisect_right(self._firsts[kind], cutoff)]

    def states(self, kind: str, cutoff: float) -> list[State]:
        """Give what was known at a cutoff of every subject of a kind, in the order in which they were first heard of."""
        return [state for subject in self.subjects(kind, cutoff) if (state := subject.state(cutoff)) is not None]


def _once(observations: Iterable[Observation]) -> list[tuple[float, float, Observation]]:
    """Sort by when it happened; of the same observation keep the one that was known first."""
    ordered = sorted(
        (
            (seconds(each.occurred_at), seconds(each.ingested_at), each.id, each.kind, index, each)
            for index, each in enumerate(observations)
        ),
        key=lambda item: item[:4],
    )
    kept: dict[tuple[float, str], tuple[float, float, Observation]] = {}
    for at, learned, name, _, _, each in ordered:
        other = kept.get((at, name))
        if other is None or (other[1] == learned and repr(each) < repr(other[2])):
            kept[at, name] = (at, learned, each)
    return list(kept.values())


def histories_of(observations: Iterable[Observation]) -> dict[str, History]:
    """Give the history of each account that is named, by its id, in the order of ids."""
    by_account: dict[str, list[Observation]] = {}
    for each in observations:
        by_account.setdefault(each.account, []).append(each)
    return {account: History(account, by_account[account]) for account in sorted(by_account)}
