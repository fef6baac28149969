"""1,000 accounts through a playbook of 90 days on the virtual clock."""

import time
from datetime import UTC, datetime

from activities.contracts import ActionResult
from bench.plays import make_input, ninety_days
from simulation.play import simulate
from simulation.runtime import World

ACCOUNTS = 1_000
_MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


def measure(accounts: int = ACCOUNTS) -> float:
    """Give the CPU seconds for all accounts, each on a clock of its own."""
    plan = ninety_days()
    inputs = [make_input(plan, number) for number in range(accounts)]
    began = time.process_time()
    for of in inputs:
        world = World(of.loaded, lambda call, attempt: ActionResult(output={"note_id": call.key}))
        played = simulate(of, world, _MONDAY)
        assert played.result.outcome == "completed"
        assert (played.ended_at - _MONDAY).days == 90
    return time.process_time() - began
