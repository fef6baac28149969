"""`enroll` as a part of the plan, for the sweep."""

from typing import cast

from playbook_dsl.enroll_syntax import EnrollSpec, HoldoutSpec, LaunchSpec, TriggerSpec
from playbook_dsl.enrollment import Enroll, Suppression, Trigger
from playbook_dsl.lower.policies import one_of, owners, word, words
from playbook_dsl.lower.values import expr, node, value
from playbook_dsl.nodes import Scalar
from playbook_dsl.plan_part import Node
from playbook_dsl.words import Expression, Value


def enroll(given: EnrollSpec) -> Enroll:
    """Lower `enroll`."""
    return Enroll(
        triggers=tuple(_trigger(trigger, number) for number, trigger in enumerate(given.triggers, 1)),
        audience=expr(given.audience),
        suppress=tuple(Suppression(when=expr(line.when) or "", then=one_of(line.then, "drop")) for line in given.suppress if line.when),
        existing=one_of(given.existing, "preview"),
        again_after=expr(given.again_after),
        again_key=expr(given.again_key),
        while_active=one_of(given.while_active, "ignore"),
        holdout=_holdout(given.holdout) if given.holdout else None,
        limits=_limits(given),
        budget=_budget(given),
        launch=_launch(given.launch) if given.launch else None,
        priority=int(given.priority.text) if given.priority else 0,
        start_roles=words(given.start_roles),
    )


def _trigger(given: TriggerSpec, number: int) -> Trigger:
    return Trigger(
        kind=given.kind,
        id=word(given.id) or f"{given.kind}_{number}",
        when=expr(given.when),
        settle=expr(given.settle),
        spec={name: _key(part) for name, part in given.keys.items()},
    )


def _key(part: object) -> Node:
    if isinstance(part, Expression):
        return {"$expr": expr(part)}
    if isinstance(part, Value):
        return value(part)
    return node(cast(Scalar, part))


def _holdout(given: HoldoutSpec) -> dict[str, Node]:
    return {"share": given.share, "stratify": [expr(path) for path in given.stratify], "measure": word(given.measure)}


def _limits(given: EnrollSpec) -> dict[str, Node]:
    if given.limits is None:
        return {}
    parts = {"at_once": given.limits.at_once, "per_day": given.limits.per_day, "per_owner": given.limits.per_owner}
    return {name: rate(part) if name == "per_owner" else part.value for name, part in parts.items() if part}


def _budget(given: EnrollSpec) -> dict[str, Node]:
    if given.budget is None:
        return {}
    counts: dict[str, Node] = {channel.text: rate(count) for channel, count in given.budget.channels}
    return {**counts, "per": one_of(given.budget.per, "contact")}


def rate(given: Scalar) -> Node:
    """Give `3 per week` as a count and a duration; a bare count has no time."""
    count, _, span = given.text.partition(" per ")
    span = span.strip()
    return {"count": int(count), **({"per": {"$expr": span if span[0].isdigit() else f"1 {span}"}} if span else {})}


def _launch(given: LaunchSpec) -> dict[str, Node]:
    found: dict[str, Node] = {}
    if given.approve_by:
        found["approve"] = {"by": list(owners(given.approve_by))}
    if given.waves:
        found["waves"] = [float(wave.text.rstrip("%")) / 100 for wave in given.waves]
    if given.gate_after or given.halt_if:
        found["gate"] = {"after": expr(given.gate_after), "halt_if": expr(given.halt_if)}
    return found
