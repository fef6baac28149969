"""Cut a source into tokens, so that Python's parser only ever sees names, brackets and operators.

Every literal (a text, a number, a number with its unit) is replaced by a name of the same length, which moves no column; what the name
stands for is kept beside it by offset.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from keyword import iskeyword
from typing import Final

from playbook_dsl.expressions.problems import Problem, did_you_mean
from playbook_dsl.expressions.units import CURRENCIES, MOST_DAYS, PREFIXES, UNITS, duration_of, money_of
from playbook_dsl.values import Value

WORDS_OF_THE_LANGUAGE: Final = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_CONSTANTS: Final[dict[str, Value]] = {"true": True, "false": False, "True": True, "False": False, "missing": None}
_OTHER_MISSING: Final = frozenset({"None", "none", "null", "nil", "undefined", "NULL", "Null"})
_NOT_OURS: Final = frozenset({"for", "lambda", "await", "yield", "import", "del", "return", "def", "class", "while"})
_LARGEST_NUMBER: Final = 2**53

_NO_UNITS: Final = frozenset({"then", "to", "for", "between", "within", "of", "per", "contains", "like", "equals", "missing"})
_THOUSANDS: Final = frozenset({"k", "mio", "million", "thousand"})

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?!\w)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<foreign>\{\{|\}\}|\*\*|//|&&|\|\||=>|=<|<>|<<|>>|:=|===|!==|\?\?|->|\.\.+)
    |(?P<operator>==|!=|<=|>=|[-+*/%<>()\[\],.])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t"}

_INSTEAD: Final = {
    "**": ("PB212", "write a * a"),
    "//": ("PB212", "write round(a / b)"),
    "&&": ("PB224", "write `and`"),
    "||": ("PB224", "write `or`"),
    "&": ("PB224", "write `and`"),
    "!": ("PB224", "write `not`"),
    "=": ("PB224", "write =="),
    "===": ("PB224", "write =="),
    "!==": ("PB224", "write !="),
    "<>": ("PB224", "write !="),
    "=>": ("PB224", "write >="),
    "=<": ("PB224", "write <="),
    "??": ("PB224", "write default(value, instead)"),
    "?": ("PB224", "write a if condition else b"),
    "|": ("PB212", "there are no filters here; write a function such as default(value, instead)"),
    "{{": ("PB212", "leave out {{ and }}: this is an expression already"),
    "}}": ("PB212", "leave out {{ and }}: this is an expression already"),
    "{": ("PB212", "there are no records to write down here"),
    "}": ("PB212", "there are no records to write down here"),
    ":": ("PB212", "write a if condition else b; there are no slices"),
    "#": ("PB223", "put quotes around a text"),
    "@": ("PB223", "put quotes around a text"),
    "$": ("PB223", "write money as 500 USD"),
    "“": ("PB223", 'write straight quotes: "'),
    "”": ("PB223", 'write straight quotes: "'),
    "„": ("PB223", 'write straight quotes: "'),
    "‘": ("PB223", "write straight quotes: '"),
    "’": ("PB223", "write straight quotes: '"),
    "€": ("PB223", "write money as 500 EUR"),
    "£": ("PB223", "write money as 500 GBP"),
    "–": ("PB223", "write a plain minus: -"),
    "−": ("PB223", "write a plain minus: -"),
    "≥": ("PB223", "write >="),
    "≤": ("PB223", "write <="),
    "≠": ("PB223", "write !="),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the source. `kind` is literal, word (of the language), name, field or operator."""

    kind: str
    text: str
    offset: int

    @property
    def end(self) -> int:
        """The offset just behind the token."""
        return self.offset + len(self.text)


@dataclass(slots=True)
class Scanned:
    """A source in tokens. `literals` and `renamed` say by offset what a stand-in name in `masked` stands for."""

    tokens: list[Token] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    literals: dict[int, Value] = field(default_factory=dict)
    renamed: dict[int, str] = field(default_factory=dict)
    masked: str = ""


def scan(source: str) -> Scanned:
    """Cut `source` into tokens. Never raises; what cannot be read is among the problems."""
    result = Scanned()
    pieces = [match for match in _TOKEN.finditer(source) if match.lastgroup != "space"]
    stream = iter(enumerate(pieces))
    for position, match in stream:
        match match.lastgroup:
            case "text":
                _scan_text(result, match.group(), match.start())
            case "date":
                _add_literal(result, match.group(), match.start(), _read_date(result, match.group(), match.start()))
            case "number":
                for _ in range(_scan_number(result, source, pieces, position)):
                    next(stream)
            case "word":
                _scan_word(result, match.group(), match.start())
            case "operator":
                result.tokens.append(Token("operator", match.group(), match.start()))
            case _:
                _refuse(result, source, match.group(), match.start())
    result.masked = _masked(source, result)
    return result


def _scan_text(result: Scanned, text: str, offset: int) -> None:
    strange = next((letter for letter in text if not (letter.isprintable() or letter.isspace())), None)
    if strange is not None and (strange < " " or "\ud800" <= strange <= "\udfff"):
        _report(result, "PB223", f"the character U+{ord(strange):04X} cannot stand in a text", offset + text.index(strange), strange, None)
    _add_literal(result, text, offset, _ESCAPE.sub(_unescape, text[1:-1]))


def _read_date(result: Scanned, text: str, offset: int) -> Value:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _report(result, "PB228", f'there is no day "{text}"', offset, text, "a date is written year-month-day")
        return None


def _unescape(match: re.Match[str]) -> str:
    letter = match.group(1)
    return _ESCAPED.get(letter, letter if letter in "\\\"'" else match.group())


def _add_literal(result: Scanned, text: str, offset: int, value: Value) -> None:
    result.tokens.append(Token("literal", text, offset))
    result.literals[offset] = value


def _scan_word(result: Scanned, word: str, offset: int) -> None:
    if not word.isascii():
        _report(result, "PB223", f'"{_short(word)}" has letters that no name here has', offset, word, "put quotes around a text")
    before = result.tokens[-1] if result.tokens else None
    if before is not None and before.kind == "operator" and before.text == ".":
        result.tokens.append(Token("field", word, offset))
        result.renamed[offset] = word
    elif word in WORDS_OF_THE_LANGUAGE:
        result.tokens.append(Token("word", word, offset))
    elif word in _CONSTANTS:
        _add_literal(result, word, offset, _CONSTANTS[word])
    else:
        result.tokens.append(Token("name", word, offset))
        result.renamed[offset] = word
        if word in _OTHER_MISSING:
            _report(result, "PB227", f'there is no "{word}" here', offset, word, "write `is missing` or `is not missing`")
        elif word in _NOT_OURS:
            _report(result, "PB212", f'"{word}" is not part of expressions', offset, word, None)


def _scan_number(result: Scanned, source: str, pieces: list[re.Match[str]], position: int) -> int:
    """Read a number and the unit behind it; give how many further pieces were used up."""
    match = pieces[position]
    words = list(_unit_words(pieces[position + 1 : position + 3]))
    offset, amount = match.start(), match.group()
    if not words:
        _add_literal(result, amount, offset, _plain_number(result, amount, offset))
        return 0
    unit = " ".join(word.group() for word in words)
    text = source[offset : words[-1].end()]
    _add_literal(result, text, offset, _with_unit(result, amount, unit, Token("literal", text, offset), words[0].start()))
    return len(words)


def _unit_words(pieces: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    first = pieces[0] if pieces and pieces[0].lastgroup == "word" else None
    if first is None or first.group() in WORDS_OF_THE_LANGUAGE or first.group() in _NO_UNITS:
        return
    yield first
    if first.group() in PREFIXES and len(pieces) > 1 and pieces[1].lastgroup == "word" and pieces[1].group() not in WORDS_OF_THE_LANGUAGE:
        yield pieces[1]


def _plain_number(result: Scanned, amount: str, offset: int) -> Value:
    value = float(amount) if "." in amount else int(amount)
    if value > _LARGEST_NUMBER:
        _report(result, "PB316", f'"{_short(amount)}" is too large a number', offset, amount, f"the largest is {_LARGEST_NUMBER}")
        return 0
    return value


def _with_unit(result: Scanned, amount: str, unit: str, token: Token, unit_offset: int) -> Value:
    if unit in UNITS:
        return _with_time_unit(result, amount, unit, token)
    if len(unit) == 3 and unit.isupper():
        if unit not in CURRENCIES:
            _report(result, "PB215", f'"{unit}" is no currency', unit_offset, unit, did_you_mean(unit, CURRENCIES))
        elif len(amount) > 18:
            _report(result, "PB316", f'"{_short(amount)}" is too large a number', token.offset, amount, None)
        return money_of(amount[:18], unit)
    hint: str | None = "units: days, hours, weeks, business days, ..."
    if unit.lower() in _THOUSANDS:
        hint = "write the number in full, such as 5000"
    elif unit.upper()[:3] in CURRENCIES and len(unit) < 5:
        hint = "write it as 500 EUR"
    else:
        hint = did_you_mean(unit.lower(), UNITS) or hint
    _report(result, "PB214", f'"{_short(unit)}" is no unit of time', unit_offset, unit, hint)
    return None


def _with_time_unit(result: Scanned, amount: str, unit: str, token: Token) -> Value:
    value = duration_of(amount, unit)
    if value is None and float(amount) > 1 and float(amount).is_integer():
        _report(result, "PB316", f'"{_short(token.text)}" is too long a time', token.offset, token.text, f"the longest is {MOST_DAYS} days")
    elif value is None:
        message = f'"{_short(token.text)}" is not a whole number of {unit}'
        _report(result, "PB317", message, token.offset, token.text, "write it in a smaller unit, such as 12 hours")
    return value


def _refuse(result: Scanned, source: str, text: str, offset: int) -> None:
    if text in "\"'":
        _report(result, "PB213", "the text that begins here is not closed", offset, source[offset:], f"end it with {text}")
        result.tokens.append(Token("unreadable", text, offset))
        return
    code, hint = _INSTEAD.get(text, ("PB223", "put quotes around a text" if text.isalpha() else None))
    result.tokens.append(Token("unreadable", text, offset))
    if any(problem.code == code for problem in result.problems):
        return  # a closing quote after its opening one, and the like
    shown = text if text.isprintable() else f"U+{ord(text[0]):04X}"
    _report(result, code, f'"{shown}" is not part of expressions', offset, text, hint)


def _report(result: Scanned, code: str, message: str, offset: int, text: str, hint: str | None) -> None:
    result.problems.append(Problem(code, message, offset, max(1, len(text)), hint))


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:27]}..."


def _masked(source: str, result: Scanned) -> str:
    """Give the text for Python's parser: one line, plain ASCII, as long as the source."""
    letters = [" "] * len(source)
    for token in result.tokens:
        stand_in = token.text
        if token.kind == "literal" or (token.kind in ("name", "field") and iskeyword(token.text)):
            stand_in = "_" * len(token.text)
        letters[token.offset : token.end] = stand_in
    return "".join(letters)
