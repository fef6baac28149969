"""The parts of a mapping that say where values come from, and which records count."""

from decimal import Decimal
from typing import Final

from playbook_dsl import nodes
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.types import Type
from playbook_dsl.values import Json
from storage.sync.mapping import Condition, Join, Source
from storage.sync.tree import Tree

SOURCE_KEYS: Final = ("field", "join", "divide", "words", "currency", "minor_units")
_JOINED: Final = ("text",)


class Sources(Tree):
    """Reads them."""

    def source(self, node: Node, kind: Type, keys: dict[str, Node]) -> Source | None:
        """Give where a value of a type comes from; `keys` are those of the node when it is a map."""
        if not isinstance(node, Mapping):
            fields = self._several(node, kind)
            return Source(fields) if fields else None
        if ("field" in keys) == ("join" in keys):
            self.report.error("PB109", node.span, "it says either which `field` of the vendor it is, or which fields to `join`")
            return None
        fields = self._join(keys["join"], kind) if "join" in keys else self._several(keys["field"], kind)
        if not fields:
            return None
        for name in ("currency", "minor_units"):
            if name in keys and kind.kind != "money":
                self.report.error("PB253", keys[name].span, f"`{name}` means nothing for a {kind.kind}")
        return Source(
            fields,
            divide=self._number(keys.get("divide"), kind),
            words={key.text: plain(value) for key, value in self.entries(keys.get("words"), "`words`", None, "word")},
            currency=self.text(keys.get("currency")),
            minor_units=self.truth(keys.get("minor_units")),
        )

    def _several(self, node: Node, kind: Type) -> tuple[str | Join, ...]:
        return self.many(node, lambda each: self._field(each, kind))

    def _field(self, node: Node, kind: Type) -> str | Join | None:
        if not isinstance(node, Mapping):
            return self.text(node)
        joined = self.keys(node, "a field", ("join",)).get("join")
        if joined is None:
            self.report.error("PB110", node.span, "here stands the name of a field, or `join` with several", hint="write {join: [A, B]}")
            return None
        found = self._join(joined, kind)
        return found[0] if found else None

    def _join(self, node: Node, kind: Type) -> tuple[Join, ...]:
        if kind.kind not in _JOINED:
            self.report.error("PB350", node.span, f"`join` gives a text; here stands a {kind.kind}")
            return ()
        if not isinstance(node, nodes.Sequence) or len(node.items) < 2:
            self.report.error("PB110", node.span, "`join` takes a list of two fields or more", hint="write join: [FirstName, LastName]")
            return ()
        names = self.many(node, self.text)
        return (Join(names),) if names else ()

    def _number(self, node: Node | None, kind: Type) -> Decimal:
        if node is None:
            return Decimal(1)
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value or kind.kind not in ("number", "money"):
            self.report.error("PB110", node.span, "`divide` takes a number that is not 0, for a field that holds numbers")
            return Decimal(1)
        return Decimal(str(value))

    def condition(self, key: Scalar, node: Node) -> Condition | None:
        """Give a condition on a field."""
        if isinstance(node, Scalar) and node.text in ("past", "future") and not node.style:
            return Condition(key.text, time=node.text)  # type: ignore[arg-type]  # one of the two
        words = node.items if isinstance(node, nodes.Sequence) else [node]
        if not words or not all(isinstance(word, Scalar) for word in words):
            self.report.error("PB110", node.span, "a condition is a value, a list of values, `past` or `future`")
            return None
        return Condition(key.text, words=tuple(plain(word) for word in words))


def plain(node: Node) -> Json:
    """Give a value as JSON; None where there is none."""
    return node.value if isinstance(node, Scalar) else None
