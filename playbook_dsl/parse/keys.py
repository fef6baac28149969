"""Reading a map with known keys: each getter gives what is there or None, and reports what does not fit."""

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Many
from typing import TypeVar

from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.eaten import quoted
from playbook_dsl.nodes import Document, Entry, Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.habits import other_name
from playbook_dsl.source import Span
from playbook_dsl.types import BOOL, DATE, DATETIME, DURATION, Type
from playbook_dsl.words import Expression, Owners, Value, Word

T = TypeVar("T")

# YAML 1.1 words for yes and no; here they are text.
_OLD_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_OLD_KEYS = {"on", "yes", "no", "off", "y", "n"}


def shape(node: Node) -> str:
    """Name a node's shape in the author's words."""
    if isinstance(node, Mapping):
        return "a map"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if node.is_null else f'"{short(node.text)}"'


def short(text: str) -> str:
    """Cut a text for a message."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}…"


class Reader:
    """What all parsers share: the report, and the document for places inside a scalar."""

    def __init__(self, document: Document, report: Report) -> None:
        self.document = document
        self.report = report

    def wrong_shape(self, node: Node, what: str, wanted: str, hint: str | None = None) -> None:
        """Report that `what` holds something else than `wanted`."""
        if isinstance(node, Scalar) and node.is_null:
            self.report.error("PB110", node.span, f"{what} is empty; it takes {wanted}", hint=hint)
        else:
            self.report.error("PB110", node.span, f"{what} takes {wanted}, not {shape(node)}", hint=hint)

    def mapping(self, node: Node, what: str, hint: str | None = None) -> Mapping | None:
        """Give the node if it is a map."""
        if isinstance(node, Mapping):
            return node
        self.wrong_shape(node, what, "a map of keys and values", hint)
        return None

    def items(self, node: Node, what: str) -> list[Node]:
        """Give the items of a list; a single value counts as a list of one."""
        if isinstance(node, Sequence):
            return node.items
        if isinstance(node, Scalar) and node.is_null:
            self.wrong_shape(node, what, "a list")
            return []
        return [node]

    def word(self, node: Node, what: str) -> Word | None:
        """Give a non-empty scalar."""
        if isinstance(node, Scalar) and not node.is_null and node.text.strip():
            return node
        if isinstance(node, Scalar) and node.style:
            self.report.error("PB110", node.span, f"{what} is empty; it takes a text")
        else:
            self.wrong_shape(node, what, "a text")
        return None

    def words(self, node: Node, what: str) -> tuple[Word, ...]:
        """Give a list of scalars, also written as a single one."""
        return tuple(word for item in self.items(node, what) if (word := self.word(item, what)) is not None)

    def choice(self, word: Word | None, what: str, options: Many[str]) -> Word | None:
        """Give the word if it is one of `options`."""
        if word is None or word.text in options:
            return word
        self.report.error(
            "PB115", word.span, f'{what} cannot be "{short(word.text)}"', hint=f"legal: {listed(options)}", suggest=(word.text, options)
        )
        return None

    def flag(self, node: Node, what: str) -> bool:
        """Give true or false; anything else is reported and read as false."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        instead = _OLD_BOOLEANS.get(node.text.lower()) if isinstance(node, Scalar) else None
        self.wrong_shape(node, what, "true or false", f"write {instead}" if instead else None)
        return False

    def number(self, node: Node, what: str, *, whole: bool = False, least: float | None = None, most: float | None = None) -> Word | None:
        """Give a scalar that is a number within bounds."""
        wanted = "a whole number" if whole else "a number"
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(node, Scalar) or isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            self.wrong_shape(node, what, wanted)
            return None
        if (least is not None and value < least) or (most is not None and value > most):
            bounds = f"at least {least:g}" if most is None else f"between {least or 0:g} and {most:g}"
            self.report.error("PB115", node.span, f"{what} must be {bounds}, not {node.text}")
            return None
        return node

    def expression(self, node: Node, what: str, expects: Type | None) -> Expression | None:
        """Give an expression. Braces around it are not needed and are refused with the text to write."""
        if not isinstance(node, Scalar):
            self.wrong_shape(node, what, "an expression")
            return None
        if node.is_null or not node.text.strip():
            self.wrong_shape(node, what, "an expression")
            return None
        text = node.text.strip()
        if text.startswith("{{") and text.endswith("}}"):
            self.report.error(
                "PB120", node.span, f"{what} is an expression already; it takes no braces", hint=f"write {text[2:-2].strip()}"
            )
            return None
        if isinstance(node.value, str) or not isinstance(node.value, bool) or expects is not BOOL:
            return Expression(node, expects, what)
        return Expression(node, None, what)

    def owners(self, node: Node, what: str) -> Owners | None:
        """Give owner specs, one or a list."""
        specs = self.words(node, what)
        return Owners(specs) if specs else None

    def share(self, node: Node, what: str) -> float | None:
        """Give a share such as `15%` as 0–1."""
        text = node.text.strip() if isinstance(node, Scalar) else ""
        try:
            value = float(text[:-1]) / 100 if text.endswith("%") and len(text) < 20 else None
        except ValueError:
            value = None
        if value is None:
            fraction = node.value if isinstance(node, Scalar) else None
            number = isinstance(fraction, int | float) and not isinstance(fraction, bool)
            hint = f'write "{fraction * 100:g}%"' if number and 0 < fraction <= 1 else f'write "{fraction}%"' if number else None  # type: ignore[operator]  # `number` has made sure
            self.wrong_shape(node, what, "a share such as 15%", hint)
        elif not 0 <= value <= 1:
            self.report.error("PB115", node.span, f"{what} must be between 0% and 100%, not {short(text)}")
            return None
        return value

    def no_such_key(self, entry: Entry, legal: Iterable[str], what: str) -> None:
        """Report an unknown key with the nearest legal one and the whole set."""
        known = sorted(legal)
        text = entry.key.text
        if text.lower() in _OLD_KEYS:
            hint = (
                f"other tools read the key {text} as {_OLD_BOOLEANS[text.lower()]}, so the language has none; legal here: {listed(known)}"
            )
            self.report.error("PB111", entry.key.span, f'{what} has no key "{text}"', hint=hint)
            return
        other = other_name(text, known)
        near = None if other else self.report.nearest(text, known)
        hint = f'did you mean "{near}"? ' if near else ""
        legal_set = other or (f"legal here: {listed(known)}" if known else "no keys are legal here")
        self.report.error("PB108", entry.key.span, f'{what} has no key "{short(text)}"', hint=hint + legal_set)


class Keys:
    """One map of the file with its legal keys."""

    def __init__(
        self, reader: Reader, mapping: Mapping, what: str, legal: Iterable[str], *, required: Iterable[str] = (), at: Span | None = None
    ) -> None:
        self.reader = reader
        self.mapping = mapping
        self.what = what
        legal = frozenset(legal)
        self._nodes = {entry.key.text: entry.value for entry in mapping.entries}
        for entry in mapping.entries:
            if entry.key.text not in legal:
                reader.no_such_key(entry, legal, what)
        for key in required:
            if key not in self._nodes:
                reader.report.error("PB109", at or mapping.span, f'{what} needs the key "{key}"', hint=f"legal here: {listed(legal)}")

    @property
    def span(self) -> Span:
        """Give where the map starts."""
        return self.mapping.span

    def has(self, key: str) -> bool:
        """Say whether the key is there."""
        return key in self._nodes

    def node(self, key: str) -> Node | None:
        """Give what stands under a key."""
        return self._nodes.get(key)

    def read(self, key: str, read: Callable[[Node, str], T], default: T) -> T:
        """Give what `read` makes of the node under a key, or `default` without the key."""
        node = self._nodes.get(key)
        return default if node is None else read(node, self.label(key))

    def label(self, key: str) -> str:
        """Give the words a message uses for a key of this map."""
        return f'"{key}"' if self.what in ("the playbook", "the step") else f'"{key}" of {self.what}'

    def word(self, key: str) -> Word | None:
        """Give a text."""
        return self.read(key, self.reader.word, None)

    def words(self, key: str) -> tuple[Word, ...]:
        """Give a list of texts."""
        return self.read(key, self.reader.words, ())

    def choice(self, key: str, *options: str) -> Word | None:
        """Give one of a few words."""
        return self.reader.choice(self.word(key), self.label(key), options)

    def flag(self, key: str, default: bool = False) -> bool:
        """Give true or false."""
        return self.read(key, self.reader.flag, default)

    def whole(self, key: str, least: int = 0, most: int | None = None) -> Word | None:
        """Give a whole number within bounds."""
        node = self._nodes.get(key)
        return None if node is None else self.reader.number(node, self.label(key), whole=True, least=least, most=most)

    def number(self, key: str, least: float | None = None, most: float | None = None) -> Word | None:
        """Give a number within bounds."""
        node = self._nodes.get(key)
        return None if node is None else self.reader.number(node, self.label(key), least=least, most=most)

    def expression(self, key: str, expects: Type | None = None) -> Expression | None:
        """Give an expression."""
        node = self._nodes.get(key)
        return None if node is None else self.reader.expression(node, self.label(key), expects)

    def condition(self, key: str = "if") -> Expression | None:
        """Give an expression that is yes or no."""
        return self.expression(key, BOOL)

    def duration(self, key: str) -> Expression | None:
        """Give a duration."""
        return self.expression(key, DURATION)

    def moment(self, key: str) -> Expression | None:
        """Give an expression that is a date or a moment."""
        found = self.expression(key, DATE)
        if found is not None:
            found.also = (DATETIME,)
        return found

    def value(self, key: str, expects: Type | None = None) -> Value | None:
        """Give a literal or a text with `{{ }}`."""
        node = self._nodes.get(key)
        return None if node is None else Value(node, expects, self.label(key))

    def owners(self, key: str) -> Owners | None:
        """Give owner specs."""
        return self.read(key, self.reader.owners, None)

    def mapping_at(self, key: str) -> Mapping | None:
        """Give the map under a key."""
        return self.read(key, self.reader.mapping, None)


def paste(key: str, text: str) -> str:
    """Give a line to paste: the key and the text in quotes."""
    return f"{key}: {quoted(text)}"
