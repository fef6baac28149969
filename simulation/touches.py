"""The messages of a virtual play, counted against the budget of its playbook.

A virtual play is alone: other plays' messages and the tenant's default budget are not known. Recipients are told apart by how the step
names them, because nobody looks contacts up.
"""

import json
from datetime import datetime

from activities.contracts import ActionCall, ActionResult
from enrollment.budget import Budget, turn, why
from workflows.interpreter.runtime import OverBudget


class Touches:
    """What was sent to whom, and when."""

    def __init__(self) -> None:
        """Begin with nobody written to."""
        self._sent: dict[tuple[str, str], list[datetime]] = {}

    def ask(self, call: ActionCall, now: datetime) -> None:
        """Let a message pass.

        Raises:
            OverBudget: it must wait.
        """
        budget = _budget(call)
        if budget is None:
            return
        wait = turn(budget, self._sent.get(_place(call, budget), []), [], now)
        if wait is not None:
            raise OverBudget(wait.until, why(wait, budget, _channel(call), _name(call, budget), now))

    def note(self, call: ActionCall, reply: ActionResult, now: datetime) -> None:
        """Note a message that was sent, or may have been."""
        budget = _budget(call)
        if budget is not None and reply.status != "skipped":
            self._sent.setdefault(_place(call, budget), []).append(now)


def _budget(call: ActionCall) -> Budget | None:
    return Budget.of(call.sending.budget, call.sending.channel) if call.sending is not None else None


def _channel(call: ActionCall) -> str:
    return call.sending.channel if call.sending is not None else ""


def _place(call: ActionCall, budget: Budget) -> tuple[str, str]:
    to = "" if budget.per == "account" else json.dumps(call.inputs.get("to"), sort_keys=True, default=str)
    return _channel(call), to


def _name(call: ActionCall, budget: Budget) -> str:
    if budget.per == "account":
        return "the account"
    to = call.inputs.get("to")
    return str(to.get("name") or "") if isinstance(to, dict) else str(to or "")
