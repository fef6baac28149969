"""What can be wrong with an expression, and the sentence's place."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

CODES: Final = {
    "PB201": "a name that nothing in scope has",
    "PB202": "a field that the record does not have",
    "PB203": "a function the language does not have",
    "PB211": "the expression cannot be read",
    "PB212": "something another language has and this one has not",
    "PB213": "a text or a {{ }} that is not closed",
    "PB214": "a unit of time the language does not have",
    "PB215": "a currency code that does not exist",
    "PB216": "a name or field that begins with an underscore",
    "PB217": "a name that exists, but not at this place",
    "PB218": "too many or too few arguments",
    "PB219": "an expression that is too long",
    "PB220": "an expression that is nested too deeply",
    "PB221": "nothing where an expression must stand",
    "PB222": "a bracket that is not closed or closes nothing",
    "PB223": "a character the language does not have",
    "PB224": "an operator of another language",
    "PB226": "a function used as a value, or a value called like a function",
    "PB227": "a word of another language for a missing value",
    "PB228": "a date that does not exist",
    "PB301": "a comparison of two different types",
    "PB302": "an operator that does not work with these types",
    "PB303": "a condition that is not yes or no",
    "PB304": "an argument of the wrong type",
    "PB305": "a result of the wrong type",
    "PB306": "a value that may be missing where it must not be",
    "PB307": "two currencies in one calculation or comparison",
    "PB308": "a bare number beside money (warning)",
    "PB309": "a text that is not one of the legal ones (warning)",
    "PB310": "an if-else whose two results have different types",
    "PB311": "a list of different types",
    "PB312": "an index into something that is no list and no record",
    "PB313": "`in` with something that is no list",
    "PB314": "`is missing` asked of a value that is never missing (warning)",
    "PB315": "a comparison with missing by == or !=",
    "PB316": "a number that is too large",
    "PB317": "a part of a day, month or other unit that cannot be divided",
    "PB318": "a value that cannot be printed inside a text",
    "PB319": "a value that may be missing inside a text, printed as nothing (warning)",
    "PB320": "hours added to a date, which has no time of day (warning)",
    "PB321": "a comparison whose answer is always the same (warning)",
    "PB331": "a name an audience cannot ask the database for",
    "PB332": "a part that cannot be turned into a database query",
    "PB333": "a calculation that is too long for a database query",
}
"""Every code the expressions use, one line each."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a source. `offset` and `length` count characters of the source; `severity` is error or warning."""

    code: str
    message: str
    offset: int
    length: int
    hint: str | None = None
    severity: str = "error"


def did_you_mean(word: str, legal: Iterable[str]) -> str | None:
    """Give `did you mean "x"?` for the nearest legal word, or None when none is near."""
    known = sorted(legal)
    near = [name for name in known if name.lower() == word.lower()] or get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else None


def near_or_all(word: str, legal: Iterable[str]) -> str | None:
    """Give the nearest legal word, else the whole legal set when it is short."""
    known = sorted(legal)
    near = did_you_mean(word, known)
    if near is not None or not known:
        return near
    listed = ", ".join(known[:12])
    return f"known: {listed}" + (f" and {len(known) - 12} more" if len(known) > 12 else "")
