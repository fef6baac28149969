"""Places in a file: everything the compiler says points at one."""

import re
from dataclasses import dataclass

# The line breaks libyaml counts; a split by "\n" alone would number the lines differently.
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one line. Lines and columns start at 1 and count characters; `length` is at least 1."""

    file: str
    line: int
    column: int
    length: int = 1


class SourceText:
    """A file's text, cut into the lines that places count."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def line(self, number: int) -> str:
        """Give line `number` (from 1) without its break, or nothing when there is none."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n\x85\u2028\u2029")

    def span(self, start: int, end: int) -> Span:
        """Give the place of the characters `start` to `end` (from 0), cut at the end of the first line."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= start else (low, middle)
        column = start - self._starts[low]
        rest = len(self.line(low + 1)) - column
        return Span(self.path, low + 1, column + 1, max(1, min(end - start, rest)))
