"""The plays that are measured."""

import uuid
from typing import Any, Final, Literal

from activities.contracts import LoadedFacts, RunInput, RunRef
from playbook_dsl.plan import Plan
from tests.drill.plays import TENANT, account_of

Effect = tuple[str, str, Literal["reversible", "compensable"], dict[str, Any]]

EFFECTS: Final[tuple[Effect, ...]] = (
    ("note", "note.add", "reversible", {"text": "The save play has begun"}),
    ("call", "task.create", "reversible", {"title": "Save call", "owner": "csm"}),
    ("flag", "cta.open", "reversible", {"type": "risk", "title": "At risk", "priority": "high", "owner": "csm"}),
    ("stage", "account.update", "reversible", {"set": {"stage": "in save play"}}),
    ("last", "note.add", "reversible", {"text": "The save play has ended"}),
)


def _steps() -> list[dict[str, Any]]:
    return [
        {"kind": "action", "id": step, "title": step, "action": action, "effect": effect, "inputs": inputs}
        for step, action, effect, inputs in EFFECTS
    ]


def five_effects() -> Plan:
    """Give the playbook of five effect steps."""
    return Plan.model_validate({"playbook": "five-effects", "title": "Five effects", "steps": _steps()})


def five_effects_and_logic() -> Plan:
    """Give the same with ten conditions and three sets between the effects."""
    steps: list[dict[str, Any]] = []
    for number, step in enumerate(_steps()):
        steps.append({**step, "when": "account.status == 'active' and health.score < 101"})
        cases = [{"name": "low", "when": "health.score < 0", "steps": []}, {"name": "else", "steps": []}]
        steps.append({"kind": "branch", "id": f"branch_{number}", "cases": cases})
        if number < 3:
            steps.append({"kind": "set", "id": f"set_{number}", "values": {f"v{number}": {"$expr": "health.score * 2 + 1"}}})
    return Plan.model_validate({"playbook": "five-effects-and-logic", "title": "Five effects and logic", "steps": steps})


def ninety_days() -> Plan:
    """Give a playbook of 90 days and 12 steps with conditions."""
    steps: list[dict[str, Any]] = []
    for number in range(4):
        note = {"text": {"$text": ["Week ", {"$expr": "account.name"}]}}
        cases = [{"name": "low", "when": "health.score < 50", "steps": []}, {"name": "else", "steps": []}]
        steps += [
            {
                "kind": "action",
                "id": f"note_{number}",
                "action": "note.add",
                "effect": "reversible",
                "when": "health.score < 80 and account.mrr > 10",
                "inputs": note,
            },
            {"kind": "wait", "id": f"wait_{number}", "for": "540 hours"},
            {"kind": "branch", "id": f"branch_{number}", "when": "account.mrr > 1", "cases": cases},
        ]
    return Plan.model_validate({"playbook": "ninety-days", "title": "Ninety days", "steps": steps})


def make_ref(plan: Plan, number: int) -> RunRef:
    """Give a play of its own, on one of fifty accounts."""
    name = uuid.uuid4().hex
    return RunRef(tenant=TENANT, run_id=name, chain=name, playbook=plan.playbook, version=1, account=account_of(number))


def make_input(plan: Plan, number: int) -> RunInput:
    """Give the input of a play."""
    facts = {"account": {"name": f"Account {number}", "csm": "maria", "status": "active", "mrr": number}, "health": {"score": number % 100}}
    return RunInput(run=make_ref(plan, number), plan=plan, loaded=LoadedFacts(facts=facts))
