"""The inputs of actions and plays: each kind of input has its own way of being read."""

import re

from playbook_dsl.catalog import ParamDef
from playbook_dsl.nodes import Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.forms import fields
from playbook_dsl.parse.keys import Reader
from playbook_dsl.resolve.env import Env
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.syntax import ActionBody, PlayBody, Step
from playbook_dsl.types import ANY, DATE, DATETIME, DURATION, Type
from playbook_dsl.words import Expression

DUE = re.compile(r"(?P<span>.+?)\s+(?P<side>before|after)\s+(?P<date>.+)", re.DOTALL)
_OWNERISH = ("owner", "recipient")


def resolve_action(found: Resolution, step: Step, body: ActionBody, env: Env) -> None:
    """Check what is handed to an action, as far as the catalog knows it."""
    action = found.catalog.actions.get(body.action.text)
    for entry in body.inputs.entries:
        param = action.inputs.get(entry.key.text) if action else None
        _param(found, step, param or ParamDef(), entry.value, f'"{entry.key.text}"', env)
    for line in body.overdue:
        found.expression(line.after, env, step)


def resolve_play(found: Resolution, step: Step, body: PlayBody, env: Env) -> None:
    """Check what is handed to a sub-play."""
    known = found.catalog.playbooks.get(body.playbook.text) if body.playbook else None
    for entry in body.inputs.entries if body.inputs else ():
        param = known.inputs.get(entry.key.text) if known else None
        _param(found, step, param or ParamDef(), entry.value, f'"{entry.key.text}"', env)


def _param(found: Resolution, step: Step, param: ParamDef, node: Node, what: str, env: Env) -> None:
    if param.kind == "value":
        expects = param.type if param.required or param.type is None else param.type.maybe()
        found.node(node, expects, what, env, step)
    elif param.kind in _OWNERISH:
        for item in node.items if isinstance(node, Sequence) else [node]:
            if isinstance(item, Scalar) and "{{" in item.text:
                found.node(item, ANY, what, env, step)
    elif param.kind == "due" and isinstance(node, Scalar):
        _due(found, step, node, what, env)
    elif param.kind == "fields":
        _fields(found, step, param, node, what, env)
    elif param.kind == "form":
        _form(found, node, what)
    elif param.kind == "template" and isinstance(node, Scalar) and "{{" in node.text:
        found.node(node, None, what, env, step)


def _form(found: Resolution, node: Node, what: str) -> None:
    reader = Reader(found.document, found.report)
    mapping = reader.mapping(node, what, "write {reason: text}")
    if mapping is not None:
        found.forms[id(node)] = fields(reader, mapping, "field")


def _fields(found: Resolution, step: Step, param: ParamDef, node: Node, what: str, env: Env) -> None:
    kinds = account_fields(found) if found.catalog.actions and step.verb and step.verb.text.startswith("account.") else {}
    for entry in node.entries if isinstance(node, Mapping) else ():
        expects = param.type or kinds.get(entry.key.text)
        found.node(entry.value, expects.maybe() if expects else None, f'the field "{entry.key.text}"', env, step)


def account_fields(found: Resolution) -> dict[str, Type]:
    """Give the account's own fields, which `account.update` writes."""
    account = fact_types(tuple(found.catalog.facts)).get("account")
    return dict(account.fields) if account else {}


def _due(found: Resolution, step: Step, node: Scalar, what: str, env: Env) -> None:
    if "{{" in node.text:
        found.node(node, None, what, env, step)
        return
    parts = split_due(node)
    if parts is None:
        day = node
        kind = found.expression(Expression(node, DURATION.maybe(), what, (DATE.maybe(), DATETIME.maybe())), env, step)
    else:
        span, _, day = parts
        found.expression(Expression(span, DURATION, what), env, step)
        kind = found.expression(Expression(day, DATE.maybe(), what, (DATETIME.maybe(),)), env, step)
    if kind is not None and kind.optional and not env.lenient:
        message = f'step "{step.name}", {what}: this may be missing, and then nothing is due'
        found.report.warning("PB319", day.span, message, hint="say which day to take instead: default(value, today)")


def split_due(node: Scalar) -> tuple[Scalar, str, Scalar] | None:
    """Cut `5 business days before account.renewal_date` into the span, the side and the date, each with its place."""
    match = DUE.fullmatch(node.text)
    if match is None:
        return None
    return _part(node, match, "span"), match["side"], _part(node, match, "date")


def _part(node: Scalar, match: re.Match[str], name: str) -> Scalar:
    start = node.start + match.start(name) + (1 if node.style in ("'", '"') else 0)
    column = node.span.column + start - node.start
    span = type(node.span)(node.span.file, node.span.line, column, len(match[name]))
    return Scalar(span, match[name], "", start, start + len(match[name]))
