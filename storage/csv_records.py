"""CSV files as people really have them: any of four delimiters, with or without BOM, UTF-8, UTF-16 or Windows-1252, a quote left open."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS: Final = (",", ";", "\t", "|")
_LONGEST_CELL_LINES: Final = 50
_LONGEST_RECORD: Final = 200_000
_PIECE: Final = 1 << 20


class FileRefused(Exception):
    """A file that cannot be read as CSV at all; the message says what to do."""


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    encoding: str
    delimiter: str


@dataclass(frozen=True)
class Record:
    """One record: the line it begins on (the header is line 1), its cells, and what is wrong with its form, if anything."""

    line: int
    cells: list[str]
    wrong: str | None = None


def read_dialect(source: BinaryIO) -> Dialect:
    """Find out encoding and delimiter, and rewind the source.

    Raises:
        FileRefused: it is empty, not text, or has no header.
    """
    encoding = _encoding(source)
    source.seek(0)
    first = _lines(source, encoding)
    header = next((line for line in first if line.strip()), "")
    source.seek(0)
    if not header.strip():
        raise FileRefused("the file is empty; its first line must name the columns")
    plain = "".join(header.split('"')[::2])
    delimiter = max(_DELIMITERS, key=plain.count)
    return Dialect(encoding, delimiter if delimiter in plain else ",")


def _encoding(source: BinaryIO) -> str:
    source.seek(0)
    start = source.read(4096)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return encoding
    if b"\0" in start:
        raise FileRefused("this is not a text file; save the table as CSV (UTF-8)")
    decoder = codecs.getincrementaldecoder("utf-8")()
    piece = start
    try:
        while piece:
            decoder.decode(piece)
            piece = source.read(_PIECE)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _lines(source: BinaryIO, encoding: str) -> io.TextIOWrapper:
    # Detached from the source, which belongs to the caller and is not closed here. Windows-1252 leaves five bytes undefined.
    return io.TextIOWrapper(
        cast("IO[bytes]", io.BufferedReader(cast(io.RawIOBase, _Unclosed(source)))), encoding=encoding, errors="replace", newline=""
    )


class _Unclosed(io.RawIOBase):
    """Reads from another source and leaves it open when it is closed itself."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # typeshed says WriteableBuffer
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def records(source: BinaryIO, dialect: Dialect) -> Iterator[Record]:
    """Give the records from the source's present place. A quote that is never closed costs its own line only."""
    ahead: deque[tuple[int, str]] = deque()
    lines = iter(enumerate(_split_lines(_lines(source, dialect.encoding)), start=1))

    def following() -> tuple[int, str] | None:
        return ahead.popleft() if ahead else next(lines, None)

    while (taken := following()) is not None:
        number, text = taken
        if not text.strip():
            continue
        if len(text) >= _LONGEST_RECORD:
            yield Record(number, [text[:1000].strip()], f"it is longer than {_LONGEST_RECORD:,} characters")
            continue
        more: list[tuple[int, str]] = []
        while text.count('"') % 2 and len(more) < _LONGEST_CELL_LINES and len(text) < _LONGEST_RECORD:
            extra = following()
            if extra is None:
                break
            more.append(extra)
            text += extra[1]
        if text.count('"') % 2:
            ahead.extendleft(reversed(more))
            yield Record(number, [taken[1].strip()], 'a quote (") is opened and never closed')
            continue
        yield _parsed(number, text, dialect)


def _split_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Give lines, however long the file's lines are: one without line breaks must not fill the memory."""
    while line := text.readline(_LONGEST_RECORD):
        yield line
        rest = line
        while len(rest) == _LONGEST_RECORD and not rest.endswith("\n"):
            rest = text.readline(_LONGEST_RECORD)


def _parsed(number: int, text: str, dialect: Dialect) -> Record:
    try:
        cells = next(
            csv.reader(
                [text.rstrip("\r\n")] if "\n" not in text.rstrip("\r\n") else io.StringIO(text, newline=""), delimiter=dialect.delimiter
            )
        )
    except (csv.Error, StopIteration) as error:
        return Record(number, [text.strip()[:1000]], f"it cannot be read: {error}")
    return Record(number, [cell.strip() for cell in cells])
