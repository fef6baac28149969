"""How each kind of step is done. A new verb is a line here."""

from typing import Final

from workflows.interpreter.steps.action import run_action
from workflows.interpreter.steps.asks import run_ask
from workflows.interpreter.steps.blocks import (
    run_branch,
    run_lock,
    run_parallel,
    run_set,
    run_split,
    run_stage,
    run_stop,
    run_stop_repeat,
    run_together,
)
from workflows.interpreter.steps.loops import run_for_each, run_repeat
from workflows.interpreter.steps.plays import run_play
from workflows.interpreter.steps.waits import run_wait, run_wait_until
from workflows.interpreter.walk import Handler

HANDLERS: Final[dict[str, Handler]] = {
    "action": run_action,
    "ask": run_ask,
    "branch": run_branch,
    "for_each": run_for_each,
    "lock": run_lock,
    "parallel": run_parallel,
    "play": run_play,
    "repeat": run_repeat,
    "set": run_set,
    "split": run_split,
    "stage": run_stage,
    "stop": run_stop,
    "stop_repeat": run_stop_repeat,
    "together": run_together,
    "wait": run_wait,
    "wait_until": run_wait_until,
}
