"""How a playbook wants its launches to go: who approves them, in which waves accounts enter, and what halts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from enrollment.holdout import position
from playbook_dsl.enrollment import Enroll

_STRATUM: Final = "wave of a launch"
"""Part of what is hashed, so that the first wave is another part of the accounts than the holdout."""


@dataclass(frozen=True)
class Course:
    """`launch` of a playbook.

    Args:
        approvers: owners as authors write them, the first that is found is asked; none means that nobody has to approve.
        waves: shares of all accounts that may have entered by then, growing, 0 to 1; none means all at once.
        after: how long a wave is watched before the next one opens, as written.
        halt_if: the condition on the launch's own plays that keeps the next wave from opening, as written.
    """

    approvers: tuple[str, ...] = ()
    waves: tuple[float, ...] = ()
    after: str | None = None
    halt_if: str | None = None

    @classmethod
    def of(cls, enroll: Enroll) -> "Course":
        """Read `launch` of a plan."""
        given = enroll.launch or {}
        approve, waves, gate = given.get("approve"), given.get("waves"), given.get("gate")
        by = approve.get("by") if isinstance(approve, dict) else None
        rules: Mapping[str, object] = gate if isinstance(gate, dict) else {}
        return cls(
            approvers=tuple(str(one) for one in by) if isinstance(by, list | tuple) else (),
            waves=tuple(float(one) for one in waves if isinstance(one, int | float)) if isinstance(waves, list | tuple) else (),
            after=_text(rules.get("after")),
            halt_if=_text(rules.get("halt_if")),
        )

    @property
    def last_wave(self) -> int:
        """Give the number of the last wave; 0 when all enter at once."""
        return len(self.waves)


def wave_of(tenant: str, playbook: str, account: str, waves: Sequence[float]) -> int:
    """Give the wave of an account, from 1: the same in every launch of the playbook, and the wider one holds the narrower ones.

    Accounts beyond the last share belong to the last wave. Without waves it is 0.
    """
    if not waves:
        return 0
    at = position(tenant, playbook, account, _STRATUM)
    return next((number for number, share in enumerate(waves, 1) if at < share), len(waves))


def _text(given: object) -> str | None:
    return None if given is None else str(given)
