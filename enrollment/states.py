"""The states of an enrollment, and every way from one to another. Nothing else may change a state.

A row exists from the moment an account is held out, delayed, queued or active; one that was refused leaves a `Reason` and no row.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where an account stands in a playbook."""

    CONSIDERED = "considered"
    """Somebody or something wants it to enter; the rules are being asked. Never stored."""
    REFUSED = "refused"
    """A rule said no. Not stored as an enrollment; the last refusal of an account is remembered with its reason."""
    SUPPRESSED = "suppressed"
    """It would enter, but a condition of `suppress` with `then: delay` holds. It is considered again until it does not."""
    HELD_OUT = "held_out"
    """It met every rule, and belongs to the group that is left alone so that the playbook's effect can be measured."""
    QUEUED = "queued"
    """It met every rule, and waits for room: `limits`, an approval, a wave, or the end of the play that is under way."""
    ACTIVE = "active"
    """A play is under way."""
    LEFT = "left"
    """It is over; the reason says how."""


OPEN: Final = frozenset({State.SUPPRESSED, State.HELD_OUT, State.QUEUED, State.ACTIVE})
"""The states in which an account is in a playbook. For one key there is one such enrollment, unless it may run alongside."""

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.CONSIDERED: frozenset({State.REFUSED, State.SUPPRESSED, State.HELD_OUT, State.QUEUED, State.ACTIVE}),
        State.REFUSED: frozenset(),
        State.SUPPRESSED: frozenset({State.HELD_OUT, State.QUEUED, State.ACTIVE, State.LEFT}),
        State.HELD_OUT: frozenset({State.LEFT}),
        State.QUEUED: frozenset({State.ACTIVE, State.SUPPRESSED, State.LEFT}),
        State.ACTIVE: frozenset({State.LEFT}),
        # A play that has ended is taken up again: to be undone, or retried from a step.
        State.LEFT: frozenset({State.ACTIVE}),
    }
)


class ForbiddenTransition(Exception):
    """A bug of ours: somebody tried to move an enrollment in a way that the table does not know."""


def move(state: State, to: State) -> State:
    """Give the new state.

    Raises:
        ForbiddenTransition: there is no way from the one to the other.
    """
    if to not in TRANSITIONS[state]:
        raise ForbiddenTransition(f"an enrollment cannot go from {state} to {to}")
    return to


def sources(to: State) -> frozenset[State]:
    """Give the states from which one may come to `to`; what a statement that moves rows may touch."""
    return frozenset(state for state, ways in TRANSITIONS.items() if to in ways)


class Reason(StrEnum):
    """Why an enrollment is in its state, or why there is none."""

    # How one enters.
    ENTERED = "entered"
    HELD_OUT = "held_out"
    ROOM = "waits_for_room"
    APPROVAL = "waits_for_approval"
    WAVE = "waits_for_wave"
    PLAY = "waits_for_play"
    RESTART = "restarts"
    DELAYED = "delayed"
    # Why one does not.
    UNKNOWN = "unknown_account"
    ALREADY_ACTIVE = "already_active"
    ALREADY_WAITING = "already_waiting"
    IN_HOLDOUT = "in_holdout"
    ENTERED_BEFORE = "entered_before"
    TOO_SOON = "too_soon"
    EXCLUDED = "excluded"
    NOT_IN_AUDIENCE = "not_in_audience"
    SUPPRESSED = "suppressed"
    EXISTED = "existed_at_publish"
    CONDITION = "condition_not_met"
    NOT_PUBLISHED = "not_published"
    BAD_INPUTS = "bad_inputs"
    # How one leaves. The others are outcomes of plays: goal, exit:<name>, completed, cancelled, failed, undone, …
    WITHDRAWN = "withdrawn"
    OBSERVED = "observed"
    NO_LONGER = "no_longer_eligible"


FORGIVEN: Final = frozenset({Reason.WITHDRAWN, Reason.NO_LONGER, "undone"})
"""Who left so was never really there: `again` does not count it. An undone play is one that should not have been."""
