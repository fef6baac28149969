"""Literals: does what is written fit the type its place wants."""

from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import shape, short
from playbook_dsl.resolve.forms import iso_moment
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.types import Type

_WANTED = {
    "text": "a text",
    "number": "a number",
    "bool": "true or false",
    "date": "a date such as 2026-11-23",
    "datetime": "a moment such as 2026-11-23T09:00:00+01:00",
    "duration": "a duration such as 3 business days",
    "money": "an amount such as 500 EUR",
    "list": "a list",
    "record": "a map of names and values",
}


def check_literals(found: Resolution, report: Report) -> None:
    """PB350, PB352: a literal has the type its place wants and, of a closed set, is one of the legal texts."""
    for literal in found.literals:
        check_literal(report, literal.node, literal.expects, literal.what)


def check_literal(report: Report, node: Node, expects: Type, what: str) -> bool:
    """Report a literal that does not fit; give whether it fits."""
    if isinstance(node, Scalar) and node.is_null and expects.optional:
        return True
    if not _fits(node, expects):
        wanted = _WANTED.get(expects.kind, expects.kind)
        message = (
            f"{what} takes {wanted}, but nothing stands here"
            if isinstance(node, Scalar) and node.is_null
            else f"{what} takes {wanted}, not {shape(node)}"
        )
        report.error("PB350", node.span, message, hint=_hint(node, expects))
        return False
    if expects.options and isinstance(node, Scalar) and node.text not in expects.options:
        hint = f"legal: {listed(expects.options)}"
        report.error("PB352", node.span, f'{what} cannot be "{short(node.text)}"', hint=hint, suggest=(node.text, expects.options))
        return False
    return True


def _fits(node: Node, expects: Type) -> bool:
    kind = expects.kind
    if kind == "any":
        return True
    if not isinstance(node, Scalar):
        return kind == ("record" if isinstance(node, Mapping) else "list")
    if kind == "text":
        return not node.is_null
    value = node.value
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "bool":
        return isinstance(value, bool)
    return kind in ("date", "datetime") and iso_moment(node.text) is not None


def _hint(node: Node, expects: Type) -> str | None:
    if expects.kind == "list" and isinstance(node, Scalar) and not node.is_null:
        return f"write [{node.text}]"
    if expects.kind == "bool" and isinstance(node, Scalar) and node.text.lower() in ("yes", "no", "on", "off"):
        return "write true" if node.text.lower() in ("yes", "on") else "write false"
    bare = node.text.replace(",", "").removesuffix("%").strip() if isinstance(node, Scalar) else ""
    if expects.kind == "number" and isinstance(node, Scalar) and bare != node.text and bare.replace(".", "", 1).isdigit():
        return f"write {bare}"
    if expects.kind == "number" and isinstance(node, Scalar) and node.style and node.text.replace(".", "", 1).isdigit():
        return f"leave out the quotes: {node.text}"
    return None
