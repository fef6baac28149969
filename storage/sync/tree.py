"""The tree of a mapping's text. What is wrong in it is reported, and the rest is still read."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from playbook_dsl import nodes
from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Mapping, Node, Scalar

T = TypeVar("T")


class Tree:
    """Reads nodes as what they are to be."""

    def __init__(self, report: Report) -> None:
        """Report to this."""
        self.report = report

    def entries(self, node: Node | None, what: str, legal: Iterable[str] | None, word: str) -> list[tuple[Scalar, Node]]:
        """Give the keys and values of a map, of the legal keys only."""
        if node is None:
            return []
        if not isinstance(node, Mapping):
            self.report.error("PB110", node.span, f"{what} is a map of keys and values")
            return []
        known = None if legal is None else tuple(legal)
        kept = []
        for entry in node.entries:
            if known is not None and entry.key.text not in known:
                message = f'"{entry.key.text}" is no {word} here; there are {listed(known)}'
                self.report.error("PB108", entry.key.span, message, suggest=(entry.key.text, known))
            else:
                kept.append((entry.key, entry.value))
        return kept

    def keys(self, node: Node | None, what: str, legal: Iterable[str]) -> dict[str, Node]:
        """Give the values of a map by their keys."""
        return {key.text: value for key, value in self.entries(node, what, legal, "key")}

    def word(self, node: Node | None, legal: Sequence[str], default: str) -> str:
        """Give one of the legal words."""
        if node is None:
            return default
        text = self.text(node)
        if text is not None and text not in legal:
            self.report.error("PB115", node.span, f'"{text}" is none of {listed(legal)}', suggest=(text, legal))
        return text if text is not None and text in legal else default

    def text(self, node: Node | None) -> str | None:
        """Give a text."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
            self.report.error("PB110", node.span, "here stands a name as a text")
            return None
        return node.value

    def truth(self, node: Node | None) -> bool:
        """Give true or false."""
        if node is None:
            return False
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            self.report.error("PB110", node.span, "here stands true or false")
            return False
        return node.value

    def many(self, node: Node | None, read: Callable[[Node], T | None]) -> tuple[T, ...]:
        """Give what is read of one node or of each of a list."""
        items = [] if node is None else node.items if isinstance(node, nodes.Sequence) else [node]
        return tuple(found for item in items if (found := read(item)) is not None)
