"""Cells of an accounts file, read as what their columns hold."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from playbook_dsl.timing.zones import is_zone, suggest_zones
from playbook_dsl.types import Type
from playbook_dsl.values import Json, Money, Value, to_json
from storage.fact_definitions import STATUSES


@dataclass(frozen=True)
class WrongCell(Exception):
    """A cell that cannot be read: what is wrong with it, and what to write instead."""

    wrong: str
    write: str


_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ADDRESS: Final = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_SYMBOLS: Final = {"$": "USD", "€": "EUR", "£": "GBP"}
_PLAIN_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)")
_ENGLISH: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_GERMAN: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+|(\.[0-9]{3})+)")
_SPACED: Final = re.compile(r"[+-]?[0-9]{1,3}([ '\u00a0\u202f][0-9]{3})+([.,][0-9]+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]+,[0-9]+")
_GERMAN_DATE: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_YES: Final = frozenset({"yes", "true", "1", "y", "ja"})
_NO: Final = frozenset({"no", "false", "0", "n", "nein"})
_LARGEST: Final = Decimal("1e14")


def read_id(text: str) -> str:
    """Read an account's id; it becomes part of names that take no other characters."""
    if _ID.fullmatch(text):
        return text
    wrong = "the id is missing" if not text else "an id has other characters than letters, digits and . _ -, or more than 100 of them"
    raise WrongCell(wrong, re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or "an id of your own, such as A-1001")


def read_text(text: str, *, longest: int = 300) -> str | None:
    """Read a text."""
    if len(text) > longest:
        raise WrongCell(f"it has {len(text):,} characters", f"at most {longest} characters")
    return text or None


def read_status(text: str) -> str:
    """Read a status; none is active."""
    status = text.lower() or "active"
    if status not in STATUSES:
        raise WrongCell(f'"{text[:40]}" is no status', f"one of {', '.join(sorted(STATUSES))}")
    return status


def read_zone(text: str) -> str | None:
    """Read a time zone."""
    if not text or is_zone(text):
        return text or None
    close = suggest_zones(text)
    raise WrongCell(f'"{text[:40]}" is no time zone', close[0] if close else "an IANA name such as Europe/Berlin")


def read_currency(text: str) -> str | None:
    """Read a currency code."""
    code = _SYMBOLS.get(text, text.upper())
    if code and not _CURRENCY.fullmatch(code):
        raise WrongCell(f'"{text[:40]}" is no currency', "a code of three letters such as EUR")
    return code or None


def read_number(text: str) -> Decimal | None:
    """Read a number, with or without separators of thousands."""
    if not text:
        return None
    if re.fullmatch(r"[+-]?[0-9]{1,3},[0-9]{3}", text):
        thousands = text.replace(",", "")
        raise WrongCell(f'"{text}" may mean {thousands} or {text.replace(",", ".")}', thousands)
    if _ENGLISH.fullmatch(text):
        plain = text.replace(",", "")
    elif _GERMAN.fullmatch(text):
        plain = text.replace(".", "").replace(",", ".")
    elif _SPACED.fullmatch(text):
        plain = re.sub(r"[ '\u00a0\u202f]", "", text).replace(",", ".")
    else:
        plain = text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text
    if not _PLAIN_NUMBER.fullmatch(plain):
        raise WrongCell(f'"{text[:40]}" is no number', "digits with a point, such as 1234.50")
    number = Decimal(plain)
    if abs(number) >= _LARGEST:
        raise WrongCell("the number has more than 14 digits", "a smaller number")
    return number


def read_amount(text: str) -> tuple[Decimal | None, str | None]:
    """Read an amount, and the currency beside it when there is one: `500`, `500 EUR`, `$1,200.50`."""
    symbol = next((symbol for symbol in _SYMBOLS if symbol in text), None)
    bare = text.replace(symbol, "").strip() if symbol else text
    code = re.search(r"\b[A-Z]{3}\b", bare)
    if code:
        bare = (bare[: code.start()] + bare[code.end() :]).strip()
    currency = code.group() if code else _SYMBOLS[symbol] if symbol else None
    return read_number(bare), currency


def read_date(text: str) -> date | None:
    """Read a date: 2026-11-23, or 23.11.2026. Slashes are refused, because nobody can tell day from month."""
    if not text:
        return None
    german = _GERMAN_DATE.fullmatch(text)
    try:
        if german:
            return date(int(german[3]), int(german[2]), int(german[1]))
        return date.fromisoformat(text[:10] if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*", text) else text)
    except ValueError:
        raise WrongCell(f'"{text[:40]}" is no date that can be told for sure', "year-month-day, such as 2026-11-23") from None


def read_bool(text: str) -> bool | None:
    """Read yes or no."""
    if not text:
        return None
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise WrongCell(f'"{text[:40]}" is neither yes nor no', "yes or no")


def read_datetime(text: str) -> datetime | None:
    """Read a moment with its offset from UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongCell(f'"{text[:40]}" is no moment', "2026-11-23T09:00:00+01:00") from None
    if moment.tzinfo is None:
        raise WrongCell(f'"{text[:40]}" does not say which zone it means', f"{text[:19]}+00:00")
    return moment


def read_list(text: str) -> list[str]:
    """Read a list whose items stand between semicolons or bars."""
    return [item for part in re.split(r"[;|]", text) if (item := part.strip())]


def read_address(text: str) -> str | None:
    """Read an e-mail address."""
    if text and not _ADDRESS.fullmatch(text):
        raise WrongCell(f'"{text[:60]}" is no e-mail address', "one address such as ann@example.com")
    return text or None


def _number(text: str) -> Value:
    number = read_number(text)
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


_READERS: Final[Mapping[str, Callable[[str], Value]]] = {
    "number": _number,
    "bool": read_bool,
    "date": read_date,
    "datetime": read_datetime,
    "list": lambda text: list(read_list(text)),
    "text": lambda text: read_text(text, longest=2000),
}


def read_value(kind: Type, text: str, currency: str | None) -> Json:
    """Read a cell as a value of a fact or an own field, in JSON form; an empty cell is None."""
    if not text:
        return None
    if kind.kind == "money":
        amount, own = read_amount(text)
        unit = own or currency
        if unit is None:
            raise WrongCell("the amount has no currency", f"{text[:40]} EUR")
        return None if amount is None else to_json(Money(amount, unit))
    value = _READERS[kind.kind](text)
    if kind.options and value not in kind.options:
        raise WrongCell(f'"{text[:40]}" is not one of the words', f"one of {', '.join(kind.options)}")
    return to_json(value)


def guess_type(cells: list[str]) -> str:
    """Give the word for the type that all of these cells (empty ones left out) can be read as."""
    filled = [cell for cell in cells if cell]
    if any(re.match(r"0[0-9]", cell) for cell in filled):
        return "text"  # a number would lose the zeros in front
    for word, reader in (("number", _number), ("date", read_date), ("bool", read_bool)):
        if filled and all(_readable(reader, cell) for cell in filled):
            return word
    return "text"


def _readable(reader: Callable[[str], Value], cell: str) -> bool:
    try:
        reader(cell)
    except WrongCell:
        return False
    return True
