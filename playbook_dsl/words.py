"""The leaves of the syntax tree: words, expressions, values and owners."""

from dataclasses import dataclass
from typing import TypeAlias

from playbook_dsl.nodes import Node, Scalar
from playbook_dsl.types import Type

Word: TypeAlias = Scalar


@dataclass(slots=True)
class Expression:
    """An expression; `expects` is the type its place wants (None: any), `also` others it takes, `what` names the place in a message."""

    scalar: Scalar
    expects: Type | None = None
    what: str = ""
    also: tuple[Type, ...] = ()


@dataclass(slots=True)
class Value:
    """A literal, a text with `{{ }}` in it, or a tree of them. With `bare` a single text is an expression even without braces (`set`)."""

    node: Node
    expects: Type | None = None
    what: str = ""
    bare: bool = False


@dataclass(slots=True)
class Owners:
    """Who is to do something: owner specs in the order they are tried."""

    specs: tuple[Word, ...]
