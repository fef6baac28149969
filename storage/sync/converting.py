"""Vendors' values as ours."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlsplit

from playbook_dsl.types import Type
from playbook_dsl.values import Json, Money, Value, to_json
from storage import account_cells
from storage.account_cells import WrongCell
from storage.facts import plain
from storage.sync.mapping import Fields, Join, RawValue, Source

# Currencies whose smallest unit is the unit itself, as the vendors that count in smallest units have them.
_WHOLE: Final = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"])
_LONGEST: Final = 2_000
_LARGEST: Final = Decimal("1e14")


class WrongValue(Exception):
    """A vendor's value that cannot become ours; the message says which and why."""


def value_of(fields: Fields, path: str) -> RawValue:
    """Give a field by its dotted name, also inside of lists: `items.data.0.price`, and `attendees.*.email` for all of them."""
    if path in fields:
        return fields[path]
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        if name in fields:
            return _inside(fields[name], parts[length:])
    return None


def is_told(fields: Fields, source: Source) -> bool:
    """Say whether the vendor tells anything of a source: a field that is not in the record at all says nothing, an empty one does."""
    return any(
        ".".join(parts[:length]) in fields for name in source.names if (parts := name.split(".")) for length in range(1, len(parts) + 1)
    )


def _inside(value: RawValue, parts: list[str]) -> RawValue:
    if not parts:
        return value
    first, *rest = parts
    if isinstance(value, list):
        if first == "*":
            return [found for each in value if (found := _inside(each, rest)) is not None]
        return _inside(value[int(first)], rest) if first.isdigit() and int(first) < len(value) else None
    return _inside(value.get(first), rest) if isinstance(value, Mapping) else None


def raw_of(fields: Fields, source: Source) -> RawValue:
    """Give what a source finds, before anything is done to it."""
    found = (_joined(fields, each) if isinstance(each, Join) else value_of(fields, each) for each in source.fields)
    return next((raw for raw in found if raw not in (None, "")), None)


def _joined(fields: Fields, join: Join) -> RawValue:
    texts = (_text(raw) for name in join.fields if (raw := value_of(fields, name)) is not None)
    return " ".join(text for text in texts if text)


def convert(fields: Fields, source: Source, kind: Type, *, currency: str | None = None) -> Json:
    """Give the value of a source in JSON form.

    Raises:
        WrongValue: it cannot be of this type.
    """
    try:
        raw = raw_of(fields, source)
        if source.words:
            raw = _translated(raw, source.words)
        if raw is None:
            return [] if kind.kind == "list" else None
        if kind.kind == "money":
            given = value_of(fields, source.currency) if source.currency else None
            return _money(raw, source, str(given).upper() if given else currency)
        value = _READERS[kind.kind](raw)
        if kind.kind == "number" and source.divide != 1 and isinstance(value, int | float):
            value = _short(Decimal(str(value)) / source.divide)
        _check_options(kind, value)
        return to_json(value)
    except WrongCell as error:
        raise WrongValue(f"{' or '.join(source.names)}: {error.wrong}; wanted is {error.write}") from None


def _check_options(kind: Type, value: Value) -> None:
    if kind.options and value is not None and value not in kind.options:
        raise WrongCell(f'"{str(value)[:40]}" is not one of the words', f"one of {', '.join(kind.options)}")


def _translated(raw: RawValue, words: Mapping[str, Json]) -> RawValue:
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if raw is None or text in words:
        return None if raw is None else words[text]
    if "else" in words:
        return words["else"]
    raise WrongCell(f'"{text[:40]}" is none of the words the mapping knows', f"one of {', '.join(sorted(words))}, or `else` in the mapping")


def _number(raw: RawValue) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str | Decimal):
        raise WrongCell(f'"{str(raw)[:40]}" is no number', "a number")
    if isinstance(raw, str):
        return account_cells.read_number(raw.strip()) or Decimal(0)
    try:
        number = Decimal(str(raw))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise WrongCell(f'"{str(raw)[:40]}" is no number that can be kept', "a number of up to 14 digits")
    return number


def _short(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(round(number, 4))


def _money(raw: RawValue, source: Source, currency: str | None) -> Json:
    if currency is None:
        raise WrongCell("the amount has no currency", "`currency:` with the field that names it, in the mapping")
    amount = _number(raw) / source.divide
    if source.minor_units and currency not in _WHOLE:
        amount /= 100
    return to_json(Money(plain(round(amount, 4)), account_cells.read_currency(currency) or currency))


def moment_of(raw: RawValue) -> datetime:
    """Read a moment: ISO text with an offset, a day (its beginning in UTC), or seconds since 1970.

    Raises:
        WrongCell: it is none of these.
    """
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            return datetime.fromtimestamp(raw, UTC)
        except (OverflowError, OSError, ValueError):
            raise WrongCell(f'"{raw}" is no moment', "seconds since 1970") from None
    text = str(raw).strip()
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        day = account_cells.read_date(text)
        return datetime.combine(day or date.min, time(), UTC)
    found = account_cells.read_datetime(text)
    if found is None:
        raise WrongCell(f'"{text[:40]}" is no moment', "2026-11-23T09:00:00+01:00")
    return found.astimezone(UTC)


def passes_at(raw: RawValue) -> datetime:
    """Give when a moment is past; a day is past when it is over."""
    is_day = isinstance(raw, str) and len(raw.strip()) == len("2026-11-23")
    return moment_of(raw) + (timedelta(days=1) if is_day else timedelta(0))


def _text(raw: RawValue) -> str | None:
    if isinstance(raw, list | Mapping):
        raise WrongCell("it is a list or a record", "a text")
    text = str(raw).strip()
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise WrongCell("it holds characters that no text may hold", "a text without them")
    return account_cells.read_text(text, longest=_LONGEST)


def _bool(raw: RawValue) -> bool | None:
    return raw if isinstance(raw, bool) else account_cells.read_bool(str(raw).strip())


def _date(raw: RawValue) -> date | None:
    return moment_of(raw).date() if isinstance(raw, int | float) else account_cells.read_date(str(raw).strip())


def _list(raw: RawValue) -> Value:
    parts = raw if isinstance(raw, list) else account_cells.read_list(str(raw))
    return [text for part in parts if (text := _text(part))]


_READERS: Final[Mapping[str, Callable[[RawValue], Value]]] = {
    "text": _text,
    "number": lambda raw: _short(_number(raw)),
    "bool": _bool,
    "date": _date,
    "datetime": moment_of,
    "list": _list,
}


def domain_of(raw: RawValue) -> str | None:
    """Give the host of a web or an e-mail address, without `www.`."""
    text = str(raw or "").strip().lower()
    host = text.rpartition("@")[2] if "@" in text and "/" not in text else urlsplit(text if "//" in text else f"//{text}").hostname or ""
    return host.removeprefix("www.").rstrip(".") or None


_CHECKED: Final[Mapping[str, Callable[[str], object]]] = {
    "zone": account_cells.read_zone,
    "currency": account_cells.read_currency,
    "email": account_cells.read_address,
    "name": account_cells.read_text,
}


def checked(target: str, value: Json) -> Json:
    """Check what a column takes beyond its type.

    Raises:
        WrongValue: it does not take this.
    """
    if target == "name" and not value:
        raise WrongValue("name: it is missing")
    reader = _CHECKED.get(target)
    if reader is None or not isinstance(value, str):
        return value
    try:
        found = reader(value)
    except WrongCell as error:
        raise WrongValue(f"{target}: {error.wrong}; wanted is {error.write}") from None
    return found if isinstance(found, str) else value
