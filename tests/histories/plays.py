"""One short play for each verb of the language and each way a person takes part; their histories are recorded and replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError

from activities.contracts import OVER_BUDGET, ActionCall, ActionResult, RunResult
from playbook_dsl.plan import Plan
from tests.workflows.world import World, bring, failure, plan, run_input, tell
from workflows.messages import STATE_QUERY

Handle = WorkflowHandle[Any, RunResult]
Tree = dict[str, Any]
Meanwhile = Callable[[Handle], Coroutine[Any, Any, None]]


async def nothing(handle: Handle) -> None:
    """Let the play run by itself."""


@dataclass(frozen=True)
class Recorded:
    """A play to record, and what happens while it runs."""

    name: str
    steps: list[Tree]
    meanwhile: Meanwhile = nothing
    fails: dict[str, list[str | None]] = field(default_factory=dict)
    keys: Tree = field(default_factory=dict)
    over_budget: bool = False

    def plan(self) -> Plan:
        return plan(*self.steps, **self.keys)

    def world(self) -> World:
        sub_play = run_input(plan(step("inner"), playbook="sub"))
        return World(answer=self.answer, sub_play=sub_play)

    def answer(self, call: ActionCall, attempt: int) -> ActionResult:
        if self.over_budget and call.sending is not None and not call.sending.waited:
            until = datetime.now(UTC) + timedelta(seconds=1)
            raise ApplicationError(
                "it must wait", until.isoformat(), "waits until soon: Ada has had 3", type=OVER_BUDGET, non_retryable=True
            )
        fails = self.fails.get(call.key, [None])
        code = fails[min(attempt, len(fails) - 1)]
        if code is not None:
            raise failure(code, retry=True)
        return ActionResult(output={"n": 1})


def step(step_id: str, **keys: object) -> Tree:
    return {"kind": "action", "id": step_id, "title": f"Do {step_id}", "action": "note.add", "effect": "reversible", **keys}


def until(state: str, *then: Callable[[Handle], Awaitable[object]]) -> Meanwhile:
    """Wait for the play to be in a state, then do these one after another."""

    async def meanwhile(handle: Handle) -> None:
        while (await handle.query(STATE_QUERY))["state"] != state:  # noqa: ASYNC110  # there is nothing to be told by
            await asyncio.sleep(0.05)
        for act in then:
            await act(handle)
            await asyncio.sleep(0.3)

    return meanwhile


WAIT: Tree = {"kind": "wait", "id": "w", "title": "Wait a little", "for": "1 second"}
REPLY: Tree = {"kind": "wait_until", "id": "u", "alternatives": [{"name": "replied", "event": "email.replied", "then": [step("thanks")]}]}
ASK: Tree = {"kind": "ask", "id": "q", "by": ["maria"], "question": "How many?", "form": [{"name": "seats", "type": "integer"}]}
APPROVE: Tree = {"kind": "ask", "id": "ok", "approval": True, "by": ["maria", "tom"], "ask_each": True, "need": 2, "question": "Send?"}


def replied(handle: Handle) -> Awaitable[object]:
    return bring(handle, kind="event", name="email.replied", fields={"text": "yes"})


def said(do: str, **fields: object) -> Callable[[Handle], Awaitable[object]]:
    return lambda handle: tell(handle, do=do, **fields)


RECORDED = (
    Recorded("action", [step("a"), step("b", when="account.status == 'active'"), step("c", when="account.status == 'x'")]),
    Recorded("action_retried", [step("a"), step("b")], fails={"b": ["Unavailable", "Unavailable", None]}),
    Recorded("action_failed_and_undone", [step("a"), step("b"), step("c")], fails={"c": ["Rejected"]}),
    Recorded("budget", [step("a", action="email.send", effect="irreversible", sends="email"), step("b")], over_budget=True),
    Recorded("wait", [step("a"), WAIT, step("b")]),
    Recorded("wait_until_event", [step("a"), REPLY, step("b")], until("waiting", replied)),
    Recorded("wait_until_too_late", [{**REPLY, "up_to": "1 second", "on_timeout": [step("late")]}]),
    Recorded("ask", [ASK, step("b")], until("waiting", said("answer", key="q", answers={"seats": 3}))),
    Recorded(
        "approve",
        [APPROVE, step("b")],
        until(
            "waiting",
            said("answer", key="ok", answers={"approved": True}, by="maria"),
            said("answer", key="ok", answers={"approved": True}, by="tom"),
        ),
    ),
    Recorded(
        "branch",
        [
            {
                "kind": "branch",
                "id": "r",
                "cases": [{"name": "a", "when": "risk.score > 90", "steps": [step("a")]}, {"name": "b", "steps": [step("b")]}],
            }
        ],
    ),
    Recorded(
        "parallel",
        [{"kind": "parallel", "id": "p", "branches": [{"name": "x", "steps": [step("a"), WAIT]}, {"name": "y", "steps": [step("b")]}]}],
    ),
    Recorded(
        "parallel_first",
        [
            {
                "kind": "parallel",
                "id": "p",
                "first": 1,
                "branches": [
                    {"name": "x", "steps": [step("a"), {**WAIT, "for": "1 hour"}]},
                    {"name": "y", "steps": [WAIT | {"id": "v"}, step("b")]},
                ],
            }
        ],
    ),
    Recorded("for_each", [{"kind": "for_each", "id": "f", "items": "[1, 2, 3]", "as": "n", "at_once": 2, "steps": [step("a")]}]),
    Recorded("repeat", [{"kind": "repeat", "id": "r", "at_most": 3, "until": "turn == 2", "every": "1 second", "steps": [step("a")]}]),
    Recorded("stop_repeat", [{"kind": "repeat", "id": "r", "at_most": 3, "steps": [step("a"), {"kind": "stop_repeat", "id": "s"}]}]),
    Recorded("stage", [{"kind": "stage", "id": "s", "up_to": "1 second", "steps": [step("a"), REPLY], "on_timeout": [step("late")]}]),
    Recorded(
        "together",
        [{"kind": "together", "id": "t", "steps": [step("a"), step("b")], "on_error": {"do": "continue"}}],
        fails={"b": ["Rejected"]},
    ),
    Recorded("lock", [{"kind": "lock", "id": "l", "name": "account.billing", "steps": [step("a")]}]),
    Recorded("play", [{"kind": "play", "id": "p", "playbook": "sub"}, step("b")]),
    Recorded(
        "set_and_stop",
        [{"kind": "set", "id": "s", "values": {"x": {"$expr": "1 + 1"}}}, {"kind": "stop", "id": "e", "outcome": "enough"}, step("b")],
    ),
    Recorded(
        "split",
        [
            {
                "kind": "split",
                "id": "s",
                "variants": [{"name": "a", "share": 0.5, "steps": [step("a")]}, {"name": "b", "share": 0.5, "steps": [step("b")]}],
            }
        ],
    ),
    Recorded("catch", [step("a", on_error={"do": "catch", "catch": {"steps": [step("instead")]}}), step("b")], fails={"a": ["Rejected"]}),
    Recorded(
        "hold_and_skip",
        [step("a"), step("b", on_error={"do": "hold"}), step("c")],
        until("held", said("skip", key="b")),
        fails={"b": ["Rejected"]},
    ),
    Recorded("pause_and_resume", [step("a"), REPLY, step("b")], until("waiting", said("pause"), said("resume"), replied)),
    Recorded("cancel_with_undo", [step("a"), REPLY], until("waiting", said("cancel", undo=True)), keys={"finally": [step("last")]}),
    Recorded(
        "exit",
        [step("a"), REPLY],
        until("waiting", replied),
        keys={"exits": [{"name": "answered", "event": "email.replied", "then": "undo"}]},
    ),
)
