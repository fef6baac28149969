"""Check the result of an expression against the type its place wants."""

from playbook_dsl.expressions.problems import Problem, did_you_mean
from playbook_dsl.expressions.tree import Literal, Node
from playbook_dsl.types import Type


def check_expected(node: Node, given: Type, wanted: Type) -> list[Problem]:
    """Give what is wrong with a value of type `given` where `wanted` must stand, an empty list when it fits."""
    if not fits(given, wanted):
        return [_wrong_type(node, given, wanted)]
    if given.optional and not wanted.optional and wanted.kind not in ("bool", "any"):
        message = f"this may be missing, but a {wanted} must stand here"
        return [Problem("PB306", message, node.offset, node.length, "say what to take instead: default(value, instead)")]
    if wanted.options and isinstance(node, Literal) and isinstance(node.value, str) and node.value not in wanted.options:
        return [not_an_option(node, node.value, wanted.options, severity="error")]
    if (given.kind, wanted.kind) == ("number", "money"):
        return [bare_number(node)]
    return []


def fits(given: Type, wanted: Type) -> bool:
    """Tell whether a value of type `given`, when it is present, can stand where `wanted` is expected."""
    if "any" in (given.kind, wanted.kind) or (given.kind == "missing" and wanted.optional):
        return True
    if given.kind != wanted.kind:
        return (given.kind, wanted.kind) == ("number", "money")
    if given.kind == "list" and given.item is not None and wanted.item is not None:
        return given.item.kind == "missing" or fits(given.item, wanted.item)
    if given.kind == "record" and not given.open:
        return all(
            fits(given.fields[name], field) if name in given.fields else field.optional or field.kind == "any"
            for name, field in wanted.fields.items()
        )
    return True


def _wrong_type(node: Node, given: Type, wanted: Type) -> Problem:
    if given.kind == "missing":
        return Problem("PB306", f"this is always missing, but {wanted} must stand here", node.offset, node.length)
    hint = None
    if wanted.kind == "bool":
        message = f"a condition must stand here, but this is {given.present()}"
        return Problem("PB305", message, node.offset, node.length, "compare it with something, such as == or >")
    if (wanted.kind, given.kind) == ("duration", "number"):
        hint = "give the number its unit: days(n)"
    return Problem("PB305", f"{wanted} must stand here, but this is {given}", node.offset, node.length, hint)


def not_an_option(node: Node, text: str, options: tuple[str, ...], severity: str = "warning") -> Problem:
    """Say that a text is not among the legal ones."""
    listed = ", ".join(f'"{option}"' for option in sorted(options)[:12])
    hint = did_you_mean(text, options) or f"legal: {listed}"
    return Problem("PB309", f'"{text[:60]}" is not one of {listed}', node.offset, node.length, hint, severity)


def bare_number(node: Node) -> Problem:
    """Warn that a number without currency is taken as money of the account's currency."""
    message = "a bare number beside money counts in the account's currency"
    return Problem("PB308", message, node.offset, node.length, "write the currency: 500 EUR", "warning")
