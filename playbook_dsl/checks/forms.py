"""Forms: defaults and bounds fit the type of their field."""

from collections.abc import Iterator

from playbook_dsl.checks.literals import check_literal
from playbook_dsl.diagnostics import Report
from playbook_dsl.expressions.check import check
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.nodes import Scalar
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import field_type
from playbook_dsl.syntax import AskBody, FieldSpec

_BOUNDED = ("integer", "number", "money", "text", "list")


def check_forms(found: Resolution, report: Report) -> None:
    """PB350 to PB353: a field's default has its type and lies within its bounds; bounds stand in order."""
    for kind, field in _fields(found):
        what = f'the {kind} "{short(field.name.text)}"'
        _check_bounds(report, field, what)
        if field.default is not None and field.type is not None:
            _check_default(report, field, what)
        if field.type == "one_of" and not field.options:
            report.error("PB353", field.span, f"{what} has nothing to choose from", hint="write one_of: [low, high]")


def _fields(found: Resolution) -> Iterator[tuple[str, FieldSpec]]:
    yield from (("input", field) for field in found.playbook.inputs)
    for place in found.places:
        if isinstance(place.step.body, AskBody):
            yield from (("field", field) for field in place.step.body.form)
    for form in found.forms.values():
        yield from (("field", field) for field in form)


def _check_bounds(report: Report, field: FieldSpec, what: str) -> None:
    bound = field.minimum or field.maximum
    if bound is not None and field.type is not None and field.type not in _BOUNDED:
        report.error("PB353", bound.span, f"{what} is {field.type}, which has no min and max")
    low, high = _number(field.minimum), _number(field.maximum)
    if field.minimum is not None and low is not None and high is not None and low > high:
        report.error("PB353", field.minimum.span, f"{what} has a min above its max")
    if field.required is not None and not isinstance(field.required.value, bool):
        report.error("PB110", field.required.span, f'"required" of {what} takes true or false, not "{field.required.text}"')


def _check_default(report: Report, field: FieldSpec, what: str) -> None:
    default, kind = field.default, field_type(field).present()
    if default is None:
        return
    if kind.kind in ("duration", "money") and isinstance(default, Scalar):
        for problem in check(default.text, Scope({}), expects=kind).errors:
            hint = f"write {default.text} days" if kind.kind == "duration" and _number(default) is not None else problem.hint
            report.error("PB350", default.span, f"the default of {what}: {problem.message}", hint=hint)
        return
    if not check_literal(report, default, kind, f"the default of {what}") or not isinstance(default, Scalar):
        return
    value = _number(default)
    if field.type == "integer" and isinstance(default.value, float):
        report.error("PB350", default.span, f"the default of {what} takes a whole number, not {default.text}")
    elif value is not None and field.type in ("integer", "number"):
        low, high = _number(field.minimum), _number(field.maximum)
        if (low is not None and value < low) or (high is not None and value > high):
            report.error("PB351", default.span, f"the default of {what} lies outside of its own bounds")


def _number(scalar: Scalar | None) -> float | None:
    value = scalar.value if scalar else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
