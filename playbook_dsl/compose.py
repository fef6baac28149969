"""Bytes to YAML nodes with places.

Only libyaml's event reader is used: its composer crashes the whole process at about 20,000 levels, the pure Python one reads some flow
scalars differently, and a loader would read `on` as true and drop the first of two equal keys. Depth is counted while events come in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import yaml

from playbook_dsl.diagnostics import Report
from playbook_dsl.eaten import Eaten, bad_escape, comment_after, comment_in_brackets, eaten_value, patched, quoted
from playbook_dsl.nodes import Document, Entry, Mapping, Node, Scalar, Sequence, shifted
from playbook_dsl.source import SourceText, Span

MAX_SOURCE_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_VALUES = 20_000
_START = "start with `playbook: <name>` and `steps:`"
_MAX_REPAIRED_CHARS = 1_500_000
_MAX_REPAIRS = 25


def decode(source: bytes | str, path: str) -> tuple[SourceText, Report]:
    """Give the text of a file and a report that says what was wrong with its bytes, if anything was."""
    data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    start = Span(path, 1, 1)
    if len(data) > MAX_SOURCE_BYTES:
        report = Report(SourceText(path, ""))
        report.error(
            "PB102",
            start,
            f"the file has {len(data):,} bytes; a playbook may have at most {MAX_SOURCE_BYTES:,}",
            hint="move long texts into templates, and phases into playbooks of their own started with `play`",
        )
        return report.source, report
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _undecodable(data, error, path)
    report = Report(SourceText(path, text))
    if "\0" in text:
        report.error(
            "PB101", report.source.span(text.index("\0"), text.index("\0") + 1), "the file holds a NUL byte; it is not a text file"
        )
    return report.source, report


def _undecodable(data: bytes, error: UnicodeDecodeError, path: str) -> tuple[SourceText, Report]:
    text = data.decode("utf-8", "replace")
    report = Report(SourceText(path, text))
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    before = len(data[: error.start].decode("utf-8", "replace"))
    message = "the file is saved as UTF-16; a playbook is UTF-8 text" if utf16 else f"byte {error.start + 1} is not UTF-8 text"
    span = Span(path, 1, 1) if utf16 else report.source.span(before, before + 1)
    report.error("PB101", span, message, hint="save the file with the encoding UTF-8")
    return report.source, report


@dataclass
class _Refused(Exception):
    """The file cannot be read as a tree; `eaten` is set where quotes around a value would mend it."""

    code: str
    start: int
    end: int
    message: str
    hint: str | None = None
    eaten: Eaten | None = None


def compose(source: SourceText, report: Report, *, start: str = _START) -> Document | None:
    """Give the tree of a file, or None when there is none; whatever is wrong is in the report.

    `start` is the hint for an empty file.

    Words that YAML eats are reported and read as if they were quoted, so that the rest of the file is still checked.
    """
    text, quoted = source, dict[int, int]()
    for _ in range(max(1, min(_MAX_REPAIRS, _MAX_REPAIRED_CHARS // max(1, len(source.text))))):
        try:
            root = _Builder(text, report, quoted, start).build()
        except _Refused as refused:
            report.error(refused.code, shifted(text.span(refused.start, refused.end), quoted), refused.message, hint=refused.hint)
            if refused.eaten is None or refused.eaten.line in quoted:
                return None
            quoted[refused.eaten.line] = refused.eaten.column
            text = SourceText(source.path, patched(text, refused.eaten))
        else:
            return Document(source, root, text, quoted) if root else None
    return None


def _events(text: SourceText) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text.text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(text, error) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        at = len(text.text.encode()[:position].decode("utf-8", "ignore"))
        raise _Refused("PB103", at, at + 1, "the file holds a character that YAML does not allow") from None
    except UnicodeEncodeError as error:
        raise _Refused("PB101", error.start, error.end, "the file holds half of a character") from None


def _syntax_error(text: SourceText, error: yaml.MarkedYAMLError) -> _Refused:
    mark = error.problem_mark or error.context_mark
    at = mark.index if mark else 0
    if "escape" in str(error.problem or ""):
        start, escape = bad_escape(text, at)
        message = f'"{escape}" means nothing inside double quotes'
        return _Refused("PB103", start, start + len(escape), message, "use single quotes, or write two backslashes: \\\\")
    eaten = comment_in_brackets(text, at) or eaten_value(text, at)
    if eaten is not None:
        return _Refused("PB111", eaten.start, eaten.end, eaten.message, f"write {eaten.fixed}", eaten)
    problem, context, opened = str(error.problem or ""), str(error.context or ""), error.context_mark
    line = text.line(text.span(at, at + 1).line)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _Refused("PB103", at, at + 1, "the line is indented with a tab; YAML allows only spaces", "replace every tab by two spaces")
    if opened is not None and mark is not None and "quoted scalar" in context:
        return _Refused(
            "PB103", opened.index, opened.index + 1, "a quote is opened here and never closed", "close it at the end of the text"
        )
    if opened is not None and mark is not None and "flow" in context and opened.line != mark.line:
        return _Refused(
            "PB103",
            opened.index,
            opened.index + 1,
            "a bracket is opened here and not closed where it should be",
            "close it, or add the missing comma",
        )
    return _Refused("PB103", at, at + 1, *_in_plain_words(problem, context))


def _in_plain_words(problem: str, context: str) -> tuple[str, str]:
    """Give what libyaml says as a sentence for people who do not know its words, and what to do."""
    if "flow" in context:
        return "the list or map in brackets goes wrong here", "a comma or a closing bracket is missing, or a text needs quotes"
    if "mapping values" in problem:
        return "a key cannot stand here", "look at the indentation of this line and the one above; a text with a colon needs quotes"
    if "expected key" in problem:
        return "this line does not fit the block above it", "look at its indentation: keys of one map start in the same column"
    if "block sequence" in problem:
        return "a list cannot start here", "start it on its own line, below its key"
    if "cannot start any token" in problem:
        return "no text starts with this character", "put the text in quotes"
    return (
        f"this is not YAML: {problem.replace('did not find expected', 'expected')}",
        "look at the indentation and the quotes of this line and the one above",
    )


def _start(event: yaml.Event) -> yaml.Mark:
    return cast(yaml.Mark, event.start_mark)  # the parser always gives marks


def _end(event: yaml.Event) -> yaml.Mark:
    return cast(yaml.Mark, event.end_mark)


_MORE_THAN_A_WORD = re.compile(r"[^\w.\-]")


class _Builder:
    """Builds the tree from events without recursion."""

    def __init__(self, text: SourceText, report: Report, quoted: dict[int, int], start: str) -> None:
        self._text = text
        self._start = start
        self._report = report
        self._quoted = quoted
        self._stack: list[Mapping | Sequence] = []
        self._keys: list[dict[str, Scalar]] = []
        self._key: Scalar | None = None
        self._pending: list[Scalar | None] = []
        self._root: Node | None = None

    def build(self) -> Node | None:
        """Read all events and give the root, or None with an error when the file is empty."""
        for number, event in enumerate(_events(self._text)):
            if number > MAX_VALUES:
                at = _start(event).index
                raise _Refused(
                    "PB102", at, at + 1, f"the file holds more than {MAX_VALUES:,} values", "split it into playbooks started with `play`"
                )
            self._take(event)
        if self._root is None or (isinstance(self._root, Scalar) and self._root.is_null):
            self._report.error("PB107", Span(self._text.path, 1, 1), "the file is empty", hint=self._start)
            return None
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_extras(event)
            self._add(self._scalar(event))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            closed = self._stack.pop()
            self._keys.pop()
            self._key = self._pending.pop()
            if isinstance(closed, Mapping) and closed.is_flow:
                self._join_at_commas(closed)
        elif isinstance(event, yaml.AliasEvent):
            start, end = _start(event).index, _end(event).index
            raise _Refused("PB104", start, end, f'"*{event.anchor}" refers to an anchor; playbooks have none', "write the value out")
        elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            start = _start(event).index
            raise _Refused(
                "PB107", start, start + 3, "a second document starts here; a file holds one playbook", "put it into a file of its own"
            )

    def _refuse_extras(self, event: yaml.NodeEvent) -> None:
        start = _start(event).index
        if event.anchor is not None:
            raise _Refused(
                "PB104", start, start + len(event.anchor) + 1, f'"&{event.anchor}" is an anchor; playbooks have none', "remove it"
            )
        tag = getattr(event, "tag", None)
        if tag is not None and not (tag == "!" and getattr(event, "style", None) in ("'", '"')):
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            eaten = eaten_value(self._text, start)
            hint = f"write {eaten.fixed}" if eaten else "remove it"
            raise _Refused("PB104", start, start + len(shown), f'"{shown}" is a YAML tag; playbooks have none', hint)

    def _join_at_commas(self, mapping: Mapping) -> None:
        """Report a value that a comma inside { } has cut in two, and read it as one, so that no other finding comes of it."""
        kept: list[Entry] = []
        for entry in mapping.entries:
            before = kept[-1] if kept else None
            if before is None or not self._is_rest_of(before.value, entry):
                kept.append(entry)
                continue
            value = cast(Scalar, before.value)
            whole = self._text.text[value.start : entry.key.end]
            message = f'a comma ends a value inside {{ }}, so "{entry.key.text}" is read as a key of its own'
            self._report.error("PB111", entry.key.span, message, hint=f"write {before.key.text}: {quoted(' '.join(whole.split()))}")
            before.value = Scalar(value.span, whole, "", value.start, entry.key.end)
        mapping.entries[:] = kept

    def _is_rest_of(self, value: Node, entry: Entry) -> bool:
        if not isinstance(value, Scalar) or value.style or value.is_null or not isinstance(entry.value, Scalar) or entry.key.style:
            return False
        without_colon = (
            not entry.value.style and not entry.value.text and not self._text.text[entry.key.end :][:200].lstrip().startswith(":")
        )
        return without_colon and bool(_MORE_THAN_A_WORD.search(value.text) or _MORE_THAN_A_WORD.search(entry.key.text))

    def _span(self, start: int, end: int) -> Span:
        return shifted(self._text.span(start, end), self._quoted)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start, end = _start(event), _end(event)
        text, style = event.value, (event.style or "").strip(" ")
        length = end.index - start.index if end.line == start.line else len(self._text.line(start.line + 1)) - start.column
        span = shifted(Span(self._text.path, start.line + 1, start.column + 1, max(1, length)), self._quoted)
        if not style and self._key is not None:
            comment = comment_after(self._text, end.index, text, self._key.text)
            if comment is not None:
                add = self._report.warning if text else self._report.error
                add("PB111", self._span(comment.start, comment.end), comment.message, hint=f"write {comment.fixed}")
                if not text:
                    return Scalar(span, comment.value, '"', start.index, end.index)
        return Scalar(span, text, style, start.index, end.index)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._refuse_extras(event)
        start = _start(event).index
        top = self._stack[-1] if self._stack else None
        if isinstance(top, Mapping) and self._key is None:
            eaten = eaten_value(self._text, start) if top.is_flow else None
            if eaten is not None:
                raise _Refused("PB111", eaten.start, eaten.end, eaten.message, f"write {eaten.fixed}", eaten)
            raise _Refused(
                "PB110", start, start + 1, "a key must be a word, not a list or a map", "a text that starts with { or [ needs quotes"
            )
        if len(self._stack) >= MAX_DEPTH:
            raise _Refused(
                "PB106", start, start + 1, f"blocks are nested more than {MAX_DEPTH} deep", "move the inner part into a playbook of its own"
            )
        span = self._span(start, max(start + 1, _end(event).index))
        is_map = isinstance(event, yaml.MappingStartEvent)
        node: Mapping | Sequence = Mapping(span, is_flow=bool(event.flow_style)) if is_map else Sequence(span)
        self._add(node)
        self._pending.append(self._key)
        self._key = None
        self._stack.append(node)
        self._keys.append({})

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        if isinstance(top, Sequence):
            top.items.append(node)
        elif self._key is None and isinstance(node, Scalar):
            self._key = node
        elif self._key is not None:
            self._add_entry(top, self._key, node)
            self._key = None

    def _add_entry(self, mapping: Mapping, key: Scalar, value: Node) -> None:
        first = self._keys[-1].setdefault(key.text, key)
        if first is key:
            mapping.entries.append(Entry(key, value))
            return
        self._report.error(
            "PB105",
            key.span,
            f'the key "{key.text}" stands here for the second time; the first is in line {first.span.line}',
            hint="keep one of them",
        )
