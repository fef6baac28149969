"""A small, honest reader of SOQL for the stand-in: what it does not know it refuses, as Salesforce would."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

Row: TypeAlias = dict[str, Any]
"""A record of the stand-in."""
Look: TypeAlias = Callable[[Row, str], Any]
"""Gives the value of a field path of a row."""
Test: TypeAlias = Callable[[Row, Look], bool]

_TOKEN: Final = re.compile(r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<sign><=|>=|!=|=|<|>|[(),])|(?P<word>[A-Za-z0-9_.:+\-]+))")
_UNESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class MalformedQuery(Exception):
    """What Salesforce answers MALFORMED_QUERY to."""


@dataclass(frozen=True)
class Query:
    """A query as it was read. `filtered` are the fields in its conditions, `texts` the texts they are compared with."""

    fields: tuple[str, ...]
    object: str
    test: Test
    order: tuple[tuple[str, bool], ...]
    limit: int | None
    filtered: tuple[str, ...]
    texts: tuple[str, ...]


def read_query(soql: str) -> Query:
    """Read a query.

    Raises:
        MalformedQuery: it is none, or more than this reader knows.
    """
    return _Reader(soql).query()


class _Reader:
    def __init__(self, soql: str) -> None:
        self._tokens: list[str] = []
        self._at = 0
        self._filtered: list[str] = []
        self._texts: list[str] = []
        position = 0
        soql = soql.rstrip()
        while position < len(soql):
            found = _TOKEN.match(soql, position)
            if found is None:
                raise MalformedQuery(f"unexpected token: {soql[position : position + 20]}")
            self._tokens.append(found["text"] or found["sign"] or found["word"])
            position = found.end()

    def query(self) -> Query:
        self._want("SELECT")
        fields = self._list(self._path)
        self._want("FROM")
        object_ = self._path()
        test: Test = (lambda row, look: True) if not self._take("WHERE") else self._either()
        order = self._list(self._ordered) if self._take("ORDER") else []
        limit = int(self._next()) if self._take("LIMIT") else None
        if self._at < len(self._tokens):
            raise MalformedQuery(f"unexpected token: {self._tokens[self._at]}")
        return Query(tuple(fields), object_, test, tuple(order), limit, tuple(self._filtered), tuple(self._texts))

    def _ordered(self) -> tuple[str, bool]:
        self._take("BY")
        path = self._path()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        return path, descending

    def _either(self) -> Test:
        tests, words = [self._single()], set[str]()
        while word := ("AND" if self._take("AND") else "OR" if self._take("OR") else ""):
            words.add(word)
            tests.append(self._single())
        if len(words) > 1:
            raise MalformedQuery("AND and OR are mixed without parentheses")
        if "OR" in words:
            return lambda row, look: any(test(row, look) for test in tests)
        return lambda row, look: all(test(row, look) for test in tests)

    def _single(self) -> Test:
        if self._take("("):
            inner = self._either()
            self._want(")")
            return inner
        path = self._path()
        self._filtered.append(path)
        if self._take("IN"):
            return _among(path, self._values())
        if self._take("NOT"):
            self._want("IN")
            inside = _among(path, self._values())
            return lambda row, look: not inside(row, look)
        if self._take("LIKE"):
            return _like(path, self._next())
        return _compared(path, self._next(), self._value())

    def _values(self) -> list[object]:
        self._want("(")
        found = self._list(self._value)
        self._want(")")
        return found

    def _value(self) -> object:
        token = self._next()
        if token.startswith("'"):
            text = re.sub(r"\\.", lambda found: _bare(found[0]), token[1:-1])
            self._texts.append(text)
            return text
        small = token.lower()
        if small in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[small]
        try:
            return float(token)
        except ValueError:
            return _date(token)

    def _list(self, each: Callable[[], Any]) -> list[Any]:
        found = [each()]
        while self._take(","):
            found.append(each())
        return found

    def _path(self) -> str:
        token = self._next()
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", token):
            raise MalformedQuery(f"unexpected token: {token}")
        return token

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise MalformedQuery("unexpected end of the query")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper() == word:
            self._at += 1
            return True
        return False

    def _want(self, word: str) -> None:
        if not self._take(word):
            raise MalformedQuery(f"expecting {word}")


def _date(token: str) -> str:
    try:
        if len(token) == 10:
            return datetime.fromisoformat(f"{token}T00:00:00+00:00").date().isoformat()
        at = datetime.fromisoformat(token)
    except ValueError:
        raise MalformedQuery(f"unexpected token: {token}") from None
    if at.tzinfo is None:
        raise MalformedQuery(f"a moment without a zone: {token}")
    return stamp(at.astimezone(UTC))


def stamp(at: datetime) -> str:
    """Give a moment as Salesforce writes it; such texts sort by time."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _bare(part: str) -> str:
    """Give the character that is written alone or behind a backslash."""
    return _UNESCAPED.get(part[1], part[1]) if len(part) == 2 else part


def _plain(path: str, value: object) -> object:
    """Texts are compared without regard to capitals, except ids."""
    return value.lower() if isinstance(value, str) and not path.endswith("Id") else value


def _among(path: str, values: list[object]) -> Test:
    wanted = [_plain(path, value) for value in values]
    return lambda row, look: _plain(path, look(row, path)) in wanted


def _compared(path: str, sign: str, value: object) -> Test:
    wanted = _plain(path, value)

    def ordered(row: Row, look: Look) -> bool:
        there: Any = _plain(path, look(row, path))
        if there is None or wanted is None or isinstance(there, str) != isinstance(wanted, str):
            return False
        return bool({"<": there < wanted, "<=": there <= wanted, ">": there > wanted, ">=": there >= wanted}[sign])

    if sign == "=":
        return lambda row, look: bool(_plain(path, look(row, path)) == wanted)
    if sign == "!=":
        return lambda row, look: bool(_plain(path, look(row, path)) != wanted)
    if sign in ("<", "<=", ">", ">="):
        return ordered
    raise MalformedQuery(f"unexpected token: {sign}")


def _like(path: str, token: str) -> Test:
    if not token.startswith("'"):
        raise MalformedQuery(f"unexpected token: {token}")
    parts = re.findall(r"\\.|.", token[1:-1], re.DOTALL)
    pattern = "".join({"%": ".*", "_": "."}.get(part) or re.escape(_bare(part)) for part in parts)
    return lambda row, look: bool(re.fullmatch(pattern, str(look(row, path) or ""), re.IGNORECASE | re.DOTALL))
