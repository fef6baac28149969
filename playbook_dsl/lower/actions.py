"""Actions and sub-plays as steps of the plan: what the catalog says is copied into them, so that a running play never changes with it."""

from typing import Any, cast

from playbook_dsl import plan
from playbook_dsl.catalog import ActionDef, ParamDef
from playbook_dsl.expressions.evaluate import evaluator
from playbook_dsl.lower.policies import action_retry, one_of, owners, review, seconds, word, words
from playbook_dsl.lower.values import expr, node, one_line, text
from playbook_dsl.nodes import Mapping, Scalar, Sequence
from playbook_dsl.nodes import Node as YamlNode
from playbook_dsl.resolve.actions import account_fields, split_due
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import field_type
from playbook_dsl.syntax import ActionBody, FieldSpec, PlayBody, Step, UndoSpec
from playbook_dsl.templates import message_of
from playbook_dsl.types import Type
from playbook_dsl.values import to_json


def action_step(found: Resolution, step: Step, body: ActionBody, common: dict[str, Any]) -> plan.ActionStep:
    """Lower the call of an action."""
    action = found.catalog.actions[body.action.text]
    given = lowered_inputs(found, action, body.inputs)
    defaults = found.playbook.defaults
    template = _template_name(action, body.inputs)
    return plan.ActionStep(
        **common,
        kind="action",
        action=action.name,
        inputs=given,
        effect=action.effect,
        undo=undo(found, step.undo) if step.undo else plan.Undo(by="contract" if action.undo or action.effect == "read" else "none"),
        retry=action_retry(step.retry, defaults, action),
        timeout_s=seconds(step.timeout or defaults.timeout, action.timeout_s),
        sends=action.sends,
        urgent=word(step.urgent),
        review=review(step.review),
        message=message_of(found.catalog.templates[template]) if template else None,
        if_nobody=one_of(body.if_nobody, "hold"),
        wait=body.wait is not None,
        overdue=tuple(
            plan.Overdue(after=expr(line.after) or "", tell=owners(line.tell), reassign=owners(line.reassign)) for line in body.overdue
        ),
        live=action.live,
    )


def _template_name(action: ActionDef, inputs: Mapping) -> str | None:
    for entry in inputs.entries:
        param = action.inputs.get(entry.key.text)
        if param and param.kind == "template" and isinstance(entry.value, Scalar):
            return entry.value.text
    return None


def play_step(found: Resolution, body: PlayBody, common: dict[str, Any], undone: plan.Undo) -> plan.PlayStep:
    """Lower a sub-play."""
    known = found.catalog.playbooks[word(body.playbook) or ""]
    given = {
        entry.key.text: _param(found, "", known.inputs[entry.key.text], entry.value)
        for entry in (body.inputs.entries if body.inputs else ())
    }
    return plan.PlayStep(**common, kind="play", playbook=known.slug, inputs=given, wait=body.wait, undo=undone)


def undo(found: Resolution, given: UndoSpec | None) -> plan.Undo:
    """Lower `undo`."""
    if given is None:
        return plan.Undo()
    if given.none:
        return plan.Undo(by="none", because=word(given.because))
    if given.action is not None:
        action = found.catalog.actions[given.action.text]
        inputs = lowered_inputs(found, action, given.inputs or Mapping(given.span))
        return plan.Undo(by="action", at_end=given.at_end, action=action.name, inputs=inputs)
    return plan.Undo(at_end=given.at_end)


def lowered_inputs(found: Resolution, action: ActionDef, inputs: Mapping) -> dict[str, plan.Node]:
    """Lower the inputs of an action; a declared default stands in for one that is not given."""
    given = {name: param.default for name, param in action.inputs.items() if param.default is not None}
    for entry in inputs.entries:
        given[entry.key.text] = _param(found, action.name, action.inputs[entry.key.text], entry.value)
    return given


def _param(found: Resolution, action: str, param: ParamDef, given: YamlNode) -> plan.Node:
    if param.kind in ("owner", "recipient"):
        items = given.items if isinstance(given, Sequence) else [given]
        return [_spec(item) for item in items if isinstance(item, Scalar)]
    if param.kind == "due" and isinstance(given, Scalar):
        return _due(given)
    if param.kind == "fields" and isinstance(given, Mapping):
        kinds: dict[str, Type] = account_fields(found) if action.startswith("account.") else {}
        return {entry.key.text: node(entry.value, param.type or kinds.get(entry.key.text)) for entry in given.entries}
    if param.kind == "form":
        specs = found.forms.get(id(given), ())
        return [field.model_dump(mode="json", by_alias=True, exclude_defaults=True) for field in fields(specs)]
    if param.kind == "template" and isinstance(given, Scalar):
        return given.text
    return node(given, param.type)


def _spec(item: Scalar) -> plan.Node:
    return text(item.text) if "{{" in item.text else item.text


def _due(given: Scalar) -> plan.Node:
    if "{{" in given.text:
        return text(given.text)
    parts = split_due(given)
    if parts is None:
        return {"$expr": one_line(given.text)}
    span, side, day = parts
    base = one_line(day.text)
    base = base if base.replace(".", "").replace("_", "").isalnum() else f"({base})"
    return {"$expr": f"{base} {'-' if side == 'before' else '+'} {one_line(span.text)}"}


def fields(given: tuple[FieldSpec, ...]) -> tuple[plan.FormField, ...]:
    """Lower the fields of a form, or the inputs of a playbook."""
    return tuple(_field(field) for field in given)


def _field(given: FieldSpec) -> plan.FormField:
    return plan.FormField(
        name=given.name.text,
        type=given.type or "text",
        item=given.item,
        options=words(given.options),
        default=_default(given),
        required=given.required is None or given.required.value is not False,
        minimum=_number(given.minimum),
        maximum=_number(given.maximum),
        help=word(given.help),
        from_=expr(given.from_),
    )


def _default(given: FieldSpec) -> plan.Node:
    """Give a field's default as a value: an amount or a duration is worked out here, so that nobody has to evaluate it later."""
    if given.default is None:
        return None
    lowered = node(given.default, field_type(given).present())
    if isinstance(lowered, dict) and "$expr" in lowered:
        return to_json(evaluator(lowered["$expr"])({}))
    return lowered


def _number(given: Scalar | None) -> float | None:
    return float(cast(float, given.value)) if given else None
