"""Plans that nobody would write, made from a seed: blocks in blocks, waits, failures, questions."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playbook_dsl.plan import Plan
from tests.interpreter.cases import FACTS, Case

MAX_DEPTH = 3
Tree = dict[str, Any]


class _Maker:
    """Makes one plan from one seed. Not for secrets: the same seed must make the same plan."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # a plan for a test
        self.count = 0
        self.replies: dict[str, list[dict[str, Any]]] = {}

    def id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def steps(self, depth: int) -> list[dict[str, Any]]:
        return [self.step(depth) for _ in range(self.chance.randint(1, 3))]

    def step(self, depth: int) -> Tree:
        makers: list[Callable[[int], Tree]] = [self.action, self.action, self.action, self.wait, self.set]
        if depth < MAX_DEPTH:
            makers += [self.branch, self.parallel, self.loop, self.repeat, self.stage, self.together, self.until, self.ask]
        return self.chance.choice(makers)(depth)

    def action(self, _depth: int) -> Tree:
        step: Tree = {
            "kind": "action",
            "id": self.id("a"),
            "action": "task.create",
            "effect": self.chance.choice(["read", "reversible", "compensable", "irreversible"]),
        }
        fate = self.chance.random()
        if fate < 0.12:
            self.replies[step["id"]] = [{"fail": "Rejected"}]
            step["on_error"] = self.chance.choice(
                [None, {"do": "continue"}, {"do": "stop"}, {"do": "catch", "catch": {"undo": True, "steps": [self.action(9)]}}]
            )
        elif fate < 0.25:
            self.replies[step["id"]] = [{"fail": "Unavailable"}, {}]
        return {name: value for name, value in step.items() if value is not None}

    def wait(self, _depth: int) -> Tree:
        return {"kind": "wait", "id": self.id("w"), "for": self.chance.choice(["1 hour", "1 day", "2 business days", "3 days"])}

    def set(self, _depth: int) -> Tree:
        return {"kind": "set", "id": self.id("s"), "values": {"x": {"$expr": "health.score + 1"}}}

    def branch(self, depth: int) -> Tree:
        low = {"name": "low", "when": self.chance.choice(["health.score < 50", "health.score > 50"]), "steps": self.steps(depth + 1)}
        return {"kind": "branch", "id": self.id("b"), "cases": [low, {"name": "else", "steps": self.steps(depth + 1)}]}

    def parallel(self, depth: int) -> Tree:
        branches = [{"name": f"n{number}", "steps": self.steps(depth + 1)} for number in range(self.chance.randint(1, 3))]
        rest = self.chance.choice(["undo", "keep", "finish"])
        return {"kind": "parallel", "id": self.id("p"), "branches": branches, "first": self.chance.choice([0, 0, 1]), "rest": rest}

    def loop(self, depth: int) -> Tree:
        return {
            "kind": "for_each",
            "id": self.id("l"),
            "items": "[1, 2, 3]",
            "as": "n",
            "at_once": self.chance.choice([1, 2]),
            "steps": self.steps(depth + 1),
        }

    def repeat(self, depth: int) -> Tree:
        step = {"kind": "repeat", "id": self.id("r"), "at_most": 3, "steps": self.steps(depth + 1), "until": "turn >= 2"}
        return step if self.chance.random() < 0.5 else {**step, "every": "1 day"}

    def stage(self, depth: int) -> Tree:
        return {"kind": "stage", "id": self.id("g"), "up_to": "47 hours", "steps": self.steps(depth + 1), "on_timeout": [self.action(9)]}

    def together(self, depth: int) -> Tree:
        return {"kind": "together", "id": self.id("t"), "steps": self.steps(depth + 1)}

    def until(self, _depth: int) -> Tree:
        alternatives = [{"name": "e", "event": "x"}, {"name": "c", "when": "health.score > 60"}]
        return {"kind": "wait_until", "id": self.id("u"), "alternatives": alternatives, "up_to": "2 days", "on_timeout": [self.action(9)]}

    def ask(self, _depth: int) -> Tree:
        return {
            "kind": "ask",
            "id": self.id("q"),
            "approval": True,
            "by": ["csm"],
            "up_to": "1 day",
            "timeout_decision": self.chance.choice(["approve", "reject"]),
        }


def generated_case(seed: int) -> Case:
    """Give the case of a seed: some plans are left by an exit, some are cancelled, some fail."""
    maker = _Maker(seed)
    plan: dict[str, Any] = {"playbook": f"made-{seed}", "title": f"Made {seed}", "steps": maker.steps(0), "finally": [maker.action(9)]}
    meanwhile: list[dict[str, Any]] = []
    if maker.chance.random() < 0.3:
        plan["exits"] = [{"name": "better", "when": "health.score > 60", "then": maker.chance.choice(["undo", "keep"])}]
    if maker.chance.random() < 0.4:
        meanwhile.append({"after": "29 hours", "facts": {"health": {"score": 70}}})
    if maker.chance.random() < 0.2:
        meanwhile.append({"after": "31 hours", "command": {"do": "cancel", "undo": maker.chance.random() < 0.5}})
    if maker.chance.random() < 0.2:
        meanwhile += [{"after": "5 hours", "command": {"do": "pause"}}, {"after": "19 hours", "command": {"do": "resume"}}]
    return Case(
        name=f"made {seed}",
        plan=Plan.model_validate(plan),
        facts=FACTS,
        replies=maker.replies,
        undo={},
        stimuli=meanwhile,
        expect={},
    )


LONGEST = timedelta(days=400)
