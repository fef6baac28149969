"""The actions of the catalog as verbs of a step."""

from playbook_dsl.catalog import ActionDef, Catalog, ParamDef
from playbook_dsl.schema.parts import ID, TEMPLATED, Schema, choice, closed, either, flag, ref, suggested, text
from playbook_dsl.types import Type
from playbook_dsl.values import Json

# Forms that work for a value of the type besides `{{ }}`.
_TEXTUAL = {"date", "datetime", "duration"}


def action_verbs(catalog: Catalog) -> dict[str, Schema]:
    """Give the schema of every action of the catalog by its name."""
    return {name: action_body(catalog.actions[name], catalog) for name in sorted(catalog.actions)}


def action_body(action: ActionDef, catalog: Catalog) -> Schema:
    """Give what stands under an action's name."""
    required = [name for name, param in action.inputs.items() if param.required]
    return closed(_keys(action, catalog), _description(action), required=required, nullable=not required)


def _description(action: ActionDef) -> str:
    undo = f"Undo: {action.undo}." if action.undo else "It cannot be undone." if action.effect != "read" else "It changes nothing."
    return " ".join(part for part in (f"{action.title}." if action.title else "", action.help, undo) if part)


def _keys(action: ActionDef, catalog: Catalog) -> dict[str, Schema]:
    keys = {name: param_schema(param, action, catalog) for name, param in action.inputs.items()}
    if action.sends or any(param.kind == "recipient" for param in action.inputs.values()):
        keys["if_nobody"] = choice("hold", "skip", description="What happens when there is nobody to send it to.")
    if action.can_wait:
        keys["wait"] = flag("Wait until it is done.")
        keys["overdue"] = ref("overdue")
    return keys


def task_list(catalog: Catalog) -> Schema | None:
    """Give the schema of `tasks`, a list of tasks as one step; None without tasks in the catalog."""
    task = catalog.actions.get("task.create")
    if task is None:
        return None
    keys = {"id": text("The task's own id.", pattern=ID), "if": ref("condition"), **_keys(task, catalog)}
    required = [name for name, param in task.inputs.items() if param.required]
    return {"type": "array", "description": "Tasks with owners and dates as one step.", "items": closed(keys, required=required)}


def param_schema(param: ParamDef, action: ActionDef, catalog: Catalog) -> Schema:
    """Give what one input of an action takes."""
    schema = _by_kind(param, action, catalog)
    if param.default is not None and isinstance(param.default, bool | int | float | str):
        schema = {**schema, "default": param.default}
    return {**schema, "description": param.help} if param.help and "$ref" not in schema else schema


def _by_kind(param: ParamDef, action: ActionDef, catalog: Catalog) -> Schema:
    match param.kind:
        case "owner":
            return ref("owners", param.help or "Who it is for.")
        case "recipient":
            return ref("recipients", param.help or "Who gets it.")
        case "due":
            return text("When it is due: 3 business days, or 5 business days before account.renewal_date.")
        case "template":
            return suggested(_templates(action, catalog), text(), "The message template.")
        case "fields":
            return {"type": "object", "additionalProperties": value_schema(param.type) if param.type else {}}
        case "form":
            return ref("form")
        case "value":
            return value_schema(param.type, param.minimum, param.maximum)


def _templates(action: ActionDef, catalog: Catalog) -> list[str]:
    return [name for name, template in catalog.templates.items() if not action.sends or template.channel == action.sends]


def value_schema(wanted: Type | None, minimum: float | None = None, maximum: float | None = None) -> Schema:
    """Give what a value of this type looks like in the file; `{{ }}` is always possible."""
    templated: Schema = {"type": "string", "pattern": TEMPLATED}
    if wanted is None or wanted.kind in ("any", "missing"):
        return {}
    literal = _literal(wanted, minimum, maximum)
    return literal if literal.get("type") == "string" or (wanted.kind == "text" and not wanted.options) else either(literal, templated)


def _literal(wanted: Type, minimum: float | None, maximum: float | None) -> Schema:
    bounds: Schema = {key: bound for key, bound in (("minimum", minimum), ("maximum", maximum)) if bound is not None}
    if wanted.kind in _TEXTUAL:
        return {"type": "string"}
    if wanted.kind == "text":
        return {"enum": list[Json](wanted.options)} if wanted.options else text()
    if wanted.kind == "list":
        return {"type": "array", "items": value_schema(wanted.item)}
    if wanted.kind == "record":
        fields: Json = {name: value_schema(inner) for name, inner in wanted.fields.items()}
        return {"type": "object", "properties": fields, "additionalProperties": wanted.open or not wanted.fields}
    if wanted.kind == "money":
        return {"type": ["string", "number"], **bounds}
    kind = {"bool": "boolean", "number": "number"}.get(wanted.kind, "string")
    return {"type": kind, **bounds}
