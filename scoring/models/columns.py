"""Guess what the columns of a table are that nobody has described: numbers, dates, categories, ids, or nothing to learn from."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from scoring.panel import Numbers

MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "--", "missing", "#n/a", "inf", "-inf", "infinity"})
_YES: Final = frozenset(
    {"1", "1.0", "yes", "y", "true", "t", "churn", "churned", "left", "lost", "exited", "gone", "attrited", "cancelled"}
)
_YES_PARTS: Final = ("attrit", "churn", "exit", "cancel", "lost")
_NO: Final = frozenset({"0", "0.0", "no", "n", "false", "f", "retained", "stayed", "existing", "active", "current", "kept"})
_MOSTLY: Final = 0.95
"""Share of the filled cells that must be readable as a number or date; the rest are typing errors, and missing."""
_ID_NAME: Final = re.compile(r"(^|[_\s])(id|ids|key|uuid|guid|index|row|rownumber|nr)$|(id|rownumber|unnamed: 0)$|^$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"^[-+]?[$€£]?\s?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?(e[-+]?\d+)?\s?%?$", re.IGNORECASE)
_DATES: Final = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%b %d, %Y", "%m/%d/%y")
_SAMPLE: Final = 200


class LabelUnclear(ValueError):
    """The label is not a question of yes or no. The message says which values it has."""


def is_missing(text: str) -> bool:
    """Say whether a cell says nothing."""
    return text.strip().lower() in MISSING


def numbers_in(texts: Sequence[str]) -> Numbers | None:
    """Read a column as numbers, NaN where nothing is said; None when it holds something else."""
    filled = [text for text in texts if not is_missing(text)]
    readable = sum(_number(text) is not None for text in filled)
    if not filled or readable < _MOSTLY * len(filled):
        return None
    return np.array([np.nan if is_missing(text) or (value := _number(text)) is None else value for text in texts])


def _number(text: str) -> float | None:
    bare = text.strip()
    if not _NUMBER.match(bare) or not any(letter.isdigit() for letter in bare):
        return None
    value = float(re.sub(r"[$€£,%\s]", "", bare))
    return value if np.isfinite(value) else None


def dates_in(texts: Sequence[str]) -> Numbers | None:
    """Read a column as days since 1970, NaN where nothing is said; None when it holds something else."""
    filled = [text.strip() for text in texts if not is_missing(text)]
    if not filled or not any(letter.isdigit() for letter in filled[0]):
        return None
    for form in ("iso", *_DATES):
        if all(_day(text, form) is None for text in filled[:3]) or sum(_day(t, form) is not None for t in filled[:_SAMPLE]) < _MOSTLY * min(
            len(filled), _SAMPLE
        ):
            continue
        days = [None if is_missing(text) else _day(text.strip(), form) for text in texts]
        if sum(day is not None for day in days) >= _MOSTLY * len(filled):
            return np.array([np.nan if day is None else day for day in days])
    return None


def _day(text: str, form: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007  # made aware below
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / 86_400


def is_id(name: str, texts: Sequence[str], numeric: bool) -> bool:
    """Say whether a column only tells rows apart: all of its texts differ (numbers: whole ones, under a name like an id's)."""
    filled = [text.strip() for text in texts if not is_missing(text)]
    if len(filled) < 2:
        return False
    distinct = len(set(filled)) / len(filled)
    if numeric:
        return distinct == 1 and bool(_ID_NAME.search(name.strip())) and all("." not in text for text in filled)
    return distinct > 0.9 and len(filled) >= 20


def flags_in(texts: Sequence[str], positive: str | None = None) -> tuple[list[bool], str]:
    """Read a label.

    Args:
        texts: its cells, none missing.
        positive: the text that means it happened; guessed where it is None (`yes`, `1`, `true`, `churned` and the like).

    Returns:
        Whether it happened in each row, and the text that was taken for yes.

    Raises:
        LabelUnclear: there are not two values, or none of them is known to mean yes.
    """
    values = sorted({text.strip() for text in texts})
    shown = ", ".join(f'"{value[:40]}"' for value in values[:6]) + (", …" if len(values) > 6 else "")
    if positive is not None:
        if positive not in values:
            raise LabelUnclear(f'no row has the label "{positive}"; it has {shown}')
        return [text.strip() == positive for text in texts], positive
    if len(values) != 2:
        raise LabelUnclear(f"the label has {len(values)} values and wants two: {shown}; name the one that means yes with --positive")
    lower = [value.lower().rstrip(".") for value in values]
    yes = [v for v, low in zip(values, lower, strict=True) if low in _YES]
    no = [v for v, low in zip(values, lower, strict=True) if low in _NO]
    if len(yes) != 1:
        yes = (
            [v for v in values if v not in no]
            if len(no) == 1
            else [v for v, low in zip(values, lower, strict=True) if low.startswith(_YES_PARTS)]
        )
    if len(yes) != 1:
        raise LabelUnclear(f"nobody can tell which of {shown} means yes; name it with --positive")
    return [text.strip() == yes[0] for text in texts], yes[0]
