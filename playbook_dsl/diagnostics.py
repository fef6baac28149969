"""What the compiler tells an author: a code, a place, a sentence, and where it helps what to write instead."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from playbook_dsl.source import SourceText, Span

MAX_DIAGNOSTICS = 100
_KEPT = 400
_PICTURE_WIDTH = 160
# A finding about a secret does not print it once more.
_HIDDEN = frozenset({"PB601", "PB602"})

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `hint` says what to write instead."""

    code: str
    severity: Severity
    span: Span
    message: str
    hint: str | None = None

    @property
    def is_error(self) -> bool:
        """Say whether the finding keeps the playbook from being published."""
        return self.severity == "error"

    def machine_line(self) -> str:
        """Give the one line that editors and scripts read: file:line:column: sentence [code]."""
        kind = "" if self.is_error else "warning: "
        return f"{self.span.file}:{self.span.line}:{self.span.column}: {kind}{self.message} [{self.code}]"

    def to_json(self) -> dict[str, object]:
        """Give the form `check --json` prints."""
        return {
            "file": self.span.file,
            "line": self.span.line,
            "column": self.span.column,
            "length": self.span.length,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
        }


def render(diagnostic: Diagnostic, source: SourceText) -> str:
    """Give the machine line, the line of the file with the place marked, and the hint."""
    lines = [diagnostic.machine_line(), *_picture(diagnostic.span, source, hide=diagnostic.code in _HIDDEN)]
    if diagnostic.hint:
        lines.append(f"   hint: {diagnostic.hint}")
    return "\n".join(lines)


def render_all(diagnostics: Iterable[Diagnostic], source: SourceText) -> str:
    """Give all findings as text, one below the other, ending with a line break when there are any."""
    return "".join(f"{render(diagnostic, source)}\n" for diagnostic in diagnostics)


def _picture(span: Span, source: SourceText, *, hide: bool) -> list[str]:
    line = source.line(span.line)
    if hide:
        line = line[: span.column - 1] + "•" * span.length + line[span.column - 1 + span.length :]
    if span.file != source.path or not line.strip():
        return []
    start = span.column - 1
    end = min(start + span.length, len(line))
    if len(line) > _PICTURE_WIDTH:
        first = max(0, start - 40)
        line, start, end = line[first : first + _PICTURE_WIDTH], start - first, min(end - first, _PICTURE_WIDTH)
    line = "".join(" " if unicodedata.category(char) in ("Cc", "Cf") else char for char in line)
    prefix = f"{span.line} | "
    marks = " " * (len(prefix) + _width(line[:start])) + "^" * max(1, _width(line[start:end]))
    return [prefix + line, marks]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1 for char in text)


def did_you_mean(word: str, legal: Iterable[str]) -> str | None:
    """Give the question after the legal word nearest to `word`, if one is near."""
    near = nearest(word, legal)
    return f'did you mean "{near}"?' if near else None


def nearest(word: str, legal: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Give the legal word nearest to `word`, or None when none is near. `cutoff` is 0 (anything is near) to 1 (only the same word)."""
    by_form = {_plain_form(candidate): candidate for candidate in sorted(legal, reverse=True)}
    close = difflib.get_close_matches(_plain_form(word[:80]), by_form, n=1, cutoff=cutoff)
    return by_form[close[0]] if close else None


def _plain_form(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def listed(words: Iterable[str], most: int = 30) -> str:
    """Give the words sorted and joined by commas; of very many only the first."""
    ordered = sorted(words)
    return ", ".join(ordered[:most]) + (f" and {len(ordered) - most} more" if len(ordered) > most else "")


def quoted_words(words: Sequence[str]) -> str:
    """Give `"a"`, `"a" or "b"`, `"a", "b" or "c"`."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


class Report:
    """Collects findings. Hints that cost time are worked out at the end, for those that are shown."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self._found: dict[tuple[str, Span, str], tuple[Diagnostic, tuple[str, tuple[str, ...]] | None]] = {}
        self._errors = 0
        self._dropped = 0
        self.is_cut = False

    @property
    def has_errors(self) -> bool:
        """Say whether there is at least one error."""
        return self._errors > 0

    @property
    def is_full(self) -> bool:
        """Say whether further findings would only be counted."""
        return len(self._found) >= _KEPT

    def nearest(self, word: str, legal: Iterable[str], *, cutoff: float = 0.6) -> str | None:
        """Give the legal word nearest to `word`, as `nearest` does, unless nobody would see the hint any more."""
        return None if self.is_full else nearest(word, legal, cutoff=cutoff)

    def error(
        self, code: str, span: Span, message: str, *, hint: str | None = None, suggest: tuple[str, Iterable[str]] | None = None
    ) -> None:
        """Add an error. `suggest` is a wrong word and the legal ones: the nearest becomes a hint before `hint`."""
        self._add(Diagnostic(code, "error", span, message, hint), suggest)

    def warning(
        self, code: str, span: Span, message: str, *, hint: str | None = None, suggest: tuple[str, Iterable[str]] | None = None
    ) -> None:
        """Add a warning."""
        self._add(Diagnostic(code, "warning", span, message, hint), suggest)

    def _add(self, diagnostic: Diagnostic, suggest: tuple[str, Iterable[str]] | None) -> None:
        self._errors += diagnostic.is_error
        key = (diagnostic.code, diagnostic.span, diagnostic.message)
        if len(self._found) >= _KEPT and key not in self._found:
            self._dropped += 1
            return
        self._found.setdefault(key, (diagnostic, (suggest[0], tuple(suggest[1])) if suggest else None))

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Give all findings by place; after `MAX_DIAGNOSTICS` a closing one says how many more there are."""
        ordered = sorted(self._found.values(), key=lambda pair: (pair[0].span.line, pair[0].span.column, pair[0].code, pair[0].message))
        shown = [_with_suggestion(diagnostic, suggest) for diagnostic, suggest in ordered[:MAX_DIAGNOSTICS]]
        more = len(ordered) - len(shown) + self._dropped
        if more:
            shown.append(
                Diagnostic(
                    "PB199",
                    "error",
                    shown[-1].span,
                    f"{'at least ' if self.is_cut else ''}{more} more findings are not shown",
                    "correct the ones above and check again",
                )
            )
        return tuple(shown)


def _with_suggestion(diagnostic: Diagnostic, suggest: tuple[str, tuple[str, ...]] | None) -> Diagnostic:
    question = did_you_mean(*suggest) if suggest else None
    hints = [hint for hint in (question, diagnostic.hint) if hint]
    return replace(diagnostic, hint=" ".join(hints) or None)
