"""Words that YAML eats: text an author means literally and YAML reads as a comment, an alias, a map or a mistake."""

import re
from dataclasses import dataclass

from playbook_dsl.source import SourceText

_LINE = re.compile(r"(?P<lead>\s*(?:-\s+)*(?P<key>[A-Za-z_][\w.\- ]*?):[ \t]+)(?P<value>\S.*?)[ \t]*")
_ITEM = re.compile(r"(?P<lead>\s*(?:-\s+)+)(?P<value>\S.*?)[ \t]*")
_FLOW_PIECE = re.compile(
    r"(?P<lead>[{,]\s*(?P<key>[A-Za-z_][\w.\-]*):\s+)(?P<value>(?:\{\{[^{}]*\}\}[^,{}\]]*)+|[^,}\]\s][^,}\]]*?)\s*(?=[,}\]])"
)
# An expression with a call in it, whose comma would end the value: `{if: default(x, 0) > 5}`.
_CALL_PIECE = re.compile(
    r"(?P<lead>[{,]\s*(?P<key>[A-Za-z_][\w.\-]*):\s+)(?P<value>[^,}\]\s][^,}\]]*\([^()]*,[^()]*\)[^,}\]]*?)\s*(?=[,}\]])"
)
_HASH_PIECE = re.compile(r"[{,]\s*(?P<key>[A-Za-z_][\w.\-]*):[ \t]+(?P<value>#[^\s#!\"',}\]][^\"',}\]\r\n]*)")
_ESCAPE = re.compile(r"\\(?:[uUx]\w{0,8}|.?)")
_COMMENT = re.compile(r"[ \t]+#(?=[^\s#!])[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Eaten:
    """A value that needs quotes: its characters in the text, its line and column, and the text to paste."""

    start: int
    end: int
    line: int
    column: int
    value: str
    fixed: str
    message: str


def quoted(value: str) -> str:
    """Give a text in the quotes that need the fewest changes."""
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def eaten_value(text: SourceText, at: int) -> Eaten | None:
    """Give the value around position `at` that YAML cannot read without quotes, or None when quotes are not the matter."""
    place = text.span(at, at + 1)
    line = text.line(place.line)
    start = at - (place.column - 1)
    found = _value_at(line, place.column - 1)
    if found is None:
        return None
    value = found["value"]
    reason = _reason(value)
    if reason is None:
        return None
    key = found.groupdict().get("key")
    fixed = f"{key}: {quoted(value)}" if key else f"- {quoted(value)}"
    first = start + found.start("value")
    return Eaten(
        first,
        first + len(value),
        place.line,
        found.start("value") + 1,
        value,
        fixed,
        f'YAML does not read "{_short(value)}" as text: {reason}',
    )


def comment_in_brackets(text: SourceText, at: int) -> Eaten | None:
    """Give the value that YAML took for a comment and that ate the closing bracket: `{channel: #renewals}` at `at` or a line above."""
    last = text.span(at, at + 1).line
    for number in (last, last - 1):
        line = text.line(number) if number > 0 else ""
        found = _HASH_PIECE.search(line)
        if found is not None:
            value = found["value"].rstrip()
            here = text.span(at, at + 1)
            first = at - (here.column - 1) if number == last else text.text.rfind(line, 0, at - here.column + 1)
            start = first + found.start("value")
            message = f'YAML does not read "{_short(value)}" as text: # behind a space starts a comment'
            fixed = f"{found['key']}: {quoted(value)}"
            return Eaten(start, start + len(value), number, found.start("value") + 1, value, fixed, message)
    return None


def bad_escape(text: SourceText, at: int) -> tuple[int, str]:
    """Give where the backslash around `at` stands, and what it begins."""
    start = max(text.text.rfind("\\", 0, at + 1), 0)
    found = _ESCAPE.match(text.text, start)
    return start, found.group() if found else "\\"


def _value_at(line: str, column: int) -> re.Match[str] | None:
    found = _LINE.fullmatch(line) or _ITEM.fullmatch(line)
    if found is not None and not (found["value"].startswith(("{", "[")) and not found["value"].startswith("{{")):
        return found
    for piece in (*_FLOW_PIECE.finditer(line), *_CALL_PIECE.finditer(line)):
        if piece.start("value") - 1 <= column <= piece.end("value") + 1:
            return piece
    return None


def _reason(value: str) -> str | None:
    first = value[0]
    if value.startswith("{{"):
        return "{ opens a map"
    if first in "@`%":
        return f"no text starts with {first}"
    if first in "*&!":
        return f"{first} has a meaning of its own in YAML"
    if first in "|>":
        return f"{first} opens a block of text"
    if first in "'\"":
        closing = value.find(first, 1)
        return "a quote closes before the text ends" if 0 < closing < len(value) - 1 else None
    if "(" in value and "," in value:
        return "inside { } a comma ends a value"
    if ": " in value or value.endswith(":"):
        return "a colon with a space after it starts a new key"
    return None


def patched(text: SourceText, eaten: Eaten) -> str:
    """Give the text with the value quoted."""
    inner = eaten.value.replace("'", "''")
    return f"{text.text[: eaten.start]}'{inner}'{text.text[eaten.end :]}"


def comment_after(text: SourceText, at: int, value: str, key: str) -> Eaten | None:
    """Give the comment that starts right behind a plain value at position `at` and was probably meant as text, such as `#renewals`."""
    found = _COMMENT.match(text.text, at)
    if found is None:
        return None
    comment = found.group().strip()
    whole = f"{value}{found.group().rstrip()}" if value else comment
    start = found.start() + (len(found.group()) - len(found.group().lstrip()))
    place = text.span(start, start + 1)
    message = f'YAML does not read "{_short(comment)}" as text: # behind a space starts a comment'
    return Eaten(start, start + len(comment), place.line, place.column, whole, f"{key}: {quoted(whole)}", message)


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:57] + "…"
