"""What an enrollment that waits keeps for its play, sealed: inputs, what brought it, and the rules that were left aside."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from playbook_dsl.values import Json
from storage.enrollment_tables import Enrollment
from storage.session import Session

_BY_HAND: Final = frozenset({"audience", "limits"})


@dataclass(frozen=True)
class Waiting:
    """What was sealed. `start` is the play's: inputs and trigger."""

    start: dict[str, Json]
    ignore: frozenset[str]

    @property
    def trigger(self) -> Mapping[str, Json] | None:
        """Give what brought the account, with the fields of its event."""
        found = self.start.get("trigger")
        return found if isinstance(found, dict) else None

    @property
    def inputs(self) -> Mapping[str, Json] | None:
        """Give the inputs of the play."""
        found = self.start.get("inputs")
        return found if isinstance(found, dict) else None


def seal_start(session: Session, enrollment_id: str, start: Mapping[str, Json], ignore: Set[str]) -> bytes | None:
    """Seal what a play will start with, and what is not to be asked again before."""
    return session.seal("enrollment", "start", enrollment_id, {**start, "ignore": [*sorted(ignore)]})


def open_start(session: Session, row: Enrollment) -> Waiting:
    """Open what was sealed."""
    found = session.open("enrollment", "start", row.id, row.start)
    start = dict(found) if isinstance(found, dict) else {}
    ignore = start.pop("ignore", None)
    if isinstance(ignore, list):
        return Waiting(start, frozenset(map(str, ignore)))
    # A row of before this was written down: who was let in by hand is not asked again what the person left aside.
    return Waiting(start, _BY_HAND if row.trigger in ("manual", "api") else frozenset())
