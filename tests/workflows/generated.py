"""Plays made up at random: every seed is a play, and the same one every time."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from playbook_dsl.plan import Plan
from tests.interpreter.cases import FACTS, Case

Tree = dict[str, Any]

_ERRORS: list[Tree | None] = [None, None, {"do": "continue"}, {"do": "undo"}]
_CONDITIONS = ["health.score < 50", "health.score > 50", "account.mrr >= 100", "risk.score > 1"]


class Generator:
    """Makes blocks of steps, at most three levels deep."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.replies: dict[str, list[Tree]] = {}
        self.stimuli: list[Tree] = []
        self._count = 0

    def block(self, depth: int, most: int = 4) -> list[Tree]:
        return [self.step(depth) for _ in range(self.chance.randint(1, most))]

    def step(self, depth: int) -> Tree:
        simple: list[Callable[[str, int], Tree]] = [self.action, self.action, self.wait, self.set, self.wait_until]
        nested: list[Callable[[str, int], Tree]] = [self.branch, self.parallel, self.repeat, self.for_each, self.stage, self.together]
        make = self.chance.choice(simple if depth == 0 else [*simple, *nested])
        self._count += 1
        step_id = f"s{self._count}"
        step = {"id": step_id, **make(step_id, depth - 1)}
        if self.chance.random() < 0.2:
            step["when"] = self.chance.choice(_CONDITIONS)
        error = self.chance.choice(_ERRORS)
        return {**step, "on_error": error} if error else step

    def action(self, step_id: str, depth: int) -> Tree:
        effect = self.chance.choice(["read", "reversible", "compensable", "irreversible"])
        fails = self.chance.random()
        if fails < 0.12:
            self.replies[step_id] = [{"fail": self.chance.choice(["Rejected", "Unavailable", "Teapot"])}]
        elif fails < 0.3:
            self.replies[step_id] = [{"fail": "Unavailable"}, {"output": {"n": self.chance.randint(0, 9)}}]
        return {"kind": "action", "action": "note.add", "effect": effect, "inputs": {"text": {"$expr": "account.name"}}}

    def wait(self, step_id: str, depth: int) -> Tree:
        return {"kind": "wait", "for": self.chance.choice(["3 hours", "2 days", "1 business day", "5 working hours", "1 week"])}

    def set(self, step_id: str, depth: int) -> Tree:
        return {"kind": "set", "values": {f"v_{step_id}": {"$expr": "account.mrr * 2"}}}

    def wait_until(self, step_id: str, depth: int) -> Tree:
        if self.chance.random() < 0.5:
            self.stimuli.append({"after": f"{self.chance.randint(1, 400)} hours", "event": {"name": f"event.{step_id}"}})
        alternatives = [
            {"name": "came", "event": f"event.{step_id}", "then": self.block(0, 2)},
            {"name": "better", "when": "health.score > 80"},
        ]
        return {"kind": "wait_until", "alternatives": alternatives, "up_to": "4 days", "on_timeout": self.block(0, 1)}

    def branch(self, step_id: str, depth: int) -> Tree:
        cases = [{"name": "one", "when": self.chance.choice(_CONDITIONS), "steps": self.block(depth)}]
        return {"kind": "branch", "cases": [*cases, {"name": "else", "steps": self.block(depth, 2)}]}

    def parallel(self, step_id: str, depth: int) -> Tree:
        """Its branches differ in length by their waits, because only the order within one is laid down."""
        branches = []
        for number in range(self.chance.randint(2, 3)):
            wait = {"kind": "wait", "id": f"{step_id}w{number}", "for": f"{number * 7 + 1} hours"}
            branches.append({"name": f"b{number}", "steps": [wait, self.plain_action(f"{step_id}a{number}")]})
        return {"kind": "parallel", "branches": branches, "first": self.chance.choice([0, 0, 1]), "rest": "undo"}

    def plain_action(self, step_id: str) -> Tree:
        return {"kind": "action", "id": step_id, "action": "note.add", "effect": "reversible"}

    def repeat(self, step_id: str, depth: int) -> Tree:
        return {"kind": "repeat", "steps": self.block(depth, 2), "at_most": self.chance.randint(1, 3), "every": "1 day"}

    def for_each(self, step_id: str, depth: int) -> Tree:
        return {"kind": "for_each", "items": "[1, 2, 3]", "as": f"i_{step_id}", "steps": self.block(depth, 2)}

    def stage(self, step_id: str, depth: int) -> Tree:
        return {"kind": "stage", "steps": self.block(depth), "up_to": "3 days", "on_timeout": self.block(0, 1)}

    def together(self, step_id: str, depth: int) -> Tree:
        return {"kind": "together", "steps": [self.plain_action(f"{step_id}x"), self.step(0)]}


def generate_case(seed: int) -> Case:
    """Give the play of a seed, with what its world answers and what happens meanwhile."""
    made = Generator(seed)
    plan: Tree = {"playbook": "case", "title": f"Generated {seed}", "steps": made.block(2, 5)}
    if made.chance.random() < 0.4:
        plan["exits"] = [{"name": "better", "when": "health.score > 80", "then": made.chance.choice(["undo", "keep"])}]
    if made.chance.random() < 0.5:
        plan["finally"] = [made.plain_action("last")]
    if made.chance.random() < 0.5:
        made.stimuli.append({"after": f"{made.chance.randint(1, 300)} hours", "facts": {"health": {"score": 90}}})
    if made.chance.random() < 0.2:
        hours = made.chance.randint(1, 100)
        command = {"do": "cancel", "undo": made.chance.random() < 0.5, "request_id": "r1"}
        made.stimuli.append({"after": f"{hours} hours", "command": command})
    return Case(
        name=f"generated {seed}",
        plan=Plan.model_validate(plan),
        facts=FACTS,
        replies=made.replies,
        undo={},
        stimuli=sorted(made.stimuli, key=lambda entry: int(entry["after"].split()[0])),
        expect={},
    )
