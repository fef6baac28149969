"""The expressions of `enroll`: triggers see their own event, an audience sees facts only."""

from collections.abc import Mapping

from playbook_dsl.enroll_syntax import EnrollSpec, TriggerSpec
from playbook_dsl.nodes import Scalar
from playbook_dsl.resolve.env import Env
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import RUN_OF_LAUNCH, WHY_MISSING, event_type, fact_types
from playbook_dsl.types import Type
from playbook_dsl.words import Expression, Value

_LATER = "the play has not begun yet"
WHY_NOT_OUTSIDE = {**WHY_MISSING, "steps": _LATER, "vars": _LATER, "at_start": _LATER, "run": _LATER}
_FACTS_ONLY = "an audience is asked of the database and knows facts only"
WHY_NOT_AUDIENCE = {**WHY_NOT_OUTSIDE, **dict.fromkeys(("inputs", "tables", "event", "trigger"), _FACTS_ONLY)}


def resolve_enroll(found: Resolution, enroll: EnrollSpec, start: Env) -> None:
    """Check every expression of `enroll` in its own scope."""
    facts = fact_types(tuple(found.catalog.facts))
    outside: dict[str, Type] = {
        **facts,
        "inputs": start.base["inputs"],
        "tables": start.base["tables"],
        "event": start.base["event"],
        "trigger": start.base["trigger"],
    }
    plain = Env(outside, WHY_NOT_OUTSIDE, outside=True)
    for trigger in enroll.triggers:
        _trigger(found, trigger, plain)
    found.expression(enroll.audience, Env(facts, WHY_NOT_AUDIENCE, outside=True))
    for suppression in enroll.suppress:
        found.expression(suppression.when, plain)
    found.expression(enroll.again_after, plain)
    found.expression(enroll.again_key, plain)
    for path in enroll.holdout.stratify if enroll.holdout else ():
        found.expression(path, plain)
    if enroll.launch:
        found.expression(enroll.launch.gate_after, plain)
        found.expression(enroll.launch.halt_if, Env({"run": RUN_OF_LAUNCH, "inputs": start.base["inputs"]}, outside=True))


def _trigger(found: Resolution, trigger: TriggerSpec, env: Env) -> None:
    if trigger.kind == "event" and isinstance(trigger.subject, Scalar):
        env = Env({**env.base, "event": event_type(found.catalog, trigger.subject.text)}, env.why, outside=True)
    found.expression(trigger.when, env)
    found.expression(trigger.settle, env)
    for value in trigger.keys.values():
        if isinstance(value, Expression):
            found.expression(value, env)
        elif isinstance(value, Value):
            value.expects = _watched_type(facts_of(found), trigger) if trigger.kind == "change" else value.expects
            found.value(value, env)


def facts_of(found: Resolution) -> Mapping[str, Type]:
    """Give the facts of the catalog by root name."""
    return fact_types(tuple(found.catalog.facts))


def _watched_type(facts: Mapping[str, Type], trigger: TriggerSpec) -> Type | None:
    """Give the type of the fact a trigger watches, None when there is no such fact."""
    kind: Type | None = None
    for number, part in enumerate(trigger.subject.text.split(".") if isinstance(trigger.subject, Scalar) else ()):
        kind = facts.get(part) if number == 0 else kind.fields.get(part) if kind else None
    return kind.maybe() if kind else None
