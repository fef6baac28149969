"""Check the two sides of a comparison."""

from collections.abc import Iterator

from playbook_dsl.expressions.expected import bare_number, not_an_option
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.signatures import join
from playbook_dsl.expressions.tree import Comparison, Items, Literal, Node, path_of
from playbook_dsl.expressions.typing_rules import comparable, hint_for
from playbook_dsl.types import Type
from playbook_dsl.values import Money


def check_comparison(node: Comparison, left: Type | None, right: Type | None) -> Iterator[Problem]:
    """Give what is wrong with `left == right` and its like."""
    if left is None or right is None:
        return
    if "missing" in (left.kind, right.kind):
        form = "is missing" if node.operator == "==" else "is not missing"
        yield Problem("PB315", "a comparison with missing is never true", node.offset, node.length, f"write `{form}`")
    elif not comparable(left, right, node.operator):
        yield _different(node, left, right)
    else:
        yield from _check_values(node, left, right)


def _different(node: Comparison, left: Type, right: Type) -> Problem:
    if left.kind == right.kind:
        message = f'"{node.operator}" does not work with {left.present()}'
        return Problem("PB302", message, node.offset, node.length, "use in, any, all or len" if left.kind == "list" else None)
    hint = hint_for(left, right)
    if any(isinstance(side, Literal) and side.value == "" for side in (node.left, node.right)):
        hint = "an empty field is asked for by `is missing`"
    return Problem("PB301", f"{left.present()} cannot be compared with {right.present()}", node.offset, node.length, hint)


def _check_values(node: Comparison, left: Type, right: Type) -> Iterator[Problem]:
    match node.left, node.right:
        case Literal(value=Money(currency=first)), Literal(value=Money(currency=second)) if first != second:
            yield Problem("PB307", f'"{first}" and "{second}" are different currencies', node.offset, node.length)
        case Literal(), Literal():
            yield Problem("PB321", "the answer to this is always the same", node.offset, node.length, None, "warning")
        case _:
            path = path_of(node.left)
            if path is not None and path == path_of(node.right):
                yield Problem("PB321", "this compares a value with itself", node.offset, node.length, None, "warning")
    for side, own, other in ((node.left, left, right), (node.right, right, left)):
        if own.kind == "number" and other.kind == "money":
            yield bare_number(side)
        yield from _check_option(side, other)


def _check_option(side: Node, other: Type) -> Iterator[Problem]:
    if other.options and isinstance(side, Literal) and isinstance(side.value, str) and side.value not in other.options:
        yield not_an_option(side, side.value, other.options)


def check_membership(node: Comparison, left: Type | None, right: Type | None) -> Iterator[Problem]:
    """Give what is wrong with `left in right`."""
    if right is None:
        return
    if right.kind not in ("list", "any"):
        yield _no_list(node, left, right)
        return
    if left is None:
        return
    if left.kind in ("list", "record", "missing"):
        yield Problem("PB313", f"{left} cannot be looked for in a list", node.left.offset, node.left.length)
    elif right.item is not None and join(left, right.item) is None:
        message = f"{left.present()} cannot be in a list of {right.item.present()}"
        yield Problem("PB301", message, node.offset, node.length, hint_for(left, right.item))
    else:
        yield from _check_options(node, left, right)


def _no_list(node: Comparison, left: Type | None, right: Type) -> Problem:
    hint = None
    if right.kind == "text" and left is not None and left.kind == "text":
        hint = f"write [...] around the text, or {'not ' if 'not' in node.operator else ''}contains(text, part)"
    elif isinstance(node.right, Literal):
        hint = "put it in square brackets"
    return Problem("PB313", f'a list must stand after "{node.operator}", but this is {right}', node.right.offset, node.right.length, hint)


def _check_options(node: Comparison, left: Type, right: Type) -> Iterator[Problem]:
    if isinstance(node.right, Items):
        for item in node.right.items:
            yield from _check_option(item, left)
    if right.item is not None and not isinstance(node.right, Items):
        yield from _check_option(node.left, right.item)
