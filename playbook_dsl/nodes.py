"""The YAML tree as the compiler sees it: every node knows its place, nothing was read as a date or a boolean behind the author's back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from playbook_dsl.source import SourceText, Span

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}

Plain: TypeAlias = bool | int | float | str | None


@dataclass(slots=True)
class Scalar:
    """A single value. `text` is what the author typed, without quotes; `style` is the quote, `|`, `>` or nothing.

    `start` and `end` are the character positions in the text that was composed, quotes included.
    """

    span: Span
    text: str
    style: str = ""
    start: int = 0
    end: int = 0

    @property
    def value(self) -> Plain:
        """Give the value by the rules of YAML 1.2: `yes`, `on`, `12:30` and dates stay text."""
        if self.style or not self.text:
            return self.text if self.style else None
        if self.text in _WORDS:
            return _WORDS[self.text]
        if _INT.fullmatch(self.text):
            return int(self.text)
        if len(self.text) < 40 and _FLOAT.fullmatch(self.text):
            return float(self.text)
        return self.text

    @property
    def is_null(self) -> bool:
        """Say whether nothing was written."""
        return not self.style and self.text in _WORDS and _WORDS[self.text] is None


@dataclass(slots=True)
class Entry:
    """A key and its value."""

    key: Scalar
    value: "Node"


@dataclass(slots=True)
class Mapping:
    """A map, in the order it was written. Keys occur once."""

    span: Span
    entries: list[Entry] = field(default_factory=list)
    is_flow: bool = False

    def get(self, key: str) -> "Node | None":
        """Give the value under `key`, or None."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """Give the key itself as it stands in the file, or None."""
        return next((entry.key for entry in self.entries if entry.key.text == key), None)


@dataclass(slots=True)
class Sequence:
    """A list."""

    span: Span
    items: "list[Node]" = field(default_factory=list)


Node: TypeAlias = Scalar | Mapping | Sequence


def scalars(node: Node) -> Iterator[Scalar]:
    """Give every scalar below a node, keys included, in the order they are written."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield entry.key
            yield from scalars(entry.value)
    else:
        for item in node.items:
            yield from scalars(item)


@dataclass(slots=True)
class Document:
    """A composed file.

    `source` is the file as it is. `text` is what was composed: the same, but with quotes around the words YAML would have eaten;
    `quoted` says in which column of which line one was put, so that places still fit the file.
    """

    source: SourceText
    root: Node
    text: SourceText
    quoted: dict[int, int] = field(default_factory=dict)

    def span(self, start: int, end: int) -> Span:
        """Give the place in the file of the characters `start` to `end` of the composed text."""
        return shifted(self.text.span(start, end), self.quoted)

    def place(self, scalar: Scalar, offset: int, length: int) -> Span:
        """Give the place of `length` characters at `offset` in a scalar's text, through quotes, escapes and folded lines."""
        if scalar.text and not scalar.style and self.text.text.startswith(scalar.text, scalar.start):
            start = scalar.start + min(offset, len(scalar.text) - 1)
            return self.span(start, start + max(1, length))
        positions = _positions(self.text.text, scalar)
        if not positions:
            return scalar.span
        first = positions[min(offset, len(positions) - 1)]
        last = positions[min(offset + max(1, length) - 1, len(positions) - 1)]
        return self.span(first, last + 1)


def shifted(span: Span, quoted: dict[int, int]) -> Span:
    """Give the place in the file as it is, for a place in the composed text."""
    column = quoted.get(span.line)
    if column is None or span.column <= column:
        return span
    return Span(span.file, span.line, span.column - 1, span.length)


def _positions(raw: str, scalar: Scalar) -> list[int]:
    """Give for every character of a scalar's text its position in the raw text.

    Both are walked side by side: what YAML folds away (indentation, escapes, doubled quotes) is skipped in the raw text.
    """
    at = scalar.start + (1 if scalar.style in ("'", '"') else 0)
    if scalar.style in ("|", ">"):
        at = raw.find("\n", scalar.start) + 1
    found: list[int] = []
    for char in scalar.text:
        at = _next_position(raw, at, scalar, char)
        found.append(min(at, max(scalar.start, scalar.end - 1)))
        at += _raw_length(raw, at, scalar.style)
    return found


def _next_position(raw: str, at: int, scalar: Scalar, char: str) -> int:
    if char in " \n" and at < scalar.end and raw[at] in "\r\n":
        return at
    while at < scalar.end and raw[at] != char and raw[at] in " \t\r\n":
        at += 1
    return at


def _raw_length(raw: str, at: int, style: str) -> int:
    if style == "'" and raw[at : at + 2] == "''":
        return 2
    if style == '"' and raw[at : at + 1] == "\\":
        return {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
    return 1
