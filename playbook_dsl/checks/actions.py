"""Actions: do they exist, and do their inputs."""

from collections.abc import Mapping as Map

from playbook_dsl.catalog import ActionDef, Catalog, ParamDef
from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.source import Span
from playbook_dsl.syntax import ActionBody, Step
from playbook_dsl.walks import blocks_of
from playbook_dsl.words import Word


def check_actions(found: Resolution, report: Report) -> None:
    """PB240 to PB243, PB351: actions exist and are given what they take."""
    for place in found.places:
        step = place.step
        if isinstance(step.body, ActionBody):
            _check_call(found.catalog, report, step.body.action, step.body.inputs)
            _check_extras(found.catalog, report, step, step.body)
        else:
            _check_no_extras(report, step)
        if step.undo and step.undo.action:
            _check_call(found.catalog, report, step.undo.action, step.undo.inputs or Mapping(step.undo.span))


def _check_call(catalog: Catalog, report: Report, name: Word, inputs: Mapping) -> None:
    action = catalog.actions.get(name.text)
    if action is None:
        _no_such_action(catalog, report, name)
        return
    check_inputs(report, inputs, action.inputs, name.text, name.span)
    for entry in inputs.entries:
        param = action.inputs.get(entry.key.text)
        if param is not None and param.kind == "template":
            _check_template(catalog, report, entry.value, action)


def _no_such_action(catalog: Catalog, report: Report, name: Word) -> None:
    connector = name.text.partition(".")[0]
    same = [other for other in catalog.actions if other.startswith(f"{connector}.")]
    connectors = {other.partition(".")[0] for other in catalog.actions}
    near = report.nearest(name.text, same or [other for other in catalog.actions if report.nearest(connector, [other.partition(".")[0]])])
    hint = (
        f'did you mean "{near}"?' if near else f'"{connector}" has: {listed(same)}' if same else f"known connectors: {listed(connectors)}"
    )
    report.error("PB240", name.span, f'there is no action "{short(name.text)}"', hint=hint)


def check_inputs(report: Report, inputs: Mapping, params: Map[str, ParamDef], who: str, place: Span) -> None:
    """Report unknown, missing and out-of-bounds inputs of an action or a playbook."""
    known = dict(params)
    given = {entry.key.text for entry in inputs.entries}
    for entry in inputs.entries:
        param = known.get(entry.key.text)
        if param is None:
            near = report.nearest(entry.key.text, known)
            hint = (f'did you mean "{near}"? ' if near else "") + (f"it takes: {listed(known)}" if known else "it takes no inputs")
            report.error("PB241", entry.key.span, f'"{who}" has no input "{short(entry.key.text)}"', hint=hint)
        else:
            _check_bounds(report, entry.value, param, entry.key.text)
    missing = [name for name, param in known.items() if param.required and param.default is None and name not in given]
    for name in missing:
        about = f"{name} is {known[name].help}" if known[name].help else f'add "{name}: …" below "{who}"'
        report.error("PB242", place, f'"{who}" needs the input "{name}"', hint=about)


def _check_bounds(report: Report, node: Node, param: ParamDef, name: str) -> None:
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    low, high = param.minimum, param.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = (
            f"at least {low:g}"
            if high is None and low is not None
            else f"at most {high:g}"
            if low is None
            else f"between {low:g} and {high:g}"
        )
        report.error("PB351", node.span, f'"{name}" must be {bounds}, not {value:g}')


def _check_template(catalog: Catalog, report: Report, node: Node, action: ActionDef) -> None:
    if not isinstance(node, Scalar) or node.is_null:
        report.error("PB243", node.span, '"template" takes the name of a message template')
        return
    if "{{" in node.text:
        report.error(
            "PB243", node.span, "a template is chosen by its name, not by an expression", hint="use `branch` to choose between templates"
        )
        return
    template = catalog.templates.get(node.text)
    if template is None:
        near = report.nearest(node.text, catalog.templates)
        hint = (
            f'did you mean "{near}"?'
            if near
            else f"there is: {listed(catalog.templates)}"
            if catalog.templates
            else f"add templates/{node.text}.md.j2"
        )
        report.error("PB243", node.span, f'there is no message template "{short(node.text)}"', hint=hint)
    elif action.sends and template.channel != action.sends:
        message = f'the template "{template.name}" is written for {template.channel}, but "{action.name}" sends {action.sends}'
        report.error("PB243", node.span, message)


def _check_extras(catalog: Catalog, report: Report, step: Step, body: ActionBody) -> None:
    action = catalog.actions.get(body.action.text)
    if action is None:
        return
    if body.wait and not action.can_wait:
        report.error(
            "PB253", body.wait.span, f'"{action.name}" is over when it returns; there is nothing to wait for', hint="leave out wait"
        )
    if body.overdue and not body.wait:
        report.error("PB253", body.overdue[0].span, '"overdue" is watched only by a step that waits', hint="add wait: true")
    has_recipient = any(param.kind == "recipient" for param in action.inputs.values())
    if body.if_nobody and not has_recipient:
        report.error("PB253", body.if_nobody.span, f'"{action.name}" has no recipient, so "if_nobody" means nothing')
    for word in step.review.may_edit if step.review else ():
        legal = {*action.inputs, "subject", "body"}
        if word.text not in legal:
            hint = f"legal: {listed(legal)}"
            report.error(
                "PB241", word.span, f'"{action.name}" has no input "{short(word.text)}" to edit', hint=hint, suggest=(word.text, legal)
            )
    if action.sends is None:
        _check_not_sending(report, step, f'"{action.name}" sends nothing to a person')


def _check_not_sending(report: Report, step: Step, why: str) -> None:
    if step.review:
        report.error("PB253", step.review.by.specs[0].span, f'{why}, so "review" means nothing', hint="put an approve step before it")
    if step.urgent:
        report.error("PB253", step.urgent.span, f'{why}, so "urgent" means nothing', hint="leave it out")


def _check_no_extras(report: Report, step: Step) -> None:
    if step.verb is None:
        return
    verb = f'"{step.verb.text}" calls no action'
    inside = "put it on the steps inside" if any(steps for _, steps in blocks_of(step)) else "leave it out"
    _check_not_sending(report, step, verb)
    if step.retry:
        report.error("PB253", step.place, f'{verb}, so "retry" means nothing', hint=inside)
    if step.timeout:
        report.error(
            "PB253",
            step.timeout.span,
            f'{verb}, so "timeout" means nothing',
            hint='it is the time of one attempt; a wait is limited with "up_to"',
        )
    if step.undo and step.verb.text != "play":
        report.error("PB253", step.undo.span, f'{verb}, so "undo" means nothing', hint=inside)
