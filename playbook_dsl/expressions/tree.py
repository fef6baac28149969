"""The syntax tree of an expression. Every node knows its place: `offset` and `length` in characters of the source."""

from dataclasses import dataclass
from typing import Final

from playbook_dsl.values import Value


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of an expression. Two nodes are the same only when they are one object, so that a node can be a key."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A value written down: text, number, true, false, missing, money or a duration."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A root name, such as `account`."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Field(Node):
    """A field of a record, such as `account.mrr`. `name_offset` is where the field's own name begins."""

    base: Node
    name: str
    name_offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """An item of a list by position from 0 (negative from the end), or a field of a record by text."""

    base: Node
    index: Node


@dataclass(frozen=True, slots=True, eq=False)
class Items(Node):
    """A list written down."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Negative(Node):
    """Minus one operand."""

    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    """The opposite of a condition."""

    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic(Node):
    """Two operands with + - * / or %."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Logic(Node):
    """Two or more conditions joined by `and` or by `or`."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Node):
    """Two operands with == != < <= > >= `in` or `not in`. A chain `1 < x < 5` is read as two comparisons joined by `and`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class IsMissing(Node):
    """`x is missing`, or `x is not missing` when `negated`."""

    operand: Node
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class IfElse(Node):
    """`then if condition else otherwise`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]


_PARTS: Final[dict[type[Node], tuple[str, ...]]] = {
    Field: ("base",),
    Index: ("base", "index"),
    Negative: ("operand",),
    Not: ("operand",),
    IsMissing: ("operand",),
    Arithmetic: ("left", "right"),
    Comparison: ("left", "right"),
    IfElse: ("then", "condition", "otherwise"),
}
_LISTS_OF_PARTS: Final[dict[type[Node], str]] = {Items: "items", Logic: "operands", Call: "arguments"}


def children(node: Node) -> tuple[Node, ...]:
    """Give the parts of a node, left to right."""
    kind = type(node)
    if kind in _LISTS_OF_PARTS:
        parts: tuple[Node, ...] = getattr(node, _LISTS_OF_PARTS[kind])
        return parts
    return tuple(getattr(node, name) for name in _PARTS.get(kind, ()))


def path_of(node: Node) -> tuple[str, ...] | None:
    """Give the path of a chain of names and text literals (`tables.a["b"].c`), None for anything else."""
    names: list[str] = []
    while not isinstance(node, Name):
        if isinstance(node, Field):
            names.append(node.name)
        elif isinstance(node, Index) and isinstance(node.index, Literal) and isinstance(node.index.value, str):
            names.append(node.index.value)
        else:
            return None
        node = node.base
    names.append(node.name)
    return tuple(reversed(names))
